/*
 * subnets.h - which subnet a network gets: none that overlaps another network of this store, or what the host itself can reach.
 *
 * The default network is 10.88.0.0/16 if that is free; others count upwards from 10.89.0.0/24. IPv6 networks are /64s of a prefix of
 * fd00::/8 (RFC 4193) that each store draws once and keeps in the link networks/.ula. What is taken is given as a list: of
 * the networks of the store (networks_taken()), and of the host.
 */
#ifndef NET_SUBNETS_H
#define NET_SUBNETS_H

#include "data/bind.h"
#include "net/addr.h"
#include "state/home.h"

/* A prefix that is in use, and by whom, in words: "the network web", "the host (wlan0)". */
struct subnet_taken {
	struct ip_net net;
	const char *who;
};

/* Adds the host's addresses and routes. A host whose tables cannot be read has none. */
void subnets_add_host(struct bind_list *taken, struct arena *a);

/* The first of what overlaps, or NULL. */
const struct subnet_taken *subnets_overlap(const struct bind_list *taken, const struct ip_net *net);

/* A free one; the lock of networks/ is held. dflt: for the default network. ERR_NETWORK_SUBNET if there is none. */
int subnets_choose4(const struct bind_list *taken, bool dflt, struct ip_net *ret, struct err *e);
int subnets_choose6(const struct home *h, const struct bind_list *taken, struct ip_net *ret,
		    struct err *e);

#endif
