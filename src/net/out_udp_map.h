/*
 * out_udp_map.h - which container's port has which host socket, and whom it talks to.
 *
 * A flow is one address and port of a container. It has one socket of the host, whose port is the same towards everybody (RFC 4787 calls
 * that endpoint-independent mapping): what STUN tells a container is true for its peers too, so calls and games find through. A
 * peer is an address and port that the flow has sent to, and only from there do answers come in (address and port-dependent filtering), as with the
 * NAT of docker's networks: whoever just guesses the host's port reaches nobody.
 *
 * Both are found by hash tables with a secret, and kept in the order of their last use. A peer lives as long as a connection-tracking kernel would keep
 * it: 30 s, 180 s once it has answered and the talk has lasted for two seconds, 5 s when a name server has answered. A flow lives as long as its
 * peers. There are limits for one flow, one member and all; the oldest makes room. Tables exist only while there are flows.
 */
#ifndef NET_OUT_UDP_MAP_H
#define NET_OUT_UDP_MAP_H

#include "net/hostsock.h"
#include "net/slab.h"

enum {
	FLOWS_MAX = 8192,  /* or less, as udp_map_init() is told */
	PEERS_MAX = 32768, /* in all */
	PEERS_FLOW = 4096,
	UDP_ONCE_MS = 5000,
	UDP_NEW_MS = 30000,
	UDP_ASSURED_MS = 180000,
};

struct udp_peer {
	struct udp_peer *chain;		/* in the table */
	struct udp_peer *newer, *older; /* of the flow */
	struct udp_flow *flow;
	struct ip host, shown; /* its address, and what the container calls it */
	uint16_t port;
	bool answered,
		again; /* it has sent; the container has sent after that, or two seconds apart */
	int64_t since, used; /* monotonic ms */
};

struct udp_flow {
	struct udp_flow *chain;
	struct udp_flow *newer, *older; /* of the member */
	struct udp_member *owner;
	struct udp_map *map;
	struct ip src;
	uint16_t port;
	struct watch watch; /* the host socket */
	struct sock_header header;
	bool no_train; /* UDP_SEGMENT does not work there */
	struct udp_peer *newest, *oldest;
	size_t npeers;
};

/* A member's flows. */
struct udp_member {
	struct udp_member *next;
	const struct member *member;
	struct udp_flow *newest, *oldest;
	size_t n;
};

struct udp_map {
	struct udp_flow **flows; /* tables; NULL while empty */
	struct udp_peer **peers;
	struct slab flow_slab, peer_slab;
	size_t nflows, npeers, max_flows;
	uint64_t secret;
	struct udp_member *members;
	/* Called for a flow that ends, for what it has outside of the map. */
	void (*ended)(struct udp_flow *f);
};

void udp_map_init(struct udp_map *m, size_t max_flows, void (*ended)(struct udp_flow *f));
/* The flow, or NULL. */
struct udp_flow *udp_flow_find(struct udp_map *m, const struct ip *src, uint16_t port)
	__attribute__((hot));
/* Makes it (there must be none), without a socket; another one ends if there are too many. NULL: no memory. */
struct udp_flow *udp_flow_make(struct udp_map *m, const struct member *who, const struct ip *src,
			       uint16_t port);
void udp_flow_end(struct udp_flow *f);
/* Ends the flow that was used longest ago, other than f: descriptors have run out. False: there is none. */
bool udp_flow_evict(struct udp_map *m, const struct udp_flow *f);

struct udp_peer *udp_peer_find(struct udp_flow *f, const struct ip *host, uint16_t port)
	__attribute__((hot));
/* Something is sent to it: the peer, made if there is none, is the newest now. NULL: no memory. */
struct udp_peer *udp_peer_sent(struct udp_flow *f, const struct ip *host, const struct ip *shown,
			       uint16_t port, int64_t now) __attribute__((hot));
/* Something came from it. */
void udp_peer_heard(struct udp_peer *p, int64_t now) __attribute__((hot));

/* Ends what is too old. Returns whether any flow is left. */
bool udp_map_sweep(struct udp_map *m, int64_t now);
void udp_map_forget(struct udp_map *m, const struct member *who);

#endif
