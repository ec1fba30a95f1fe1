/*
 * network.h - the networks of the store: what a network is, and its record.
 *
 * networks/<name>/ holds config.json (replaced as a whole), leases/ (net/lease.h: which addresses are taken, and by whom), lock (held by
 * whoever starts the network process) and, while a container is attached, sock: the socket of the network process (net/attach.h).
 * A network is made below tmp/ and moved to its place, so what has a name is whole. Making and changing records is done under the lock of
 * networks/ (so that no two networks get the same subnet); reading takes none.
 * The default network "bridge" has no record until the first container needs it; its other names are "default" and "podman".
 */
#ifndef NET_NETWORK_H
#define NET_NETWORK_H

#include "data/bind.h"
#include "net/addr.h"
#include "net/endpoint.h"
#include "state/home.h"

#define NETWORK_DEFAULT "bridge"
/* Of every store: it cannot be removed and made anew, so nobody has to tell two of them apart. */
#define NETWORK_DEFAULT_ID "17f29b073143d8cd97b5bbe492bdeffec1c5fee55cc1fe2112c8b9335f8b6121"

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
	struct bind_list subnets;     /* struct subnet: at most one of each family */
	struct bind_list routes;      /* struct network_route: static routes for its containers */
	bool ipv6, internal, dns;     /* dns: containers find each other by name */
	struct strs dns_servers;      /* upstream servers; none: the host's */
	struct pairs labels, options; /* mtu, isolate, mode, vlan ... as they were given */
};
extern const struct bind_field network_fields[];

enum { NETWORK_NAME_MAX = 128, NETWORK_ROUTES_MAX = 8, NETWORK_DNS_MAX = 8 };

/* Reads a network by its name, id, or a unique prefix of its id. The default network is made if it is not there yet (create false:
 * -ENOENT then). ERR_NETWORK_UNKNOWN with the nearest name. */
int network_find(const struct home *h, const char *text, bool create, struct network *ret,
		 struct arena *a, struct err *e);
/* Is this text a name of the default network? */
bool network_is_default(const char *text);

/* [a-zA-Z0-9][a-zA-Z0-9_.-]*, at most NETWORK_NAME_MAX bytes; else ERR_NAME. */
int network_check_name(const char *name, struct err *e);

/* Reads the record of this very name. -ENOENT (without *e): there is none. ERR_NETWORK_RECORD: it is not of its form; ERR_NEWER. */
int network_read(const struct home *h, const char *name, struct network *ret, struct arena *a,
		 struct err *e);
/* The names of all records, sorted. */
int network_names(const struct home *h, struct strv *ret, struct err *e);

/* Who makes, changes or removes a network holds this: a descriptor, or -errno. */
int networks_lock(const struct home *h, struct err *e);
/* Makes networks/<name>; the lock is held. Its id and time are filled in if they are not set. -EEXIST: ERR_NETWORK_EXISTS. */
int network_make(const struct home *h, struct network *n, struct arena *a, struct err *e);
/* Replaces the record of a network; the lock is held. */
int network_write(const struct home *h, const struct network *n, struct err *e);

/* Adds what the networks of the store have to what is taken (net/subnets.h). Records that cannot be read are left out. */
int networks_taken(const struct home *h, struct bind_list *taken, struct arena *a, struct err *e);

/* The endpoint that is in this network, and not in an earlier one of its name; NULL: none. */
const struct endpoint *network_endpoint(const struct endpoints *l, const struct network *n);

/* The record's subnet of this family (4 or 6); NULL: none. */
const struct subnet *network_subnet(const struct network *n, int family);

#endif
