/*
 * out_icmp.h - echo requests of containers to the world, through ping sockets of the host.
 */
#ifndef NET_OUT_ICMP_H
#define NET_OUT_ICMP_H

#include "net/netproc.h"

struct packet;

/* Sets np->icmp up. */
int out_icmp_init(struct netproc *np, struct err *e);
/* A packet of that protocol from the TUN device. It is gone when this returns. */
void out_icmp_packet(struct netproc *np, const struct packet *p);
/* The member's flows end. */
void out_icmp_member_gone(struct netproc *np, struct member *m);

#endif
