/*
 * out_udp.h - datagrams of containers to the world: a map of flows to host sockets.
 *
 * Which socket is whose, and who may answer, is net/out_udp_map.h. The sockets are not connected and not bound to an address: the kernel looks up route
 * and source for each datagram, so a VPN that comes, a route that goes and comes back, an address that changes need nothing from us.
 * TTL, TOS and DF are as the container's packet had them: traceroute works, and so does the search for the path's MTU.
 *
 * DF needs a word. The devices of a network have an MTU of 65520, so a container's kernel sets DF on everything, not knowing better. What is longer than
 * 1500 bytes, no path through the internet carries in one piece, and no sender can mean it so: it is sent, in fragments if need be, as it would
 * be from a device with an MTU of 1500. What is shorter is meant as it says: if it is too long for its path it is refused, with the path's MTU.
 *
 * What the host's sockets are told (nobody listens, no route, too big, TTL exceeded) becomes ICMP to the container.
 */
#ifndef NET_OUT_UDP_H
#define NET_OUT_UDP_H

#include "net/netproc.h"
#include "net/packet.h"

/* Sets np->udp up. */
int out_udp_init(struct netproc *np, struct err *e);
/* A packet of that protocol from the TUN device, net/tun.h. It is sent when out_udp_flush() is called, at the end of a batch. */
void out_udp_packet(struct netproc *np, const struct packet *p);
void out_udp_flush(struct netproc *np);
/* The member's flows end. */
void out_udp_member_gone(struct netproc *np, struct member *m);

#endif
