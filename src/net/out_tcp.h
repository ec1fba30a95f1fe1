/*
 * out_tcp.h - connections of containers to the world, over TCP.
 */
#ifndef NET_OUT_TCP_H
#define NET_OUT_TCP_H

#include "net/netproc.h"

struct packet;

/* Sets np->tcp up. */
int out_tcp_init(struct netproc *np, struct err *e);
/* A packet of that protocol from the TUN device. It is gone when this returns. */
void out_tcp_packet(struct netproc *np, const struct packet *p);
/* The member's flows end. */
void out_tcp_member_gone(struct netproc *np, struct member *m);

#endif
