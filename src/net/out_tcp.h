/*
 * out_tcp.h - TCP connections of containers to the world, made by the kernel at both ends.
 *
 * A SYN that left the bridge is kept, and a connection to where it goes is made on the host. What comes of that is what the container is
 * told: connected, the SYN goes back into N, where the transparent listener takes it, and both ends go to the pump; refused is a RST;
 * no route or no such host is the ICMP error that says so; no answer is no answer. The SYN that is kept is small, and how many are kept is bounded for each
 * member and for all: what comes beyond is dropped, and the container's kernel sends it again a second later.
 */
#ifndef NET_OUT_TCP_H
#define NET_OUT_TCP_H

#include "net/netproc.h"

struct packet;

/* Sets np->tcp up, and watches the listeners. */
int out_tcp_init(struct netproc *np, struct err *e);
/* A packet of that protocol from the TUN device. It is gone when this returns. */
void out_tcp_packet(struct netproc *np, const struct packet *p);
/* The member's flows end: those that are being made, and all that the pump has of it. */
void out_tcp_member_gone(struct netproc *np, struct member *m);

#endif
