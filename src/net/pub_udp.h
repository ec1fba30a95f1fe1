/*
 * pub_udp.h - datagrams to published ports: one socket of N for each client.
 *
 * A client is an address and port, and the address of the host that it asked: answers leave from there, on a listener for all addresses too. Its socket in N
 * is bound to the client's address and port and connected to the container, as listener_source() says; a client that the container would see
 * twice (it asks two published ports of one container port, or two addresses of the host) has a port of the kernel's choice the second time.
 * A client is forgotten after 30 s, or 180 s once it has been answered and the talk has lasted for two seconds. When there are too many, those that have had
 * no answer go first: whoever sends from invented addresses drives no real client out.
 *
 * What is not there: a client is not told that nobody listens in the container, for only the kernel of the host could tell it (ICMP needs a raw socket).
 */
#ifndef NET_PUB_UDP_H
#define NET_PUB_UDP_H

#include "net/listener.h"

/* l->w.fd is bound and not watched yet. 0 or a negative errno. */
int pub_udp_open(struct listener *l, struct err *e);
/* Ends its flows and takes the watch away; the descriptor stays open. */
void pub_udp_close(struct listener *l);

#endif
