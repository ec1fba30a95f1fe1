/* network ls and inspect: which networks there are, which of them were asked for, and how podman and docker show them. */
#include <regex.h>

#include "base/base.h"
#include "base/parse.h"
#include "engine/network.h"
#include "net/lease.h"

#define HOST_ID "68d6a4f9c1b2e3057a8091b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f6"
#define NONE_ID "6e6f6e65a4f9c1b2e3057a8091b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4"

/* ---- filters */

enum kind {
	F_NAME,
	F_ID,
	F_DRIVER,
	F_LABEL,
	F_NOT_LABEL,
	F_DANGLING,
	F_UNTIL,
	F_SCOPE,
	F_TYPE,
	F_KINDS
};
static const char *const keys[F_KINDS] = {"name",     "id",    "driver", "label", "label!",
					  "dangling", "until", "scope",	 "type"};

struct filter {
	enum kind kind;
	const char *text;
	struct timespec time;
	regex_t re;
	bool has_re;
};

struct filters {
	struct filter *v;
	size_t n;
};

static void filters_free(struct filters *f)
{
	for (size_t i = 0; i < f->n; i++)
		if (f->v[i].has_re)
			regfree(&f->v[i].re);
	free(f->v);
}

static int bad(struct err *e, const char *text, const char *why)
{
	scoped(str) known = {0};

	for (int k = 0; k < F_KINDS; k++)
		str_addf(&known, " %s", keys[k]);
	err_fail(e, ERR_USAGE, "filter \"%.100s\": %s", text, why);
	return err_hint(e, "filters are KEY=VALUE:%s", known.s);
}

static int parse_filter(const char *text, struct filter *f, struct err *e)
{
	const char *eq = strchr(text, '=');
	int k = 0;

	if (!eq)
		return bad(e, text, "there is no =");
	size_t n = (size_t)(eq - text);
	while (k < F_KINDS && (strlen(keys[k]) != n || strncmp(keys[k], text, n) != 0))
		k++;
	f->kind = k;
	f->text = eq + 1;
	if (k == F_KINDS)
		return bad(e, text, "there is no such key");
	if (k == F_NAME) {
		if (regcomp(&f->re, f->text, REG_EXTENDED | REG_NOSUB) != 0)
			return bad(e, text, "the value is not a regular expression");
		f->has_re = true;
	}
	if (k == F_UNTIL && parse_moment(f->text, &f->time) < 0)
		return bad(e, text, "the value is a time or a duration (24h)");
	if (k == F_DANGLING && strcmp(f->text, "true") && strcmp(f->text, "false") &&
	    strcmp(f->text, "1") && strcmp(f->text, "0"))
		return bad(e, text, "the value is true or false");
	if (k == F_TYPE && strcmp(f->text, "custom") && strcmp(f->text, "builtin"))
		return bad(e, text, "the value is custom or builtin");
	return 0;
}

static int parse_filters(const struct strs *texts, struct filters *ret, struct err *e)
{
	int r = 0;

	ret->v = xcalloc(texts->n + 1, sizeof *ret->v);
	for (size_t i = 0; i < texts->n && r == 0; i++)
		r = parse_filter(texts->v[i], &ret->v[ret->n++], e);
	return r;
}

static bool is_builtin(const struct network *n)
{
	return !strcmp(n->name, NETWORK_DEFAULT) || !strcmp(n->driver, "host") ||
	       !strcmp(n->driver, "null");
}

static bool is_used(const struct home *h, const struct network *n)
{
	scoped(strv) users = {0};

	return leases_users(h, n->name, &users, NULL) == 0 && users.n;
}

static bool fits(const struct home *h, const struct filter *f, const struct network *n)
{
	struct timespec made = {0};

	switch (f->kind) {
	case F_NAME:
		return regexec(&f->re, n->name, 0, NULL, 0) == 0;
	case F_ID:
		return str_starts(n->id, f->text);
	case F_DRIVER:
		return !strcmp(n->driver, f->text);
	case F_LABEL:
		return pairs_fit(&n->labels, f->text);
	case F_NOT_LABEL:
		return !pairs_fit(&n->labels, f->text);
	case F_DANGLING:
		return (f->text[0] == 't' || f->text[0] == '1') ==
		       (!is_builtin(n) && !is_used(h, n));
	case F_UNTIL:
		return parse_rfc3339(n->created, &made) == 0 &&
		       (made.tv_sec < f->time.tv_sec ||
			(made.tv_sec == f->time.tv_sec && made.tv_nsec < f->time.tv_nsec));
	case F_SCOPE:
		return !strcmp(f->text, "local");
	case F_TYPE:
		return !strcmp(f->text, "builtin") == is_builtin(n);
	case F_KINDS:
		break;
	}
	return false;
}

static bool all_fit(const struct home *h, const struct filters *fs, const struct network *n)
{
	bool asked[F_KINDS] = {false}, met[F_KINDS] = {false};

	for (size_t i = 0; i < fs->n; i++) {
		const struct filter *f = &fs->v[i];
		bool ok = fits(h, f, n);
		if (!ok && (f->kind == F_LABEL || f->kind == F_NOT_LABEL))
			return false;
		asked[f->kind] = true;
		met[f->kind] |= ok;
	}
	for (int k = 0; k < F_KINDS; k++)
		if (asked[k] && !met[k])
			return false;
	return true;
}

/* ---- the list */

static struct network builtin(const char *name, const char *id, const char *driver, struct arena *a)
{
	char now[40];

	return (struct network){.name = name,
				.id = id,
				.driver = driver,
				.created =
					arena_strdup(a, time_rfc3339(now, sizeof now, time_now()))};
}

/* As it will be; which addresses it gets is seen when it is made. */
static struct network default_to_be(struct arena *a)
{
	struct network n = builtin(NETWORK_DEFAULT, NETWORK_DEFAULT_ID, "bridge", a);

	n.interface = "br0";
	n.ipv6 = true;
	return n;
}

static int by_name(const void *a, const void *b)
{
	const struct network *x = a, *y = b;

	return strcmp(x->name, y->name);
}

int networks_list(const struct home *h, const struct networks_query *q, struct arena *a,
		  struct networks_list *ret, struct err *e)
{
	scoped(filters) fs = {0};
	scoped(strv) names = {0};
	int r = parse_filters(&q->filters, &fs, e);

	*ret = (struct networks_list){0};
	if (r == 0)
		r = network_names(h, &names, e);
	if (r < 0)
		return r;
	struct network *v = arena_alloc(a, (names.n + 3) * sizeof *v);
	size_t n = 0;
	for (size_t i = 0; i < names.n; i++) {
		struct err why = {0};
		r = network_read(h, names.v[i], &v[n], a, &why);
		n += r == 0;
		if (r < 0 && r != -ENOENT && !ret->broken++)
			ret->why = why;
	}
	if (!strv_has(&names, NETWORK_DEFAULT))
		v[n++] = default_to_be(a);
	if (q->builtin) {
		v[n++] = builtin("host", HOST_ID, "host", a);
		v[n++] = builtin("none", NONE_ID, "null", a);
	}
	for (size_t i = 0; i < n; i++)
		if (all_fit(h, &fs, &v[i]))
			v[ret->n++] = v[i];
	ret->v = v;
	qsort(v, ret->n, sizeof *v, by_name);
	return 0;
}

int network_show(const struct home *h, const char *text, bool with_builtin, struct network *ret,
		 struct arena *a, struct err *e)
{
	if (with_builtin && (!strcmp(text, "host") || !strcmp(text, HOST_ID)))
		*ret = builtin("host", HOST_ID, "host", a);
	else if (with_builtin && (!strcmp(text, "none") || !strcmp(text, NONE_ID)))
		*ret = builtin("none", NONE_ID, "null", a);
	else
		return network_find(h, text, true, ret, a, e);
	return 0;
}

/* ---- podman's and docker's shapes */

static struct json *subnets_json(const struct network *n, struct arena *a)
{
	struct json *l = json_new(a, JSON_ARR);
	const struct subnet *s = n->subnets.v;

	for (size_t i = 0; i < n->subnets.n; i++) {
		struct json *o = json_new(a, JSON_OBJ);
		json_set_str(a, o, "subnet", s[i].subnet);
		if (s[i].gateway)
			json_set_str(a, o, "gateway", s[i].gateway);
		if (s[i].range_start) {
			struct json *range = json_new(a, JSON_OBJ);
			json_set_str(a, range, "start_ip", s[i].range_start);
			json_set_str(a, range, "end_ip", s[i].range_end);
			json_set(a, o, "lease_range", range);
		}
		json_add(a, l, o);
	}
	return l;
}

static struct json *routes_json(const struct network *n, struct arena *a)
{
	struct json *l = json_new(a, JSON_ARR);
	const struct network_route *r = n->routes.v;

	for (size_t i = 0; i < n->routes.n; i++) {
		struct json *o = json_new(a, JSON_OBJ);
		json_set_str(a, o, "destination", r[i].destination);
		json_set_str(a, o, "gateway", r[i].gateway);
		if (r[i].metric)
			json_set_int(a, o, "metric", r[i].metric);
		json_add(a, l, o);
	}
	return l;
}

static struct json *podman_json(const struct network *n, struct arena *a)
{
	struct json *o = json_new(a, JSON_OBJ), *ipam = json_new(a, JSON_OBJ);

	json_set_str(a, o, "name", n->name);
	json_set_str(a, o, "id", n->id);
	json_set_str(a, o, "driver", n->driver);
	if (n->interface)
		json_set_str(a, o, "network_interface", n->interface);
	json_set_str(a, o, "created", n->created);
	if (n->subnets.n)
		json_set(a, o, "subnets", subnets_json(n, a));
	if (n->routes.n)
		json_set(a, o, "routes", routes_json(n, a));
	json_set_bool(a, o, "ipv6_enabled", n->ipv6);
	json_set_bool(a, o, "internal", n->internal);
	json_set_bool(a, o, "dns_enabled", n->dns);
	if (n->dns_servers.n)
		json_set(a, o, "network_dns_servers", json_new_strs(a, &n->dns_servers));
	if (n->labels.n)
		json_set(a, o, "labels", json_new_pairs(a, &n->labels));
	if (n->options.n)
		json_set(a, o, "options", json_new_pairs(a, &n->options));
	json_set_str(a, ipam, "driver",
		     n->subnets.n || !strcmp(n->driver, "bridge") ? "host-local" : "none");
	json_set(a, o, "ipam_options", ipam);
	return o;
}

/* "10.90.0.128/25" if the range is what podman makes of that, else "first-last". */
static const char *range_text(const struct subnet *s, struct arena *a)
{
	char text[IP_NET_TEXT];
	struct ip first, last;

	if (!s->range_start || ip_parse(s->range_start, &first) < 0 ||
	    ip_parse(s->range_end, &last) < 0)
		return NULL;
	for (uint8_t len = first.family == 6 ? 128 : 32; len > 0; len--) {
		struct ip_net net = {first, len}, base = ip_net_mask(&net);
		struct ip end = ip_net_last(&net), second = base.ip;
		ip_add(&second, 1);
		if (ip_equal(&end, &last) &&
		    (ip_equal(&second, &first) || ip_equal(&base.ip, &first)))
			return arena_strdup(a, ip_net_text(&base, text));
	}
	return arena_printf(a, "%s-%s", s->range_start, s->range_end);
}

static struct json *docker_ipam(const struct network *n, struct arena *a)
{
	struct json *o = json_new(a, JSON_OBJ), *l = json_new(a, JSON_ARR);
	const struct subnet *s = n->subnets.v;
	bool null = !strcmp(n->driver, "host") || !strcmp(n->driver, "null");

	for (size_t i = 0; i < n->subnets.n; i++) {
		struct json *c = json_new(a, JSON_OBJ);
		const char *range = range_text(&s[i], a);
		json_set_str(a, c, "Subnet", s[i].subnet);
		if (range)
			json_set_str(a, c, "IPRange", range);
		if (s[i].gateway)
			json_set_str(a, c, "Gateway", s[i].gateway);
		if (s[i].reserved.n)
			json_set(a, c, "AuxiliaryAddresses", json_new_pairs(a, &s[i].reserved));
		json_add(a, l, c);
	}
	json_set_str(a, o, "Driver", "default");
	json_set(a, o, "Options", json_new(a, null || is_builtin(n) ? JSON_NULL : JSON_OBJ));
	json_set(a, o, "Config", null ? json_new(a, JSON_NULL) : l);
	return o;
}

static struct json *docker_json(const struct network *n, struct arena *a)
{
	struct json *o = json_new(a, JSON_OBJ), *from = json_new(a, JSON_OBJ);
	struct json *options = json_new_pairs(a, &n->options);
	bool null = !strcmp(n->driver, "null") || !strcmp(n->driver, "host");

	if (n->interface && strcmp(n->driver, "bridge") != 0)
		json_set_str(a, options, "parent", n->interface);
	json_set_str(a, o, "Name", n->name);
	json_set_str(a, o, "Id", n->id);
	json_set_str(a, o, "Created", n->created);
	json_set_str(a, o, "Scope", "local");
	json_set_str(a, o, "Driver", n->driver);
	json_set_bool(a, o, "EnableIPv4", null || network_subnet(n, 4));
	json_set_bool(a, o, "EnableIPv6", n->ipv6);
	json_set(a, o, "IPAM", docker_ipam(n, a));
	json_set_bool(a, o, "Internal", n->internal);
	json_set_bool(a, o, "Attachable", false);
	json_set_bool(a, o, "Ingress", false);
	json_set_str(a, from, "Network", "");
	json_set(a, o, "ConfigFrom", from);
	json_set_bool(a, o, "ConfigOnly", false);
	json_set(a, o, "Containers", json_new(a, JSON_OBJ));
	json_set(a, o, "Options", options);
	json_set(a, o, "Labels", json_new_pairs(a, &n->labels));
	return o;
}

/* ---- containers that run in it */

static struct json *address_json(const struct network *n, const char *ip, struct arena *a)
{
	const struct subnet *s = network_subnet(n, strchr(ip, ':') ? 6 : 4);
	struct json *o = json_new(a, JSON_OBJ);
	const char *slash = s ? strchr(s->subnet, '/') : NULL;

	json_set_str(a, o, "ipnet", arena_printf(a, "%s%s", ip, slash ? slash : ""));
	if (s && s->gateway)
		json_set_str(a, o, "gateway", s->gateway);
	return o;
}

static struct json *podman_container(const struct network *n, const char *name,
				     const struct endpoint *ep, struct arena *a)
{
	struct json *o = json_new(a, JSON_OBJ), *l = json_new(a, JSON_ARR);
	struct json *device = json_new(a, JSON_OBJ), *devices = json_new(a, JSON_OBJ);
	const char *const ips[] = {ep->ip4, ep->ip6};

	for (size_t i = 0; i < countof(ips); i++)
		if (ips[i])
			json_add(a, l, address_json(n, ips[i], a));
	json_set(a, device, "subnets", l);
	json_set_str(a, device, "mac_address", ep->mac ? ep->mac : "");
	json_set(a, devices, ep->ifname ? ep->ifname : "eth0", device);
	json_set_str(a, o, "name", name);
	json_set(a, o, "interfaces", devices);
	return o;
}

static const char *with_length(const struct network *n, const char *ip, struct arena *a)
{
	const struct subnet *s = ip ? network_subnet(n, strchr(ip, ':') ? 6 : 4) : NULL;

	return s ? arena_printf(a, "%s%s", ip, strchr(s->subnet, '/')) : "";
}

static void docker_container(const struct network *n, const char *name, const char *id,
			     const struct endpoint *ep, struct json *o, struct arena *a)
{
	char eid[ENDPOINT_ID_LEN + 1];

	json_set_str(a, o, "Name", name);
	json_set_str(a, o, "EndpointID", endpoint_id(id, n->id, eid));
	json_set_str(a, o, "MacAddress", ep->mac ? ep->mac : "");
	json_set_str(a, o, "IPv4Address", with_length(n, ep->ip4, a));
	json_set_str(a, o, "IPv6Address", with_length(n, ep->ip6, a));
}

/* The endpoint of a running container in the network; NULL: it does not run, or has none. */
static const struct endpoint *running_endpoint(const struct home *h, const struct network *n,
					       const char *id, struct container_state *s,
					       struct arena *a)
{
	struct endpoints all;

	if (container_state_read(h, id, s, a, NULL) < 0)
		return NULL;
	enum container_status status = container_derive(h, s);
	if (status != CONTAINER_RUNNING && status != CONTAINER_LOST)
		return NULL;
	autoclose int dir = container_dir(h, id, NULL);
	if (dir < 0 || endpoints_read(dir, &all, a, NULL) < 0)
		return NULL;
	return network_endpoint(&all, n);
}

enum shape { PODMAN = 1, DOCKER = 2 };

static struct json *containers_json(const struct home *h, const struct network *n, unsigned shape,
				    struct arena *a)
{
	struct json *o = json_new(a, JSON_OBJ);
	scoped(strv) ids = {0};

	if (leases_users(h, n->name, &ids, NULL) < 0)
		return o;
	for (size_t i = 0; i < ids.n; i++) {
		struct container_state s;
		const struct endpoint *ep = running_endpoint(h, n, ids.v[i], &s, a);
		if (!ep)
			continue;
		struct json *c =
			shape & PODMAN ? podman_container(n, s.name, ep, a) : json_new(a, JSON_OBJ);
		if (shape & DOCKER)
			docker_container(n, s.name, ids.v[i], ep, c, a);
		json_set(a, o, ids.v[i], c);
	}
	return o;
}

struct json *network_json(const struct home *h, const struct network *n, bool docker,
			  struct arena *a)
{
	struct json *o = docker ? docker_json(n, a) : podman_json(n, a);

	if (h)
		json_set(a, o, docker ? "Containers" : "containers",
			 containers_json(h, n, docker ? DOCKER : PODMAN, a));
	return o;
}

struct json *network_template_json(const struct home *h, const struct network *n, struct arena *a)
{
	static const char *const lists[] = {"subnets", "routes", "network_dns_servers"};
	struct json *o = docker_json(n, a), *more = podman_json(n, a);

	/* What both have under one name is podman's for what begins small: .Name finds name, too. */
	for (size_t i = 0; i < more->obj.n; i++)
		json_set(a, o, more->obj.v[i].key, more->obj.v[i].value);
	/* Go has these where the JSON leaves them out. */
	for (size_t i = 0; i < countof(lists); i++)
		if (!json_get(o, lists[i]))
			json_set(a, o, lists[i], json_new(a, JSON_ARR));
	json_set(a, o, "Containers", containers_json(h, n, PODMAN | DOCKER, a));
	return o;
}

struct json *network_fields_json(const struct network *n, bool no_trunc, struct arena *a)
{
	struct json *o = json_new(a, JSON_OBJ);
	struct timespec made;
	char text[64] = "";
	struct tm tm;

	if (parse_rfc3339(n->created, &made) == 0 && localtime_r(&made.tv_sec, &tm)) {
		size_t k = strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &tm);
		snprintf(text + k, sizeof text - k, ".%09ld", made.tv_nsec);
		k = strlen(text);
		strftime(text + k, sizeof text - k, " %z %Z", &tm);
	}
	json_put(a, o, "ID", json_new_str(a, no_trunc ? n->id : arena_strndup(a, n->id, 12)));
	json_put(a, o, "Name", json_new_str(a, n->name));
	json_put(a, o, "Driver", json_new_str(a, n->driver));
	json_put(a, o, "Scope", json_new_str(a, "local"));
	json_put(a, o, "CreatedAt", json_new_str(a, text));
	json_put(a, o, "Created", json_new_str(a, n->created));
	json_put(a, o, "IPv4", json_new_bool(a, network_subnet(n, 4) || is_builtin(n)));
	json_put(a, o, "IPv6", json_new_bool(a, n->ipv6));
	json_put(a, o, "Internal", json_new_bool(a, n->internal));
	json_put(a, o, "Labels", json_new_pairs(a, &n->labels));
	json_put(a, o, "NetworkInterface", json_new_str(a, n->interface ? n->interface : ""));
	json_put(a, o, "Subnets", subnets_json(n, a));
	json_put(a, o, "Routes", routes_json(n, a));
	json_put(a, o, "IPv6Enabled", json_new_bool(a, n->ipv6));
	json_put(a, o, "DNSEnabled", json_new_bool(a, n->dns));
	json_put(a, o, "NetworkDNSServers", json_new_strs(a, &n->dns_servers));
	json_put(a, o, "Options", json_new_pairs(a, &n->options));
	json_put(a, o, "IPAMOptions", json_get(podman_json(n, a), "ipam_options"));
	return o;
}
