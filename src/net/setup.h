/*
 * setup.h - makes a network namespace into N, the one of a network: its bridge and addresses, its routes and rules, and the descriptors that
 * the network process needs from inside of it.
 *
 * How packets go (net/rules.h): what is not for the bridge's own subnets has its default route into the TUN. What belongs to a transparent socket,
 * or is a SYN that the network process has put back into the TUN, gets a mark, which leads to a table that delivers it here. An internal network
 * has no TUN, no such rules and no default route.
 */
#ifndef NET_SETUP_H
#define NET_SETUP_H

#include "net/network.h"

/* What was opened in N; -1: not there (no such address family, internal). All are non-blocking and close on exec. */
struct netns_fds {
	int ns;			/* N itself */
	int tun;		/* IFF_TUN | IFF_NO_PI | IFF_VNET_HDR */
	int listen4, listen6;	/* TCP, transparent: where the SYNs that were written back arrive */
	int dns_udp4, dns_tcp4; /* port 53 of the gateway */
	int dns_udp6, dns_tcp6;
};
enum { NETNS_FDS = sizeof(struct netns_fds) / sizeof(int) };
#define NETNS_FDS_NONE ((struct netns_fds){-1, -1, -1, -1, -1, -1, -1, -1})

/* Called by a process that is in N already and has all capabilities over it. fresh: N has just been made; else its network process died, and what of it
 * is still there stays: the bridge, the devices of containers, their addresses. */
int netns_setup(const struct network *n, bool fresh, struct netns_fds *ret, struct err *e);
void netns_close(struct netns_fds *f);

#endif
