/*
 * hostnet.h - which addresses the host's network uses, so that a new network keeps away from them. Asked when a network is made, which is seldom and may be long (a
 * router's tables), so it is read with libmnl, opened then; what is on the way of every start speaks netlink by itself (sys/netlink.h).
 */
#ifndef NET_HOSTNET_H
#define NET_HOSTNET_H

#include "net/addr.h"

/* The prefixes that a new subnet must keep away from: those of the host's addresses and of its routes, in all tables. Default routes are not among
 * them, nor the two halves by which some VPNs replace one. The caller frees *ret. ERR_LIBRARY where libmnl is missing. */
int hostnet_prefixes(struct ip_net **ret, size_t *n, struct err *e);

#endif
