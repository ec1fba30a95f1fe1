/*
 * rules.h - the nftables rules of N.
 *
 * Table inet hoy: which packets are delivered to sockets of N although their address is none of N's (net/setup.h says what for). A SYN that a
 * container sends out is never one of them, whatever sockets there are: it goes into the TUN, where the network process looks whether
 * the far side answers.
 */
#ifndef NET_RULES_H
#define NET_RULES_H

#include "net/plan.h"
#include "sys/nft.h"

enum { RULES_MARK = 1, RULES_TABLE = 100 }; /* "deliver here", and the routing table that does */
enum { RULES_PORT = 1 };		    /* of the transparent listeners, on 127.0.0.1 and ::1 */

/* Replaces the table, in a batch of its own or of others. */
void rules_inet(struct nl_batch *b, const struct netns_plan *p);

#endif
