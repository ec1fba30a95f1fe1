#include "base/base.h"
#include "data/json.h"
#include "engine/port_opts.h"
#include "engine/port_text.h"

static const char *const names[] = {"tcp", "udp", "sctp"};

/* One port of the container. */
struct item {
	unsigned port, host; /* host 0: only exposed */
	enum port_protocol protocol;
	const char *ip; /* NULL: only exposed */
};

struct items {
	struct item *v;
	size_t n;
};

static enum port_protocol protocol_of(const char *name)
{
	for (enum port_protocol k = 0; k < PORT_PROTOCOLS; k++)
		if (name && !strcmp(names[k], name))
			return k;
	return PORT_TCP;
}

/* What is exposed, from its texts. */
static struct port_set *exposed_set(struct arena *a, const struct container_state *s)
{
	struct port_set *set = arena_alloc(a, sizeof *set);

	for (size_t i = 0; i < s->exposed.n; i++)
		port_set_add(set, s->exposed.v[i], NULL, NULL);
	return set;
}

static void mark(struct port_set *set, const struct state_port *p, bool on)
{
	uint8_t *bits = set->bits[protocol_of(p->protocol)];

	for (int64_t i = p->container_port; i < p->container_port + p->range && i < 65536; i++)
		if (on)
			bits[i / 8] |= (uint8_t)(1 << i % 8);
		else
			bits[i / 8] &= (uint8_t) ~(1 << i % 8);
}

/* A state may be of another build, or damaged. */
static bool sane(const struct state_port *p)
{
	return p->container_port > 0 && p->container_port < 65536 && p->range > 0 &&
	       p->range < 65536 && p->host_port >= 0 && p->host_port < 65536 &&
	       p->container_port + p->range <= 65536 && p->host_port + p->range <= 65536;
}

/* The ports that lead somewhere, one by one; one that every address leads to is there once, or for docker once for each family. */
static struct items published(struct arena *a, const struct container_state *s, bool docker)
{
	const struct state_port *p = s->ports.v;
	struct items l = {0};
	size_t max = 0;

	for (size_t i = 0; i < s->ports.n; i++)
		max += sane(&p[i]) ? (size_t)p[i].range * 2 : 0;
	l.v = arena_alloc(a, (max + 1) * sizeof *l.v);
	for (size_t i = 0; i < s->ports.n; i++) {
		bool all = str_is_empty(p[i].host_ip);
		if (!sane(&p[i]) || !p[i].host_port)
			continue;
		for (unsigned k = 0; k < p[i].range; k++) {
			struct item it = {(unsigned)p[i].container_port + k,
					  (unsigned)p[i].host_port + k, protocol_of(p[i].protocol),
					  all ? "0.0.0.0" : p[i].host_ip};
			l.v[l.n++] = it;
			it.ip = "::";
			if (all && docker)
				l.v[l.n++] = it;
		}
	}
	return l;
}

static const char *address(struct arena *a, const char *ip, unsigned first, unsigned last)
{
	bool v6 = strchr(ip, ':') != NULL;
	const char *to = first == last ? "" : arena_printf(a, "-%u", last);

	return arena_printf(a, "%s%s%s:%u%s", v6 ? "[" : "", ip, v6 ? "]" : "", first, to);
}

/* ---- the column */

static void add(struct str *s, struct arena *a, const struct item *first, const struct item *last)
{
	str_add(s, s->len ? ", " : "");
	if (first->ip)
		str_addf(s, "%s->", address(a, first->ip, first->host, last->host));
	if (first->port != last->port)
		str_addf(s, "%u-%u/%s", first->port, last->port, names[first->protocol]);
	else
		str_addf(s, "%u/%s", first->port, names[first->protocol]);
}

#define ORDER(x, y)                                                                                \
	if ((x) != (y))                                                                            \
	return (x) < (y) ? -1 : 1

static int by_address(const void *va, const void *vb)
{
	const struct item *x = va, *y = vb;
	int c = strcmp(x->ip, y->ip);

	if (c)
		return c;
	ORDER(x->protocol, y->protocol);
	ORDER(x->host, y->host);
	return 0;
}

static int by_port(const void *va, const void *vb)
{
	const struct item *x = va, *y = vb;

	ORDER(x->port, y->port);
	ORDER(x->protocol, y->protocol);
	int c = x->ip && y->ip ? strcmp(x->ip, y->ip) : (x->ip != NULL) - (y->ip != NULL);
	if (c)
		return c;
	ORDER(x->host, y->host);
	return 0;
}

/* Runs of ports are one piece. */
static void add_runs(struct str *s, struct arena *a, const struct items *l)
{
	for (size_t i = 0, k; i < l->n; i = k) {
		const struct item *x = &l->v[i];
		for (k = i + 1; k < l->n; k++) {
			const struct item *y = &l->v[k], *before = &l->v[k - 1];
			if (y->protocol != x->protocol || strcmp(y->ip, x->ip) != 0 ||
			    y->port != before->port + 1 || y->host != before->host + 1)
				break;
		}
		add(s, a, x, &l->v[k - 1]);
	}
}

static void add_exposed(struct str *s, struct arena *a, const struct port_set *set)
{
	for (enum port_protocol k = 0; k < PORT_PROTOCOLS; k++)
		for (unsigned p = 1, first; p < 65536; p++) {
			if (!port_set_has(set, k, p))
				continue;
			for (first = p; p < 65535 && port_set_has(set, k, p + 1);)
				p++;
			add(s, a, &(struct item){.port = first, .protocol = k},
			    &(struct item){.port = p, .protocol = k});
		}
}

/* What is exposed and leads nowhere. */
static struct port_set *only_exposed(struct arena *a, const struct container_state *s)
{
	const struct state_port *p = s->ports.v;
	struct port_set *set = exposed_set(a, s);

	for (int on = 1; on >= 0; on--)
		for (size_t i = 0; i < s->ports.n; i++)
			if (sane(&p[i]) && (p[i].host_port == 0) == on)
				mark(set, &p[i], on);
	return set;
}

/* The published ones, and one without an address for each port that is only exposed. */
static struct items with_exposed(struct arena *a, const struct container_state *s, bool docker)
{
	const struct port_set *set = only_exposed(a, s);
	struct items l = published(a, s, docker), all = {0};
	size_t more = 0;

	for (int pass = 0; pass < 2; pass++) {
		if (pass) {
			all.v = arena_alloc(a, (l.n + more + 1) * sizeof *all.v);
			memcpy(all.v, l.v, l.n * sizeof *all.v);
			all.n = l.n;
		}
		for (enum port_protocol k = 0; k < PORT_PROTOCOLS; k++)
			for (unsigned p = 1; p < 65536; p++) {
				if (!port_set_has(set, k, p))
					continue;
				more++;
				if (pass)
					all.v[all.n++] = (struct item){.port = p, .protocol = k};
			}
	}
	return all;
}

static bool same_run(const struct item *x, const struct item *y)
{
	return x->protocol == y->protocol && !strcmp(x->ip ? x->ip : "", y->ip ? y->ip : "");
}

/* As docker does it: those that have the same number on both sides, or only one, are merged, for each address and protocol; a run that is over comes
 * first, then the last run of each, then those with two numbers, one by one. */
static void add_docker(struct str *s, struct arena *a, const struct items *l)
{
	struct item *first = arena_alloc(a, (l->n + 1) * sizeof *first);
	struct item *last = arena_alloc(a, (l->n + 1) * sizeof *last);
	size_t runs = 0;

	for (size_t i = 0; i < l->n; i++) {
		const struct item *it = &l->v[i];
		size_t k = 0;
		if (it->ip && it->host != it->port)
			continue;
		while (k < runs && !same_run(&first[k], it))
			k++;
		if (k < runs && it->port == last[k].port + 1) {
			last[k] = *it;
			continue;
		}
		if (k < runs)
			add(s, a, &first[k], &last[k]);
		first[k] = last[k] = *it;
		runs += k == runs;
	}
	for (size_t k = 0; k < runs; k++)
		add(s, a, &first[k], &last[k]);
	for (size_t i = 0; i < l->n; i++)
		if (l->v[i].ip && l->v[i].host != l->v[i].port)
			add(s, a, &l->v[i], &l->v[i]);
}

const char *ports_text(struct arena *a, const struct container_state *s, bool docker)
{
	scoped(str) text = {0};

	if (!s->ports.n && !s->exposed.n)
		return "";
	struct items l = docker ? with_exposed(a, s, true) : published(a, s, false);
	qsort(l.v, l.n, sizeof *l.v, docker ? by_port : by_address);
	if (docker) {
		add_docker(&text, a, &l);
	} else {
		add_runs(&text, a, &l);
		add_exposed(&text, a, only_exposed(a, s));
	}
	return arena_strdup(a, str_cstr(&text));
}

/* ---- maps */

static struct json *binding(struct arena *a, const struct item *it)
{
	struct json *j = json_new(a, JSON_OBJ);

	json_put(a, j, "HostIp", json_new_str(a, it->ip));
	json_put(a, j, "HostPort", json_new_str(a, arena_printf(a, "%u", it->host)));
	return j;
}

static const char *name_of(struct arena *a, const struct item *it)
{
	return arena_printf(a, "%u/%s", it->port, names[it->protocol]);
}

struct json *ports_map(struct arena *a, const struct container_state *s, bool exposed, bool docker)
{
	struct json *map = json_new(a, JSON_OBJ), *list = NULL;

	if (!s->ports.n && !s->exposed.n)
		return map;
	struct items l = exposed ? with_exposed(a, s, docker) : published(a, s, docker);
	qsort(l.v, l.n, sizeof *l.v, by_port);
	for (size_t i = 0; i < l.n; i++) {
		const struct item *it = &l.v[i];
		if (!i || it[-1].port != it->port || it[-1].protocol != it->protocol) {
			list = json_new(a, it->ip ? JSON_ARR : JSON_NULL);
			json_put(a, map, name_of(a, it), list);
		}
		if (it->ip)
			json_add(a, list, binding(a, it));
	}
	return map;
}

struct json *ports_rows(struct arena *a, const struct container_state *s)
{
	const struct state_port *p = s->ports.v;
	struct json *rows = json_new(a, JSON_ARR);

	for (size_t i = 0; i < s->ports.n; i++) {
		struct json *j = json_new(a, JSON_OBJ);
		if (!sane(&p[i]) || !p[i].host_port)
			continue;
		json_put(a, j, "host_ip", json_new_str(a, p[i].host_ip ? p[i].host_ip : ""));
		json_put(a, j, "container_port", json_new_int(a, p[i].container_port));
		json_put(a, j, "host_port", json_new_int(a, p[i].host_port));
		json_put(a, j, "range", json_new_int(a, p[i].range));
		json_put(a, j, "protocol", json_new_str(a, p[i].protocol ? p[i].protocol : "tcp"));
		json_add(a, rows, j);
	}
	return rows->arr.n ? rows : json_new(a, JSON_NULL);
}

struct json *ports_exposed(struct arena *a, const struct container_state *s)
{
	struct json *map = json_new(a, JSON_OBJ);

	if (!s->exposed.n && !s->ports.n)
		return json_new(a, JSON_NULL);
	const struct port_set *set = only_exposed(a, s);
	for (unsigned p = 1; p < 65536; p++) {
		struct json *l = NULL;
		for (enum port_protocol k = 0; k < PORT_PROTOCOLS; k++) {
			if (!port_set_has(set, k, p))
				continue;
			if (!l) {
				l = json_new(a, JSON_ARR);
				json_put(a, map, arena_printf(a, "%u", p), l);
			}
			json_add(a, l, json_new_str(a, names[k]));
		}
	}
	return map->obj.n ? map : json_new(a, JSON_NULL);
}

struct json *ports_set(struct arena *a, const struct container_state *s)
{
	struct json *map = json_new(a, JSON_OBJ);

	if (!s->ports.n && !s->exposed.n)
		return NULL;
	struct items l = with_exposed(a, s, false);
	qsort(l.v, l.n, sizeof *l.v, by_port);
	for (size_t i = 0; i < l.n; i++)
		if (!i || l.v[i - 1].port != l.v[i].port || l.v[i - 1].protocol != l.v[i].protocol)
			json_put(a, map, name_of(a, &l.v[i]), json_new(a, JSON_OBJ));
	return map;
}

/* ---- single ports */

size_t ports_bindings(struct arena *a, const struct container_state *s, const char *name,
		      bool docker, struct port_binding **ret)
{
	struct items l = published(a, s, docker);
	size_t n = 0;

	*ret = arena_alloc(a, (l.n + 1) * sizeof **ret);
	qsort(l.v, l.n, sizeof *l.v, by_port);
	for (size_t i = 0; i < l.n; i++) {
		const struct item *it = &l.v[i];
		struct port_binding b = {name_of(a, it), address(a, it->ip, it->host, it->host)};
		if (!name || !strcmp(name, b.name))
			(*ret)[n++] = b;
	}
	return n;
}

static bool meets(int64_t first, int64_t n, unsigned from, unsigned to)
{
	return first <= to && first + n - 1 >= from;
}

bool ports_published(const struct container_state *s, unsigned first, unsigned last,
		     const char *protocol)
{
	const struct state_port *p = s->ports.v;

	for (size_t i = 0; i < s->ports.n; i++)
		if (sane(&p[i]) && p[i].host_port && str_eq(p[i].protocol, protocol) &&
		    meets(p[i].host_port, p[i].range, first, last))
			return true;
	return false;
}

bool ports_has_exposed(const struct container_state *s, unsigned first, unsigned last,
		       const char *protocol)
{
	const struct state_port *p = s->ports.v;
	scoped(arena) a = {0};

	for (size_t i = 0; i < s->ports.n; i++)
		if (sane(&p[i]) && str_eq(p[i].protocol, protocol) &&
		    meets(p[i].container_port, p[i].range, first, last))
			return true;
	const struct port_set *set = s->exposed.n ? exposed_set(&a, s) : NULL;
	for (unsigned i = first; set && i <= last; i++)
		if (port_set_has(set, protocol_of(protocol), i))
			return true;
	return false;
}
