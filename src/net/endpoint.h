/*
 * endpoint.h - what a container has in its networks: one endpoint for each, in containers/<id>/networks.json.
 *
 * config.json says how a container is networked (none, host, networks, another's namespace ...) and which ports it publishes; that never
 * changes. In which networks it is does change (connect, disconnect), so the endpoints are a file of their own, replaced as a whole. The
 * first one has the default route and the published ports. Addresses are leased (net/lease.h) when the endpoint is made and
 * stay until it is removed: a restart changes none.
 */
#ifndef NET_ENDPOINT_H
#define NET_ENDPOINT_H

#include "data/bind.h"

#define ENDPOINTS_FILE "networks.json"

struct endpoint {
	const char *network;	/* its name; the record is networks/<name>/config.json */
	const char *network_id; /* a network of the same name made later is another one */
	const char *ifname;	/* of the device in the container: "eth0" */
	const char *ip4,
		*ip6; /* what it has, as text without a prefix length; NULL: none of that family */
	const char *mac;		/* "0a:58:0a:58:00:02" */
	bool fixed4, fixed6, fixed_mac; /* the user asked for just that one */
	struct strs aliases;		/* further names in this network */
};

struct endpoints {
	int64_t version;
	struct bind_list v; /* of struct endpoint */
};

extern const struct bind_field endpoint_fields[];

/* A container without the file has no endpoints: that is no error. */
int endpoints_read(int container_dir, struct endpoints *ret, struct arena *a, struct err *e);
int endpoints_write(int container_dir, const struct endpoints *v, struct err *e);

bool endpoints_have_device(const struct endpoints *l, const char *ifname);
/* "eth" and the first number that none of them has. */
const char *endpoints_free_device(const struct endpoints *l, struct arena *a);

/* 64 hex digits that docker's outputs name an endpoint by: the same as long as the container is in the network. */
enum { ENDPOINT_ID_LEN = 64 };
char *endpoint_id(const char *container, const char *network_id, char buf[ENDPOINT_ID_LEN + 1]);

#endif
