/*
 * pub_udp.h - datagrams to published ports: one socket of N for each client.
 */
#ifndef NET_PUB_UDP_H
#define NET_PUB_UDP_H

#include "net/listener.h"

/* l->w.fd is bound and not watched yet. 0 or a negative errno. */
int pub_udp_open(struct listener *l, struct err *e);
/* Ends its flows and takes the watch away; the descriptor stays open. */
void pub_udp_close(struct listener *l);

#endif
