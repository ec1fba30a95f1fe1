/*
 * netproc.h - the network process: what its parts share.
 *
 * One process per network, forked (not executed) by the first who attaches, alive as long as a connection of a supervisor is. It stays in the
 * host's network namespace, where its sockets to the world are; everything of N it has as descriptors that were opened there before it gave up
 * its rights: the TUN device, two transparent listeners, the name server's sockets. Sockets that it needs in N later come
 * from a small second process that lives there and can do nothing else (net/sockpool.h). It has no capability, sees
 * no file but the host's resolv.conf, and knows a few dozen system calls (net/sandbox.h).
 *
 * What comes in, and who takes it:
 *   TUN (packets that left the bridge)     net/tun.h        takes them apart
 *     SYN                                  net/out_tcp.h    connects on the host first, then lets the SYN go on to the listener
 *     UDP                                  net/out_udp.h    a map of flows to host sockets
 *     ICMP echo                            net/out_icmp.h   ping sockets
 *   transparent listeners in N             net/out_tcp.h    the container's side of such a connection
 *   published ports (host sockets)         net/publish.h    inner sockets in N that keep the client's address
 *   both ends of a TCP connection          net/pump.h       bytes from one to the other
 *   port 53 of the gateway                 net/dns.h        names of members, else the host's resolvers
 *   sock                                   net/control.h    members come and go
 *
 * One thread, one loop; nothing blocks. What is kept per flow is bounded and comes from pools that go back to the kernel when idle.
 */
#ifndef NET_NETPROC_H
#define NET_NETPROC_H

#include "base/loop.h"
#include "net/bind.h"
#include "net/network.h"
#include "net/port.h"
#include "net/pump.h"
#include "net/setup.h"

/* An attached endpoint. Its connection owns it. */
struct member {
	struct member *next;
	void *texts;   /* what the texts below lie in */
	char *renamed; /* the name, if it is not the first one */
	struct watch ctl;
	const char *container, *name,
		*hostname; /* never NULL once it is in the list; "" for no host name */
	struct strs aliases;
	struct strs dns;   /* servers of its own (--dns); none: the network's, else the host's */
	bool dns_not_last; /* its resolv.conf names further servers: see net/dns.h */
	struct ip ip4, ip6;
	bool first;			      /* it has the default route here, and so the ports */
	struct listener *ports;		      /* net/publish.h */
	struct bound_ports bound;	      /* sockets for some of them, until they are opened */
	struct pending *tcp_first, *tcp_last; /* net/out_tcp.h: connections that are being made, */
	uint32_t tcp_pending;		      /* and how many */
	struct pump_owner flows;	      /* TCP, those included */
	struct netproc *np;
};

struct tun;
struct out_tcp;
struct out_udp;
struct out_icmp;
struct dns;
struct sockpool;

struct netproc {
	struct loop loop;
	const struct network *net;
	struct ip_net sub4, sub6; /* the bridge's address and length; ip.family 0: none */
	bool allow_link_local, allow_host_loopback; /* options of the network */
	struct netns_fds fds; /* what was opened in N, net/setup.h: the TUN device, listeners ... */
	struct member *members;
	struct sockpool *pool;
	struct tun *dev;
	struct pump *pump; /* net/pump.h */
	int fd_limit; /* flows take no descriptors from here on: they are for what must go on */
	struct out_tcp *tcp;
	struct out_udp *udp;
	struct out_icmp *icmp;
	struct dns *dns;
};

/* The member with this address, or NULL. */
struct member *netproc_member(struct netproc *np, const struct ip *ip);

/* May a TCP flow of this member keep the descriptor fd, which it has just been given? (It was the lowest that was free, so it says how many are open; `promised`
 * more are to come.) A member has at most three for each that is left, so one alone gets three quarters of all, and others can always connect. */
bool netproc_may_keep(const struct netproc *np, const struct member *m, int fd, uint32_t promised);

#endif
