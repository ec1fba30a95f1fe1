#include "base/base.h"
#include "engine/inspect_network.h"
#include "engine/port_text.h"
#include "net/network.h"
#include "runtime/namespaces.h"

/* What one endpoint shows. All texts; "" for what it has not. */
struct shown {
	const char *id, *ip4, *gw4, *ip6, *gw6, *mac;
	int64_t len4, len6;
};

static const char *text(const char *s)
{
	return s ? s : "";
}

static void set_null(struct arena *a, struct json *o, const char *key)
{
	json_set(a, o, key, json_new(a, JSON_NULL));
}

static void family(const struct network *n, int f, const char *ip, const char **ret_ip,
		   const char **ret_gw, int64_t *ret_len)
{
	const struct subnet *s = network_subnet(n, f);
	struct ip_net net;

	*ret_ip = text(ip);
	if (!ip || !s)
		return;
	*ret_gw = text(s->gateway);
	*ret_len = ip_net_parse(s->subnet, &net) == 0 ? net.len : 0;
}

static struct shown show(const struct home *h, const struct container *c, const struct endpoint *ep,
			 struct arena *a)
{
	struct shown v = {"", "", "", "", "", "", 0, 0};
	char id[ENDPOINT_ID_LEN + 1];
	struct network n = {0};

	if (c->status != CONTAINER_RUNNING)
		return v;
	v.id = arena_strdup(a, endpoint_id(c->id, ep->network_id, id));
	v.mac = text(ep->mac);
	if (network_read(h, ep->network, &n, a, NULL) < 0)
		return v;
	family(&n, 4, ep->ip4, &v.ip4, &v.gw4, &v.len4);
	family(&n, 6, ep->ip6, &v.ip6, &v.gw6, &v.len6);
	return v;
}

static void put_shown(struct json *j, const struct shown *v, struct arena *a)
{
	json_set_str(a, j, "EndpointID", v->id);
	json_set_str(a, j, "Gateway", v->gw4);
	json_set_str(a, j, "IPAddress", v->ip4);
	json_set_int(a, j, "IPPrefixLen", v->len4);
	json_set_str(a, j, "IPv6Gateway", v->gw6);
	json_set_str(a, j, "GlobalIPv6Address", v->ip6);
	json_set_int(a, j, "GlobalIPv6PrefixLen", v->len6);
	json_set_str(a, j, "MacAddress", v->mac);
}

static struct json *ipam(const struct endpoint *ep, struct arena *a)
{
	struct json *j = json_new(a, ep->fixed4 || ep->fixed6 ? JSON_OBJ : JSON_NULL);

	if (ep->fixed4)
		json_set_str(a, j, "IPv4Address", text(ep->ip4));
	if (ep->fixed6)
		json_set_str(a, j, "IPv6Address", text(ep->ip6));
	return j;
}

/* podman counts the short id among the aliases; docker keeps those apart that others can ask for. */
static void put_names(struct json *j, const struct container *c, const struct endpoint *ep,
		      bool docker, struct arena *a)
{
	struct strs names = {0};
	const char *id = arena_strndup(a, c->id, 12);

	if (docker)
		strs_add(a, &names, c->state.name);
	for (size_t i = 0; i < ep->aliases.n; i++)
		if (!strs_has(&names, ep->aliases.v[i]))
			strs_add(a, &names, ep->aliases.v[i]);
	if (!strs_has(&names, id))
		strs_add(a, &names, id);
	if (docker && c->config.hostname && !strs_has(&names, c->config.hostname))
		strs_add(a, &names, c->config.hostname);
	if (!docker) {
		json_set(a, j, "Aliases", json_new_strs(a, &names));
		return;
	}
	json_set(a, j, "Aliases",
		 ep->aliases.n ? json_new_strs(a, &ep->aliases) : json_new(a, JSON_NULL));
	json_set(a, j, "DNSNames", json_new_strs(a, &names));
	json_set_int(a, j, "GwPriority", 0);
}

static struct json *one_network(const struct container *c, const struct endpoint *ep,
				const struct shown *v, bool docker, struct arena *a)
{
	struct json *j = json_new(a, JSON_OBJ);

	put_shown(j, v, a);
	json_set_str(a, j, "NetworkID", text(ep->network_id));
	set_null(a, j, "DriverOpts");
	json_set(a, j, "IPAMConfig", ipam(ep, a));
	set_null(a, j, "Links");
	put_names(j, c, ep, docker, a);
	return j;
}

/* none and host are shown as networks without anything. */
static struct json *no_network(const char *mode, struct arena *a)
{
	static const struct shown nothing = {"", "", "", "", "", "", 0, 0};
	struct json *j = json_new(a, JSON_OBJ);

	put_shown(j, &nothing, a);
	json_set_str(a, j, "NetworkID", mode);
	set_null(a, j, "DriverOpts");
	set_null(a, j, "IPAMConfig");
	set_null(a, j, "Links");
	set_null(a, j, "Aliases");
	return j;
}

struct json *inspect_network_settings(const struct home *h, const struct container *c, bool docker,
				      struct arena *a)
{
	struct json *j = json_new(a, JSON_OBJ), *networks = json_new(a, JSON_OBJ);
	const char *mode = text(c->config.network);
	bool runs = c->status == CONTAINER_RUNNING;
	struct shown top = {"", "", "", "", "", "", 0, 0};
	struct endpoints all = {0};

	if (!strcmp(mode, "bridge"))
		endpoints_read(c->dir, &all, a, NULL);
	for (size_t i = 0; i < all.v.n; i++) {
		const struct endpoint *ep = (const struct endpoint *)all.v.v + i;
		struct shown v = show(h, c, ep, a);
		json_set(a, networks, ep->network, one_network(c, ep, &v, docker, a));
		if (!strcmp(ep->network, NETWORK_DEFAULT))
			top = v;
	}
	if (!strcmp(mode, "none") || !strcmp(mode, "host"))
		json_set(a, networks, mode, no_network(mode, a));
	put_shown(j, &top, a);
	json_set_str(a, j, "Bridge", "");
	json_set_str(a, j, "SandboxID", docker && runs ? c->id : "");
	json_set_str(a, j, "SandboxKey",
		     runs && ns_is_own(&c->config, NS_NET)
			     ? arena_printf(a, "/proc/%" PRId64 "/ns/net", c->state.pid)
			     : "");
	json_set(a, j, "Ports",
		 docker && !runs ? json_new(a, JSON_OBJ) : ports_map(a, &c->state, true, docker));
	if (docker) {
		set_null(a, j, "SecondaryIPAddresses");
		set_null(a, j, "SecondaryIPv6Addresses");
	}
	json_set(a, j, "Networks", networks);
	return j;
}

/* The k-th of a row: empty where the kernel chooses, a range where one of several is taken. */
static const char *host_port(const struct port *p, int64_t k, struct arena *a)
{
	if (!p->host_port)
		return "";
	return p->choice ? arena_printf(a, "%" PRId64 "-%" PRId64, p->host_port,
					p->host_port + p->choice - 1)
			 : arena_printf(a, "%" PRId64, p->host_port + k);
}

/* As they were asked for: docker leaves a random port empty. */
static struct json *asked_bindings(const struct container *c, struct arena *a)
{
	const struct port *p = c->config.ports.v;
	struct json *map = json_new(a, JSON_OBJ), **lists[2];

	for (int k = 0; k < 2; k++)
		lists[k] = c->config.ports.n ? arena_alloc(a, 65536 * sizeof **lists) : NULL;
	for (size_t i = 0; i < c->config.ports.n; i++)
		for (int64_t k = 0; k < p[i].range; k++) {
			unsigned port = (unsigned)(p[i].container_port + k) & 0xffff;
			struct json *j = json_new(a, JSON_OBJ);
			struct json **l = &lists[str_eq(p[i].protocol, "udp")][port];
			if (!*l) {
				*l = json_new(a, JSON_ARR);
				json_put(a, map, arena_printf(a, "%u/%s", port, p[i].protocol), *l);
			}
			json_put(a, j, "HostIp", json_new_str(a, text(p[i].host_ip)));
			json_put(a, j, "HostPort", json_new_str(a, host_port(&p[i], k, a)));
			json_add(a, *l, j);
		}
	return map;
}

void inspect_host_network(const struct container *c, bool docker, struct json *host,
			  struct arena *a)
{
	const struct container_config *cfg = &c->config;
	const char *mode = docker && cfg->network_mode ? cfg->network_mode : text(cfg->network);

	json_set_str(a, host, "NetworkMode", mode);
	json_set(a, host, "PortBindings",
		 docker ? asked_bindings(c, a) : ports_map(a, &c->state, false, false));
	json_set_bool(a, host, "PublishAllPorts", cfg->publish_all);
	if (cfg->links.n)
		json_set(a, host, "Links", json_new_strs(a, &cfg->links));
	else
		set_null(a, host, "Links");
}
