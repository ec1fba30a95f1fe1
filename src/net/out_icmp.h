/*
 * out_icmp.h - echo requests of containers to the world, through ping sockets of the host.
 *
 * Such a socket needs no right but that the user's group lies in net.ipv4.ping_group_range; where it does not, echo requests get no answer, and
 * `hoy info` says so (net/ping.h). The kernel gives each socket an id of its own, which is put in the place of the container's. As with datagrams (net/out_udp.h),
 * TTL and DF are as the container's packet had them, answers come in only from where requests went, and errors are passed on: ping says what it would say
 * on the host, and traceroute -I shows the way. No other ICMP message leaves a container.
 */
#ifndef NET_OUT_ICMP_H
#define NET_OUT_ICMP_H

#include "net/netproc.h"
#include "net/packet.h"

/* Sets np->icmp up. */
int out_icmp_init(struct netproc *np, struct err *e);
/* A packet of that protocol from the TUN device. It is gone when this returns. */
void out_icmp_packet(struct netproc *np, const struct packet *p);
/* The member's flows end. */
void out_icmp_member_gone(struct netproc *np, struct member *m);

#endif
