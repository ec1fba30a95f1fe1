/*
 * dest.h - where on the host a container's connections and datagrams go: the rules about destinations, for all protocols.
 *
 * The host's sockets stand in the host's own network namespace, where addresses mean more than a container may use: its loopback. What
 * leads there by any spelling is refused, so a service that listens on 127.0.0.1 is out of reach. 169.254.1.2 (host.containers.internal) is the
 * host by its primary address: the one that its default route uses at that moment, so that a service on all addresses answers. All other
 * addresses go where the host's routes lead.
 */
#ifndef NET_DEST_H
#define NET_DEST_H

#include "net/netproc.h"

enum dest {
	DEST_GO,	  /* to *ret */
	DEST_REFUSED,	  /* as if nobody listened there */
	DEST_UNREACHABLE, /* as if no route led there */
	DEST_DROP,	  /* many at once: no answer at all */
};

enum dest dest_resolve(const struct netproc *np, const struct ip *to, struct ip *ret);

/* The address of the host that its default route uses, else any that is not loopback; family 0: none. No packet is sent. */
struct ip dest_host_address(void);

/* "169.254.1.2", in network order. */
extern const uint8_t dest_host_alias[4];

#endif
