/*
 * publish.h - published ports: host sockets that lead to a container, which sees the client's own address.
 */
#ifndef NET_PUBLISH_H
#define NET_PUBLISH_H

#include "net/netproc.h"

/* Opens the host's ports (struct port) for the member, all of them or none; m->ports owns them. A host port 0 becomes the one that the kernel
 * picked, in the list itself (host_port; with a range: the first of that many in a row). The error says who has a taken port. */
int publish_open(struct member *m, struct bind_list *ports, struct err *e);
/* Closes them and what runs through them. */
void publish_close(struct member *m);

#endif
