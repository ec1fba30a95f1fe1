/*
 * rtnl.h - rtnetlink requests: devices, addresses, routes and rules, each added to a batch (sys/netlink.h) that nl_talk() sends.
 *
 * Devices get their index from whoever makes them, so that one batch can make a device and all that is on it. Addresses are bytes in network
 * order with a family of AF_INET or AF_INET6. Everything holds for the network namespace of the socket.
 */
#ifndef SYS_RTNL_H
#define SYS_RTNL_H

#include <sys/socket.h>

#include "sys/netlink.h"

int rtnl_open(struct err *e); /* a socket for nl_talk() */

/* The index of a device, found by its name through any socket of its namespace; -ENODEV. */
int rtnl_index(int fd, const char *name);
int rtnl_mac(int fd, const char *name, uint8_t ret[6]); /* 0, or -ENODEV */

struct rtnl_link {
	const char *kind;   /* "bridge", "veth", "macvlan", "ipvlan"; NULL: the device exists */
	const char *name;   /* NULL: the kernel's choice, or found by its index */
	int index;	    /* 0: the kernel's choice, or found by its name */
	int master;	    /* index of its bridge; 0: none */
	int parent;	    /* of a macvlan, ipvlan or vlan */
	uint32_t mtu;	    /* 0: as it is */
	const uint8_t *mac; /* NULL: as it is */
	bool up, down;
	bool no_linklocal; /* the kernel gives it no IPv6 address of its own accord; for a device that exists */
	int netns;     /* a descriptor of the namespace that it is made in; 0: that of the socket */
	uint32_t mode; /* MACVLAN_MODE_*, IPVLAN_MODE_* */
	uint16_t flags;		/* IPVLAN_F_* */
	uint16_t vlan;		/* the tag, of kind "vlan" */
	struct rtnl_peer *peer; /* of a veth */
};
/* The other end of a veth: made in the network namespace of a process, or of a descriptor. */
struct rtnl_peer {
	const char *name;
	int index;
	const uint8_t *mac;
	uint32_t mtu;
	pid_t pid; /* 0: ns */
	int ns;
};

/* Makes a device, or changes one (kind NULL). */
void rtnl_link(struct nl_batch *b, const char *what, const struct rtnl_link *l);
/* TCP of this machine may hand packets of this size to the device, in place of 64 KB ones ("BIG TCP"; kernel 5.19 for IPv6, 6.3 for IPv4; older ones
 * and other devices stay as they are). For virtual devices, which pass them on as they are: each packet costs the same. */
enum { RTNL_BIG = 524280 };
void rtnl_big(struct nl_batch *b, const char *what, int index);
/* Calls fn with the index of each device. */
int rtnl_each_link(int fd, int (*fn)(int index, void *arg), void *arg, struct err *e);
void rtnl_link_delete(struct nl_batch *b, const char *what, int index);
/* A bridge port: it learns no addresses from what comes in, unknown destinations are not flooded to it, isolated ports reach the bridge
 * only. */
void rtnl_port(struct nl_batch *b, const char *what, int index, bool isolated);
/* The bridge's own port table: this MAC is behind that port. */
void rtnl_fdb(struct nl_batch *b, const char *what, int port, const uint8_t mac[6]);

/* IPv6 without duplicate address detection: usable at once. */
void rtnl_address(struct nl_batch *b, const char *what, int index, int family, const void *addr,
		  uint8_t len);
void rtnl_address_delete(struct nl_batch *b, const char *what, int index, int family,
			 const void *addr, uint8_t len);

struct rtnl_route {
	int family;
	const void *to; /* NULL: the default route */
	uint8_t len;
	const void *via; /* NULL: on the link */
	int index;	 /* 0: found by via */
	uint32_t table;	 /* 0: main */
	uint32_t metric;
	bool local; /* delivered here (RTN_LOCAL) */
};
void rtnl_route(struct nl_batch *b, const char *what, const struct rtnl_route *r);
/* Packets with this mark are looked up in that table. */
void rtnl_rule(struct nl_batch *b, const char *what, int family, uint32_t mark, uint32_t table);

/* The route that a packet to addr would take: its device and the source address (16 bytes, zero if there is none). -ENETUNREACH and others as the
 * kernel says. */
int rtnl_route_to(int fd, int family, const void *addr, int *ret_index, uint8_t ret_src[16],
		  struct err *e);

#endif
