/*
 * dns.h - the name server of a network: port 53 of the gateway's addresses, UDP and TCP.
 *
 * Who asks is known by the source address, which no container can choose: a question from an address that is no member's is dropped.
 * On a network with names (network.dns) members are found by container name and alias, else by hostname and short id, case
 * does not matter; NAME, NAME.NETWORK and NAME.dns.podman are the same; several members of one name give all their addresses, in turns.
 * They have A, AAAA and PTR; any other type, and a family that the member lacks, is an empty answer (NODATA). Answers live for 1 s.
 * Known everywhere: host.containers.internal, host.docker.internal (169.254.1.2) and localhost.
 * Never asked outside: names below dns.podman, containers.internal, docker.internal, localhost, and addresses of the network's own subnets. Any other
 * unknown name goes to the upstream servers (net/dns_upstream.h), single labels too, as the host itself would ask; on an
 * internal network nothing ever does: NXDOMAIN.
 *
 * A container in several networks names several servers in its resolv.conf, one for each. Only the last one asks the world; the others
 * refuse (REFUSED) what they do not know, upon which a resolver tries the next (member.dns_not_last).
 *
 * Nothing is cached: the host's resolver is near and has a cache, and what is not kept can neither be poisoned nor be read by the wrong
 * container. The same question of several askers at once is asked once.
 *
 * Bounds: questions in flight for each member and in all, TCP connections likewise (the longest idle one makes room), 5 s idle. A question is
 * always answered, SERVFAIL at the latest after 5 s. The listening sockets are never reopened.
 */
#ifndef NET_DNS_H
#define NET_DNS_H

#include "net/netproc.h"

#define DNS_DOMAIN "dns.podman" /* the search domain of containers on networks with names */

/* Sockets of N, non-blocking, bound to port 53 of the gateway's addresses, TCP listening; -1: none of that family. */
struct dns_sockets {
	int udp4, tcp4, udp6, tcp6;
};

/* What the process must be able to read, for the sandbox: resolv.conf and the directories that it usually leads to; NULL at the end. */
extern const char *const dns_read_paths[];

/* Takes the sockets over and serves until the process ends. Sets np->dns. */
int dns_start(struct netproc *np, const struct dns_sockets *s, struct err *e);
/* A member is about to go: its questions and connections are forgotten. */
void dns_member_gone(struct netproc *np, const struct member *m);

#endif
