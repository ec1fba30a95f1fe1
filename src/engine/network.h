/*
 * network.h - the verbs of networks: create, list, inspect, remove, prune, update, and bringing containers into them.
 *
 * Nothing here prints. A network is a record (net/network.h) and the leases of its containers; what runs of it is found or made by the supervisors
 * of these. host and none are no networks of hoy, but ways to do without; docker lists them, so they are listed when called docker.
 */
#ifndef ENGINE_NETWORK_H
#define ENGINE_NETWORK_H

#include "data/json.h"
#include "engine/container.h"
#include "net/network.h"

/* ---- making */

struct network_create_opts {
	const char *name;   /* NULL: a free one is chosen, prefix and a number */
	const char *prefix; /* "hoy" */
	const char *driver, *interface, *ipam_driver, *scope, *config_from;
	struct strs subnets, gateways, ranges, dns, routes;
	struct pairs aux, labels, options, ipam_options;
	bool ipv4, ipv6, internal, disable_dns, ignore, config_only, ingress;
};

/* Makes it, or, with ignore, reads the one that is there. ERR_NETWORK_EXISTS, ERR_NETWORK_SUBNET (says who has the subnet),
 * ERR_NETWORK_OPTION, ERR_USAGE. */
int network_create(const struct home *h, const struct network_create_opts *o, struct network *ret,
		   struct arena *a, struct err *e);

/* Checks and takes what --opt, --driver and their like say into n (network_options.c). */
int network_options_set(const struct network_create_opts *o, struct network *n, struct arena *a,
			struct err *e);
/* Once its subnets are known: IPv6 wants an MTU of 1280. */
int network_options_check_mtu(const struct network *n, struct err *e);

/* ---- listing */

struct networks_query {
	/* name=REGEX id=PREFIX driver= label=KEY[=VALUE] label!= dangling=true|false until=TIME scope=local type=custom|builtin;
	 * those of one key are alternatives (but labels), those of different keys must all fit */
	struct strs filters;
	bool builtin; /* host and none too */
};

struct networks_list {
	struct network *v; /* by name */
	size_t n;
	size_t broken;	/* records that cannot be read */
	struct err why; /* of the first one of them */
};

/* Everything lives in the arena. The default network is listed whether it has a record yet or not. */
int networks_list(const struct home *h, const struct networks_query *q, struct arena *a,
		  struct networks_list *ret, struct err *e);

/* What a list shows of a network: display values under the names of docker and podman both. */
struct json *network_fields_json(const struct network *n, bool no_trunc, struct arena *a);
/* The facts, as podman prints them, or as docker does. With h, containers that run in it are shown too. */
struct json *network_json(const struct home *h, const struct network *n, bool docker,
			  struct arena *a);
/* The same for templates: podman's names and docker's. */
struct json *network_template_json(const struct home *h, const struct network *n, struct arena *a);

/* Finds one to be shown: bridge is made if it was not there; host and none with builtin. */
int network_show(const struct home *h, const char *text, bool builtin, struct network *ret,
		 struct arena *a, struct err *e);

/* ---- removing */

/* Removes a network that no container uses. force: the containers that use it are removed first, after time_s seconds to stop (negative:
 * killed). ERR_NETWORK_IN_USE (names them), ERR_NETWORK_BUILTIN, ERR_NETWORK_UNKNOWN. One whose record is broken is removed by its
 * name. *ret_name: its name. */
int network_remove(const struct home *h, const char *text, bool force, int64_t time_s,
		   const char **ret_name, struct arena *a, struct err *e);

struct networks_pruned {
	struct strs names;
	size_t failed;
	struct err why; /* of the first one that could not be removed */
};

/* All that no container uses, but bridge. filters: label, label!, until. leaving: ids of containers that count as gone (dry runs). */
int networks_prune(const struct home *h, const struct strs *filters, bool dry,
		   const struct strs *leaving, struct arena *a, struct networks_pruned *ret,
		   struct err *e);

/* ---- changing */

/* Adds the address of a name server to a record. flag: where it came from. */
int network_add_dns(const char *flag, const char *text, struct network *n, struct arena *a,
		    struct err *e);

/* Name servers that the network asks for what it does not know; takes effect at once where it runs. */
int network_update(const struct home *h, const char *text, const struct strs *dns_add,
		   const struct strs *dns_drop, struct arena *a, struct network *ret,
		   struct err *e);

/* Brings a container into a network, running or not. ERR_NETWORK_CONNECTED: it is in it already. */
struct network_connect_opts {
	const char *ip, *ip6, *mac;
	struct strs aliases, links;
	int64_t priority; /* above 0: the container's default route is this network's from now on */
};
int network_connect(const struct home *h, const char *network, const char *container,
		    const struct network_connect_opts *o, struct err *e);

/* Takes it out again. ERR_NETWORK_NOT_CONNECTED. force: a container or network that is gone, or a supervisor that does not answer, is no error. */
int network_disconnect(const struct home *h, const char *network, const char *container, bool force,
		       struct err *e);

/* The supervisor of a running container makes its networks what they should be. */
int network_reload(struct container *c, struct err *e);

#endif
