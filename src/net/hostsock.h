/*
 * hostsock.h - what out_udp and out_icmp share: the headers of what a socket of the host sends, and what it was told about packets that did not arrive.
 */
#ifndef NET_HOSTSOCK_H
#define NET_HOSTSOCK_H

#include <sys/socket.h>

#include "net/netproc.h"
#include "net/packet.h"
#include "net/sockaddr.h"

/* What an IP socket of the host is set to, as the last packet of the container wanted it. */
struct sock_header {
	uint8_t ttl, tos;
	bool df; /* the kernel neither cuts what is sent nor lets routers cut it: what is too long fails with EMSGSIZE */
	bool set;
};
/* Calls the kernel only for what has changed. */
void sock_set_header(int fd, uint8_t family, struct sock_header *have, uint8_t ttl, uint8_t tos,
		     bool df) __attribute__((hot));
/* Asks for errors (sock_error), and for the TTL and TOS of what comes in. */
void sock_ask_all(int fd, uint8_t family);
/* What sock_ask_all() asked for, from the control data of one message. */
void sock_header_of(const struct msghdr *m, uint8_t *ttl, uint8_t *tos);

/* One entry of a socket's error queue. */
struct sock_error {
	struct ip to; /* where the packet went that it is about */
	uint16_t port;
	int code;	    /* errno */
	bool icmp;	    /* from the network, with the next two; else the host's own */
	uint8_t type, kind; /* ICMP type and code, or ICMPv6's */
	uint32_t mtu;	    /* with "too big", of either origin; else 0 */
	struct ip from;	    /* who said it; family 0: the host */
	uint8_t data[512];  /* what the packet carried, its beginning */
	size_t len;
};
/* Takes the next entry; false: there is none. */
bool sock_error_next(int fd, struct sock_error *ret);

/* Passes an ICMP error on to a container, about what it sent: sent->src is the container, sent->dst what it calls the other side, with v->data as the body. Who
 * said it stays, where a container can be told so; host: the address behind sent->dst, which has that name if it says so itself. */
void sock_error_pass(struct netproc *np, const struct sock_error *v, const struct packet_to *sent,
		     bool echo, const struct ip *host);
/* The kernel refused to send p with this errno: tells its sender what a router would have told. mtu: with EMSGSIZE. */
void sock_refused(struct netproc *np, const struct packet *p, int code, uint32_t mtu);

#endif
