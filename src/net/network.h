/*
 * network.h - the networks of the store: what a network is, its record, and its addresses.
 *
 * networks/<name>/ holds config.json (replaced as a whole), leases/<address> (a link whose text is the id of the container that has
 * it: taken by symlink(2), never by a scan), lock (held by whoever starts the network process or changes the record) and, while a container is
 * attached, sock: the socket of the network process (net/attach.h). The default network "bridge" has no record until the first
 * container needs it; its other names are "default" and "podman".
 */
#ifndef NET_NETWORK_H
#define NET_NETWORK_H

#include "data/bind.h"
#include "net/addr.h"
#include "net/endpoint.h"
#include "state/home.h"

#define NETWORK_DEFAULT "bridge"

struct subnet {
	const char *subnet;		     /* "10.88.0.0/16" */
	const char *gateway;		     /* NULL only for ipvlan and macvlan */
	const char *range_start, *range_end; /* inclusive; NULL: the whole subnet */
	struct pairs reserved; /* docker's --aux-address: name to address, never leased */
};

struct network_route {
	const char *destination, *gateway;
	int64_t metric; /* 0: the kernel's */
};

struct network {
	int64_t version;
	const char *name, *id; /* 64 hex digits, as container ids */
	const char *created;   /* RFC 3339 */
	const char *driver;    /* "bridge", "macvlan", "ipvlan" */
	const char
		*interface; /* the bridge's name in N, or the parent device of macvlan and ipvlan */
	struct bind_list
		subnets; /* struct subnet: at most one of each family has the default route */
	struct bind_list routes;      /* struct network_route: static routes for its containers */
	bool ipv6, internal, dns;     /* dns: containers find each other by name */
	struct strs dns_servers;      /* upstream servers; none: the host's */
	struct pairs labels, options; /* mtu, isolate, mode, vlan ... as they were given */
};
extern const struct bind_field network_fields[];

/* Reads a network by its name, id, or a unique prefix of its id. The default network is made if it is not there yet (create false:
 * -ENOENT then). ERR_NETWORK_UNKNOWN with the nearest name. */
int network_find(const struct home *h, const char *text, bool create, struct network *ret,
		 struct arena *a, struct err *e);
/* Is this text a name of the default network? */
bool network_is_default(const char *text);

/* Takes addresses for an endpoint of the network, as ep->ip4, ip6 and mac ask for (fixed*) or free ones, and fills them in. The
 * container's id owns them until leases_drop(). Leases whose container is gone are taken over. ERR_NETWORK_ADDRESS: taken (says by
 * whom), outside of the subnet, or none left. */
int leases_take(const struct home *h, const struct network *n, const char *container,
		struct endpoint *ep, struct arena *a, struct err *e);
void leases_drop(const struct home *h, const char *container, const struct endpoint *ep);

#endif
