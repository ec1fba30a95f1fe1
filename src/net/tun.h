/*
 * tun.h - the TUN device of N: packets that left the bridge for the world, given to whoever knows their protocol, and answers written back.
 *
 * A packet is taken apart (net/packet.h), put together if it came in fragments, and looked at once for all protocols:
 * - its source is a member, or it is dropped without a word;
 * - multicast and broadcast go nowhere; loopback, the unspecified address and their disguises (0/8, IPv4 inside of IPv6) are refused;
 * - 169.254.1.2 is the host, at its primary address: never at its loopback.
 * Who sent it stands in p->member then, and where it is to go on the host's side in p->to; p->dst is what the container calls it, and answers come from there.
 *
 * Packets are read in batches into one buffer that goes back to the kernel when nothing comes. Opened with IFF_VNET_HDR the device gives and takes
 * packets without checksums, and many datagrams of one flow as one (UDP_SEGMENT, kernel 6.2); without, all works alike, a
 * little slower.
 */
#ifndef NET_TUN_H
#define NET_TUN_H

#include <sys/uio.h>

#include "net/netproc.h"
#include "net/packet.h"

/* Who takes which protocol. A packet is gone when the function returns, but for the bytes it points to: they stay until flush() has
 * returned, which comes after each batch. */
struct tun_takers {
	void (*tcp)(struct netproc *np, const struct packet *p);
	void (*udp)(struct netproc *np, const struct packet *p);
	void (*icmp)(struct netproc *np, const struct packet *p); /* ICMPv6 too */
	void (*flush)(struct netproc *np);
};

/* Watches np->fds.tun, if there is one (IFF_TUN | IFF_NO_PI, best with IFF_VNET_HDR), and sets np->dev. Before the process gives up its rights:
 * it asks the device what it can. takers must stay; NULL in it: dropped. */
int tun_init(struct netproc *np, const struct tun_takers *takers, struct err *e);

/* Sends a packet into N. What does not fit is dropped, as in any network. */
void tun_send(struct netproc *np, const void *packet, size_t len);
/* Datagrams from to->src to to->dst, one per element: all of one length, but the last may be shorter (struct train). */
void tun_udp(struct netproc *np, const struct packet_to *to, const struct iovec *v, size_t n)
	__attribute__((hot));
/* An echo request's answer. */
void tun_echo(struct netproc *np, const struct packet_to *to, const void *body, size_t len);
/* Tells the sender of p that it did not arrive. from NULL: the gateway says so. */
void tun_error(struct netproc *np, enum packet_why why, uint32_t mtu, const struct ip *from,
	       const struct packet *p);
/* Nobody is there: RST to a TCP segment, else port unreachable, as if from p->dst. */
void tun_refuse(struct netproc *np, const struct packet *p);
/* The address of the gateway of that family; family 0 where there is none. */
struct ip tun_gateway(const struct netproc *np, uint8_t family);

#endif
