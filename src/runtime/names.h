/*
 * names.h - /etc/hosts, /etc/resolv.conf and /etc/hostname of a container: what stands in them.
 *
 * The texts are made outside of the container, by who starts it (names_make), from the config, its endpoints and the host's own files; the
 * container's init only writes them, into a small tmpfs of the container's own (stage_files in mounts.c), and gives the supervisor
 * descriptors of hosts and resolv.conf. With these the supervisor rewrites them in place when the container joins or leaves a
 * network: whatever the container mounts or links there, it is these two files that are written.
 *
 * In hosts, the lines that depend on networks stand between two comment lines; what the container's user writes outside of them stays.
 *
 * resolv.conf of a container on networks names their gateways, where net/dns.h answers: at most three are asked by resolvers, and only
 * the last one asks the world for what it does not know. So that one is on a network which is not internal, and third if there are
 * more. Servers of --dns are then asked by that one, from the host's side, except loopback addresses: these are the container's own and stand
 * first. Without a network that knows names (the default network), --dns servers stand in the file themselves.
 */
#ifndef RUNTIME_NAMES_H
#define RUNTIME_NAMES_H

#include "net/network.h"
#include "runtime/config.h"

/* Of the host's primary address, as the network process gives it to who connects there. */
#define NAMES_HOST_ADDRESS "169.254.1.2"

/* What one network means for the files, in the order of the endpoints. */
struct names_net {
	const char *network;		   /* its name */
	const char *ip4, *ip6, *gw4, *gw6; /* texts; NULL: none */
	struct strs aliases;
	struct strs dns_servers; /* of struct network */
	bool dns, internal;	 /* of struct network */
	bool served;		 /* there is a name server of ours on the gateway */
	bool dns_not_last;	 /* as struct attach wants it */
};

struct names {
	const char *hosts, *resolv_conf, *hostname; /* NULL: the image's file stays */
	bool image_hosts; /* lines of the image's own hosts go before ours */
};
extern const struct bind_field names_fields[];

/* Reads the endpoints of the container's directory and the records of their networks. ret: struct names_net. */
int names_nets(const struct home *h, int container_dir, struct bind_list *ret, struct arena *a,
	       struct err *e);

/* Those of --dns that the name server on the gateway asks for this container: struct attach's. */
void names_forward(const struct container_config *c, struct strs *ret, struct arena *a);

int names_make(const struct home *h, const struct container_config *c, int container_dir,
	       struct names *ret, struct arena *a, struct err *e);

/* The container's endpoints have changed: hosts and resolv_conf (descriptors of struct launched; -1: the container has no such file of ours) are
 * rewritten in place. To be called after networks.json was replaced. */
int names_update_hosts(const struct home *h, const struct container_config *c, int container_dir,
		       int hosts, int resolv_conf, struct err *e);

#endif
