/*
 * out_udp.h - datagrams of containers to the world: a map of flows to host sockets.
 */
#ifndef NET_OUT_UDP_H
#define NET_OUT_UDP_H

#include "net/netproc.h"

struct packet;

/* Sets np->udp up. */
int out_udp_init(struct netproc *np, struct err *e);
/* A packet of that protocol from the TUN device, net/tun.h. It is sent when out_udp_flush() is called, at the end of a batch. */
void out_udp_packet(struct netproc *np, const struct packet *p);
void out_udp_flush(struct netproc *np);
/* The member's flows end. */
void out_udp_member_gone(struct netproc *np, struct member *m);

#endif
