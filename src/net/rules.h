/*
 * rules.h - the nftables rules of N.
 *
 * Table inet hoy: which packets are delivered to sockets of N although their address is none of N's (net/setup.h says what for). A SYN that a
 * container sends out is never one of them, whatever sockets there are: it goes into the TUN, where the network process looks whether
 * the far side answers.
 *
 * Table bridge hoy: what a container may send. Each port has its own addresses in two sets, as device . MAC . IP; a frame passes only if what
 * it claims to come from is there: in IPv4, in IPv6, in ARP (both MACs in it), in neighbour advertisements. Dropped is what only a
 * router or a DHCP server sends, and every other protocol, frames with a VLAN tag among them. A container that is root over its device, or has
 * CAP_NET_RAW, changes nothing of this: the rules are N's.
 */
#ifndef NET_RULES_H
#define NET_RULES_H

#include "net/plan.h"
#include "sys/nft.h"

enum { RULES_MARK = 1, RULES_TABLE = 100 }; /* "deliver here", and the routing table that does */
enum { RULES_PORT = 1 };		    /* of the transparent listeners, on 127.0.0.1 and ::1 */

/* Makes the tables; that of inet is replaced if N is not fresh, which costs 10 ms: the kernel waits for its readers when the socket is
 * closed. */
void rules_inet(struct nl_batch *b, const struct netns_plan *p, bool fresh);
void rules_bridge(struct nl_batch *b);

/* The addresses of a port are allowed, or no more. IPv6 includes the link-local address of the MAC. */
void rules_port(struct nl_batch *b, bool del, int index, const uint8_t mac[MAC_LEN],
		const struct ip *ip4, const struct ip *ip6);

/* Removes what is allowed to ports that are gone: a container's device ends with its namespace, and tells nobody. Ports whose device was made before
 * their addresses were allowed keep them. */
int rules_sweep(int rtnl, int nfnl, struct err *e);

#endif
