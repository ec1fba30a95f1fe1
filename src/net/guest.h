/*
 * guest.h - the container's side of its networks: addresses, routes and names of devices in its own network namespace.
 *
 * The device was made by whoever attached it (net/attach.h); what is on it is set from inside, by a process that has
 * CAP_NET_ADMIN over that namespace: the container's init, or a child that joins a running container.
 */
#ifndef NET_GUEST_H
#define NET_GUEST_H

#include "net/addr.h"

enum { GUEST_ROUTES = 8, GUEST_IFACES = 32, IFNAME = 16 };

struct guest_route {
	struct ip_net to;
	struct ip via; /* family 0: on the link */
	uint32_t metric;
};

/* Plain bytes: it travels over sockets as it is. */
struct guest_iface {
	char name[IFNAME];
	struct ip_net ip4, ip6; /* ip.family 0: none */
	struct ip gw4, gw6;	/* default routes; family 0: none */
	uint8_t nroutes;
	struct guest_route routes[GUEST_ROUTES];
};

/* Brings the device up and gives it its addresses (IPv6 without duplicate detection: usable at once) and routes. */
int guest_configure(const struct guest_iface *v, struct err *e);

#endif
