/*
 * network_opts.h - --network and the flags that go with it: checked, and turned into a mode of the config and endpoints.
 *
 * A network is none, host, a network of the store (bridge, default, podman and private are the default one's names; several may be
 * given), container:NAME, ns:PATH, pasta or slirp4netns. What is asked of one network stands behind a colon (NAME:ip=...,alias=...), in
 * docker's list (name=NAME,ip=...), or in flags of its own, --ip, --ip6, --mac-address, --network-alias, which mean the only one
 * (the last: each). Errors are ERR_USAGE, or those of what is looked up.
 *
 * Sources: podman-run(1), docker-run(1).
 */
#ifndef ENGINE_NETWORK_OPTS_H
#define ENGINE_NETWORK_OPTS_H

#include "engine/container.h"

struct endpoints;
struct network;

struct network_opts {
	struct strs networks; /* --network, as typed; none: the default network */
	struct strs aliases, links, link_local;
	const char *ip, *ip6, *mac; /* NULL or "": not given */
	struct strs publish, expose;
	bool publish_all;
};

/* One network that is asked for. */
struct network_ask {
	const char *name; /* as typed; NETWORK_DEFAULT for all names of the default one */
	const char *ip4, *ip6, *mac, *ifname; /* checked; NULL: not asked for */
	struct strs aliases;
	int64_t priority; /* docker's gw-priority: the highest has the default route */
};

struct network_plan {
	const char *
		mode; /* "none", "host", "bridge", "container:NAME", "ns:PATH", "pasta", "slirp4netns" */
	struct strs options;   /* of pasta and slirp4netns, one a piece */
	struct bind_list asks; /* of struct network_ask; for "bridge" at least one */
};

/* The texts alone: nothing is looked up. */
int network_opts_parse(const struct network_opts *o, struct network_plan *ret, struct arena *a,
		       struct err *e);

/* The endpoints of a container that is being made, and their networks, in the same order (net/endpoint.h, net/network.h, which those who
 * talk with registries cannot see: there is another kind of endpoint). */
struct network_made {
	struct endpoints *endpoints;
	struct network *networks;
};

/* Looks up what the plan names, makes the default network if need be, and sets network, network_mode, network_options and links of c.
 * ret_note: something to tell, or NULL. */
int network_opts_set(const struct home *h, const struct network_opts *o, struct container_config *c,
		     struct network_made *ret, struct arena *a, const char **ret_note,
		     struct err *e);

/* Sets exposed, ports and publish_all of c, whose network is set. image: what the image exposes. */
int network_opts_ports(const struct network_opts *o, const struct strs *image,
		       struct container_config *c, struct arena *a, const char **ret_note,
		       struct err *e);

/* Takes addresses for all endpoints and writes them down in the container's directory; on failure none is taken. */
int network_opts_take(const struct home *h, const struct container_config *c,
		      struct network_made *v, int dir, struct arena *a, struct err *e);

#endif
