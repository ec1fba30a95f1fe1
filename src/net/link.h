/*
 * link.h - the device that connects a container with its network: a veth pair, one end a port of the bridge in N, the other the container's.
 *
 * Both functions talk to N through sockets that were opened there (net/attach.h); the caller has all capabilities in U0, to which N belongs.
 */
#ifndef NET_LINK_H
#define NET_LINK_H

#include <sys/types.h>

#include "net/network.h"

/* Makes the pair, the peer named ep->ifname with the endpoint's MAC in the network namespace of pid, lets only the endpoint's own addresses
 * pass, and sets the port up. rtnl, nfnl: netlink sockets of N. */
int link_make(int rtnl, int nfnl, const struct network *n, const struct endpoint *ep, pid_t pid,
	      struct err *e);
/* Takes both ends and what let the endpoint's addresses pass away. */
void link_remove(int rtnl, int nfnl, const struct network *n, const struct endpoint *ep);

#endif
