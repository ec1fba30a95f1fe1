/*
 * plan.h - what a bridge network is in N, worked out from its record: numbers, names and indices that set-up, rules and links share.
 */
#ifndef NET_PLAN_H
#define NET_PLAN_H

#include "net/addr.h"
#include "net/network.h"

/* Indices that devices in N have; those of containers are drawn at random, far above. */
enum { N_LOOPBACK = 1, N_BRIDGE = 1000, N_TUN = 1001 };
#define N_TUN_NAME "hoytun"
enum { N_MTU = 65520, N_MTU_MIN = 68, N_MTU_MIN6 = 1280 };

/* The numbers of a bridge network, from its record. */
struct netns_plan {
	char bridge[16];
	struct ip_net sub4,
		sub6; /* the gateway's address with the subnet's length; ip.family 0: none */
	uint8_t mac[MAC_LEN]; /* of the bridge: stays the same whatever ports it has */
	uint32_t mtu;
	bool internal, isolate;
};
/* Can the kernel do IPv6 at all (ipv6.disable=1)? If not, networks of both families have IPv4 only, until it can again: records, leases and endpoints stay. */
bool netns_has_ipv6(void);
int netns_plan(const struct network *n, struct netns_plan *ret, struct err *e);

#endif
