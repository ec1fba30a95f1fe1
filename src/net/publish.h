/*
 * publish.h - published ports: host sockets that lead to a container, which sees the client's own address.
 *
 * A port without an address is bound twice, to 0.0.0.0 and to [::] (where the host has IPv6), by sockets of their own. For each client that comes
 * a socket of N (net/sockpool.h) is bound to the client's address and port and connected to the container. Where the container could not
 * answer to that address, it sees the gateway's instead: see listener_source(). 127.0.0.1 it never sees.
 *
 * TCP: the client is accepted before it is known whether the container listens, as with every forwarder in user space; if it does not, the client
 * hears a reset. UDP: net/pub_udp.h has the datagrams.
 */
#ifndef NET_PUBLISH_H
#define NET_PUBLISH_H

#include "net/listener.h"

/* Opens the host's ports (struct port) for the member, all of them or none; m->ports owns them. A host port 0 becomes the one that the kernel
 * picked, in the list itself (host_port; with a range: the first of that many in a row). ERR_PORT_TAKEN, ERR_PORT_RIGHTS, ERR_PORT_ADDRESS; who
 * has a taken port can only be told outside of this process (net/holder.h). */
int publish_open(struct member *m, struct bind_list *ports, struct err *e);
/* Closes them and what runs through them, but for TCP connections: out_tcp_member_gone() ends those. */
void publish_close(struct member *m);

#endif
