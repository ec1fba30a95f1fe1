/*
 * network connect, disconnect and reload. Which networks a container is in is its networks.json, which changes under the lock of
 * networks/; one that runs is told by its supervisor, which makes it so. One that is just being started has taken its lock and may
 * have read the file already: it is waited for.
 */
#include "base/base.h"
#include "base/loop.h"
#include "engine/network.h"
#include "engine/network_opts.h"
#include "monitor/client.h"
#include "net/lease.h"
#include "state/tell.h"

enum { START_MS = 20000 };

/* A container whose networks are being changed. */
struct change {
	const struct home *h;
	struct container c;
	struct endpoints all;
	int lock; /* of networks/ */
};

static void change_free(struct change *x)
{
	container_free(&x->c);
	fd_close(&x->lock);
}

static int check_mode(const struct container *c, struct err *e)
{
	const char *mode = c->state.network ? c->state.network : "none";

	if (!strcmp(mode, "bridge"))
		return 0;
	err_fail(e, ERR_NETWORK_MODE,
		 "container %s was made with --network %.80s: it cannot join networks",
		 c->state.name, mode);
	return err_hint(e, "make it anew with hoy create --network NAME");
}

/* Opens the container: it runs, or nobody can start it while we hold its lock. Then its endpoints are read under the lock of networks/. */
static int begin(const struct home *h, const char *container, struct change *x, struct err *e)
{
	int64_t until = time_mono_ms() + START_MS;

	x->h = h;
	x->lock = -1;
	int r = container_open(h, container, &x->c, e);
	if (r == 0)
		r = check_mode(&x->c, e);
	while (r == 0 && !container_is_up(x->c.status)) {
		r = container_lock(&x->c, 100, e);
		if (r == 0)
			break;
		if (r == -EBUSY && time_mono_ms() < until)
			r = container_refresh(h, &x->c, e);
	}
	if (r < 0)
		return r;
	x->lock = networks_lock(h, e);
	return x->lock < 0 ? x->lock : endpoints_read(x->c.dir, &x->all, &x->c.arena, e);
}

/* Writes the endpoints down and tells the supervisor. */
static int commit(struct change *x, struct err *e)
{
	int r = endpoints_write(x->c.dir, &x->all, e);

	fd_close(&x->lock);
	if (r < 0 || !container_is_up(x->c.status))
		return r;
	r = monitor_networks_changed(x->c.dir, e);
	return r == -ECONNREFUSED || r == -ENOENT ? 0 : r;
}

static void remove_at(struct endpoints *l, size_t at)
{
	struct endpoint *v = l->v.v;

	memmove(v + at, v + at + 1, (--l->v.n - at) * sizeof *v);
}

static void move_to_front(struct endpoints *l)
{
	struct endpoint *v = l->v.v, last = v[l->v.n - 1];

	memmove(v + 1, v, (l->v.n - 1) * sizeof *v);
	v[0] = last;
}

/* The flags, checked as those of run are. */
static int parse_ask(const char *network, const struct network_connect_opts *o,
		     struct network_ask *ret, struct arena *a, struct err *e)
{
	struct network_opts flags = {
		.aliases = o->aliases, .ip = o->ip, .ip6 = o->ip6, .mac = o->mac};
	struct network_plan plan;

	if (strchr(network, ':') || strchr(network, ',') || strchr(network, '='))
		return network_check_name(network, e);
	strs_add(a, &flags.networks, network);
	int r = network_opts_parse(&flags, &plan, a, e);
	if (r == 0 && strcmp(plan.mode, "bridge") != 0) {
		err_fail(e, ERR_NETWORK_BUILTIN, "no container can be connected to %s", plan.mode);
		return err_hint(e, "hoy run --network %s makes one with it", plan.mode);
	}
	if (r == 0)
		*ret = *(struct network_ask *)plan.asks.v;
	return r;
}

static int add(struct change *x, const struct network *n, const struct network_ask *k,
	       int64_t priority, struct err *e)
{
	struct arena *a = &x->c.arena;

	if (network_endpoint(&x->all, n)) {
		err_fail_code(e, ERR_NETWORK_CONNECTED, EEXIST,
			      "container %s is in the network %s already", x->c.state.name,
			      n->name);
		return err_hint(e, "hoy inspect %s shows its networks", x->c.state.name);
	}
	struct endpoint ep = {.network = n->name,
			      .network_id = n->id,
			      .ifname = endpoints_free_device(&x->all, a),
			      .ip4 = k->ip4,
			      .ip6 = k->ip6,
			      .mac = k->mac,
			      .fixed4 = k->ip4,
			      .fixed6 = k->ip6,
			      .fixed_mac = k->mac,
			      .aliases = k->aliases};
	int r = leases_take(x->h, n, x->c.id, &ep, a, e);
	if (r < 0)
		return r;
	*(struct endpoint *)bind_append(a, &x->all.v, sizeof ep) = ep;
	if (priority > 0)
		move_to_front(&x->all);
	return 0;
}

/* Takes out what is not attached, with its addresses. */
static void drop(struct change *x, size_t at)
{
	struct endpoint *v = x->all.v.v, ep = v[at];

	remove_at(&x->all, at);
	if (endpoints_write(x->c.dir, &x->all, NULL) == 0)
		leases_drop(x->h, x->c.id, &ep);
}

static size_t find_endpoint(const struct endpoints *l, const char *network)
{
	const struct endpoint *v = l->v.v;

	for (size_t i = 0; i < l->v.n; i++)
		if (!strcmp(v[i].network, network))
			return i;
	return SIZE_MAX;
}

/* What the supervisor could not do is undone, so that the next start does not fail at it. */
static void undo(const struct home *h, const char *network, const char *id)
{
	struct change x = {.lock = -1, .c.dir = -1};

	if (begin(h, id, &x, NULL) == 0) {
		size_t at = find_endpoint(&x.all, network);
		if (at != SIZE_MAX)
			drop(&x, at);
		commit(&x, NULL);
	}
	change_free(&x);
}

/* NAME:ALIAS gives the container NAME, which is in the network too, the further name ALIAS in it. */
static int link_alias(const struct home *h, const struct network *n, const char *text,
		      struct arena *a, struct err *e)
{
	const char *colon = strrchr(text, ':');
	const char *name = colon ? arena_strndup(a, text, (size_t)(colon - text)) : text;
	struct change x = {.lock = -1, .c.dir = -1};
	int r = begin(h, name, &x, e);
	size_t at = r == 0 ? find_endpoint(&x.all, n->name) : 0;

	if (r == 0 && at == SIZE_MAX) {
		err_fail(e, ERR_NETWORK_NOT_CONNECTED,
			 "--link %.80s: container %s is not in the network %s", text,
			 x.c.state.name, n->name);
		r = err_hint(e, "hoy network connect %s %s", n->name, x.c.state.name);
	}
	if (r == 0 && colon) {
		struct endpoint *ep = (struct endpoint *)x.all.v.v + at;
		if (!strs_has(&ep->aliases, colon + 1))
			strs_add(&x.c.arena, &ep->aliases, colon + 1);
		r = commit(&x, e);
	}
	change_free(&x);
	return r;
}

int network_connect(const struct home *h, const char *network, const char *container,
		    const struct network_connect_opts *o, struct err *e)
{
	struct change x = {.lock = -1, .c.dir = -1};
	scoped(arena) a = {0};
	struct network_ask ask = {0};
	struct network n;
	int r = parse_ask(network, o, &ask, &a, e);

	if (r == 0)
		r = network_find(h, ask.name, true, &n, &a, e);
	for (size_t i = 0; i < o->links.n && r == 0; i++)
		r = link_alias(h, &n, o->links.v[i], &a, e);
	if (r < 0)
		return r;
	r = begin(h, container, &x, e);
	if (r == 0)
		r = add(&x, &n, &ask, o->priority, e);
	if (r == 0) {
		r = commit(&x, e);
		if (r < 0)
			undo(h, n.name, x.c.id);
		else
			network_tell(h, "connect", n.id, n.name, x.c.id);
	}
	change_free(&x);
	return r;
}

static int not_connected(const struct change *x, const char *network, struct err *e)
{
	scoped(str) in = {0};
	const struct endpoint *v = x->all.v.v;

	for (size_t i = 0; i < x->all.v.n; i++)
		str_addf(&in, "%s%.60s", i ? ", " : "", v[i].network);
	err_fail(e, ERR_NETWORK_NOT_CONNECTED, "container %s is not in the network %.80s",
		 x->c.state.name, network);
	return in.len ? err_hint(e, "it is in %.200s", in.s) : err_hint(e, "it is in none");
}

/* The name of a network that a container may be in, also of one whose record is gone. */
static int network_name(const struct home *h, const char *text, const char **ret, struct arena *a,
			struct err *e)
{
	struct network n;
	int r = network_find(h, text, false, &n, a, e);

	*ret = r == 0 ? n.name : network_is_default(text) ? NETWORK_DEFAULT : text;
	return r;
}

int network_disconnect(const struct home *h, const char *network, const char *container, bool force,
		       struct err *e)
{
	struct change x = {.lock = -1, .c.dir = -1};
	struct err of_network = {0};
	scoped(arena) a = {0};
	const char *name;
	int known = network_name(h, network, &name, &a, &of_network);
	int r = begin(h, container, &x, e);

	if (r == 0) {
		size_t at = find_endpoint(&x.all, name);
		if (at == SIZE_MAX && known < 0)
			r = (*e = of_network, known);
		else if (at == SIZE_MAX)
			r = not_connected(&x, name, e);
		else {
			struct endpoint ep = ((struct endpoint *)x.all.v.v)[at];
			remove_at(&x.all, at);
			r = commit(&x, e);
			/* Its addresses are free when nobody can send from them any more. */
			if (r == 0 || force)
				leases_drop(h, x.c.id, &ep);
			struct network n = {0};
			network_read(h, name, &n, &a, NULL);
			if (r == 0)
				network_tell(h, "disconnect", n.id, name, x.c.id);
		}
	}
	change_free(&x);
	if (r < 0 && force && e->id != ERR_NETWORK_MODE && e->id != ERR_USAGE)
		return 0;
	return r;
}

int network_reload(struct container *c, struct err *e)
{
	int r = monitor_networks_changed(c->dir, e);

	return r == -ECONNREFUSED || r == -ENOENT ? container_not_running(c, e) : r;
}
