/*
 * hostnet.h - what the host's network looks like: which addresses are in use, and which one is the host's own. All of it is asked anew each time, for
 * VPNs and cables come and go, and nothing is sent to anyone.
 */
#ifndef NET_HOSTNET_H
#define NET_HOSTNET_H

#include "net/addr.h"

/* The prefixes that a new subnet must keep away from: those of the host's addresses and of its routes, in all tables. Default routes are not among
 * them, nor the two halves by which some VPNs replace one. The caller frees *ret. */
int hostnet_prefixes(struct ip_net **ret, size_t *n, struct err *e);

/* The address from which the host speaks to the world: the source of its default route, else its first global address. family 4 or 6.
 * -EADDRNOTAVAIL: it has none. */
int hostnet_primary(int family, struct ip *ret);

/* Is there a route to the world in this family (4 or 6)? */
bool hostnet_reaches(int family);

#endif
