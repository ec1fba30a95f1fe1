/* Which of the places where a name may be had is asked: the mirrors of registries.conf, then the registry itself. */
#include "base/base.h"
#include "registry/registry.h"
#include "registry/session.h"

/* With a mirror: there is somebody else to ask. */
enum { MIRROR_CONNECT_S = 4, MIRROR_STALL_S = 8 };

struct reach {
	const struct reference *name;
	const struct registry_opts *o;
	int (*ask)(struct registry *r, void *arg, struct err *e);
	void *arg;
	struct str said; /* what the mirrors that failed have said */
};

/* Faults of this machine: nobody else is asked then, because it would be somebody who was not meant. */
static bool is_ours(const struct err *e)
{
	return e->id == ERR_AUTH_FILE || e->id == ERR_AUTH_HELPER || e->id == ERR_LIBRARY ||
	       e->id == ERR_USAGE || e->id == ERR_INTERRUPTED;
}

static int open_at(const struct reach *p, const struct endpoint *at, struct registry **ret,
		   struct err *e)
{
	struct registry_opts o = *p->o;

	if (strcmp(at->ref.registry, p->name->registry))
		o.creds = NULL;
	if (at->insecure && o.tls == REGISTRY_TLS_AUTO)
		o.tls = REGISTRY_TLS_ANY;
	return registry_open_at(ret, &at->ref, &o, e);
}

static int ask(struct reach *p, const struct endpoint *at, bool mirror, struct registry **ret,
	       struct err *e)
{
	int r = open_at(p, at, ret, e);

	if (r < 0)
		return r;
	if (mirror) {
		(*ret)->once = true;
		http_patience((*ret)->http, MIRROR_CONNECT_S, MIRROR_STALL_S);
	}
	r = p->ask(*ret, p->arg, e);
	if (r == 0 && mirror) {
		(*ret)->once = false;
		http_patience((*ret)->http, 0, 0);
	}
	if (r < 0) {
		registry_close(*ret);
		*ret = NULL;
	}
	return r;
}

static void note(struct reach *p, const char *host, const char *text)
{
	str_addf(&p->said, "%s%s: ", p->said.len ? "; " : "", host);
	/* Messages begin with the name that was asked for: the host says it here. */
	const char *rest = str_starts(text, host) ? strstr(text, ": ") : NULL;
	str_addf(&p->said, "%.160s", rest ? rest + 2 : text);
}

static int ask_mirror(struct reach *p, const struct endpoint *at, struct registry **ret,
		      struct err *e)
{
	struct err why = {0};

	if (*at->dead) {
		note(p, at->ref.registry, "it did not answer before");
		return -EHOSTUNREACH;
	}
	int r = ask(p, at, true, ret, &why);
	if (r == 0)
		return 0;
	if (is_ours(&why)) {
		*e = why;
		return r;
	}
	*at->dead = why.id == ERR_REGISTRY_UNREACHABLE || why.id == ERR_REGISTRY_TIMEOUT;
	note(p, at->ref.registry, why.msg);
	return r;
}

static int ask_each(struct reach *p, const struct endpoints *l, struct registry **ret,
		    struct err *e)
{
	for (size_t i = 0; i + 1 < l->n; i++) {
		struct err ours = {0};
		int r = ask_mirror(p, &l->v[i], ret, &ours);
		if (r == 0)
			return 0;
		if (ours.msg[0]) {
			*e = ours;
			return r;
		}
	}
	const struct endpoint *last = &l->v[l->n - 1];
	int r = ask(p, last, false, ret, e);
	if (r == 0 || !p->said.len)
		return r;
	size_t n = strlen(e->msg);
	snprintf(e->msg + n, sizeof e->msg - n, " (its mirrors: %s)", str_cstr(&p->said));
	return r;
}

/* The registry itself first; its mirrors are for when it is away. */
static int ask_last(struct reach *p, const struct endpoints *l, struct registry **ret,
		    struct err *e)
{
	int r = ask(p, &l->v[l->n - 1], false, ret, e);
	bool away = r < 0 && (e->id == ERR_REGISTRY_UNREACHABLE || e->id == ERR_REGISTRY_TIMEOUT);

	for (size_t i = 0; away && i + 1 < l->n; i++) {
		struct err ours = {0};
		if (ask_mirror(p, &l->v[i], ret, &ours) < 0)
			continue;
		*e = (struct err){.exit = e->exit};
		return 0;
	}
	return r;
}

int registry_reach_with(struct registry **ret, const struct reference *name,
			const struct registry_opts *o, bool itself_first, struct arena *a,
			int (*question)(struct registry *r, void *arg, struct err *e), void *arg,
			struct err *e)
{
	struct reach p = {name, o, question, arg, {0}};
	struct endpoints l;
	int r = registries_endpoints(o->conf, name, a, &l, e);

	*ret = NULL;
	if (r == 0)
		r = (itself_first ? ask_last : ask_each)(&p, &l, ret, e);
	str_free(&p.said);
	return r;
}

/* ---- for a manifest */

struct manifest {
	const char *what;
	struct arena *a;
	struct registry_document *doc;
};

static int ask_manifest(struct registry *r, void *arg, struct err *e)
{
	const struct manifest *m = arg;

	return registry_manifest(r, m->what, m->a, m->doc, e);
}

int registry_reach(struct registry **ret, const struct reference *name,
		   const struct registry_opts *o, struct arena *a, struct registry_document *doc,
		   struct err *e)
{
	struct registry_document unwanted;
	struct manifest m = {name->digest ?: name->tag, a, doc ?: &unwanted};
	struct reach p = {name, o, ask_manifest, &m, {0}};
	struct endpoints l;
	int r = registries_endpoints(o->conf, name, a, &l, e);

	*ret = NULL;
	if (r == 0 && !doc && l.n == 1) /* nothing to choose */
		return open_at(&p, &l.v[0], ret, e);
	if (r == 0)
		r = ask_each(&p, &l, ret, e);
	str_free(&p.said);
	return r;
}
