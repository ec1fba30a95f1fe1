#include "base/base.h"
#include "build/explain.h"
#include "data/json.h"

enum { MAX_FILE = 32 << 20 };

struct explain {
	struct arena a;
	const struct home *h;
	char path[32 + DIGEST_HEX];
	struct json *old; /* array of steps; NULL: none, or not looked yet: last_time() */
	bool looked;
	struct json *now;
	bool changed;
};

struct explain *explain_open(struct stage *s)
{
	struct explain *x = xcalloc(1, sizeof *x);
	scoped(str) name = {0};
	struct digest d;
	char hex[DIGEST_STR];

	str_addf(&name, "%s\n%s\n%s\n%zu\n%s",
		 s->b->main.cache ? s->b->main.cache : s->b->main.name, s->b->file_name, s->title,
		 s->index, s->b->o->target ? s->b->o->target : "");
	x->h = s->b->h;
	x->now = json_new(&x->a, JSON_ARR);
	if (hash_bytes(str_cstr(&name), name.len, &d, NULL) < 0)
		return x;
	snprintf(x->path, sizeof x->path, "build/plans/%s", digest_hex(digest_str(&d, hex)));
	return x;
}

/* What was written last time. Most builds never ask: all of their steps are in the cache. */
static const struct json *last_time(struct explain *x)
{
	scoped(str) text = {0};

	if (x->looked || !*x->path)
		return x->old;
	x->looked = true;
	if (fd_read_file_at(x->h->fd, x->path, &text, MAX_FILE) < 0)
		return NULL;
	char *copy = arena_strndup(&x->a, str_cstr(&text), text.len);
	struct json *old = json_parse(&x->a, copy, text.len, x->path, NULL, NULL);
	if (old && old->type == JSON_ARR)
		x->old = old;
	return x->old;
}

void explain_free(struct explain *x)
{
	if (!x)
		return;
	arena_free(&x->a);
	free(x);
}

/* The same step of last time: with the same text, else at the same place. */
static const struct json *find_old(struct explain *x, const struct step *j)
{
	const struct json *place = NULL, *old = x ? last_time(x) : NULL;

	if (!old)
		return NULL;
	for (size_t i = 0; i < old->arr.n; i++) {
		const struct json *o = old->arr.v[i];
		if (o->type != JSON_OBJ)
			continue;
		if (str_eq(json_str(o, "text"), j->i->text))
			return o;
		if (i == x->now->arr.n)
			place = o;
	}
	return place;
}

/* Lines "mode digest path", sorted by path. Where two lists differ first: the path. */
static const char *path_of(const char *line, size_t *ret_len)
{
	const char *end = strchr(line, '\n');
	const char *p = memchr(line, ' ', end ? (size_t)(end - line) : strlen(line));

	p = p ? strchr(p + 1, ' ') : NULL;
	if (!p || (end && p > end)) {
		*ret_len = 0;
		return line;
	}
	*ret_len = end ? (size_t)(end - p - 1) : strlen(p + 1);
	return p + 1;
}

static const char *next_line(const char *p)
{
	const char *nl = strchr(p, '\n');

	return nl ? nl + 1 : p + strlen(p);
}

static const char *differing_file(const char *was, const char *now, struct arena *a)
{
	while (*was && *now) {
		size_t wl, nl, w = (size_t)(next_line(was) - was),
			       n = (size_t)(next_line(now) - now);
		const char *wp = path_of(was, &wl), *np = path_of(now, &nl);
		if (w != n || memcmp(was, now, n) != 0) {
			int order = strncmp(wp, np, wl < nl ? wl : nl);
			order = order ? order : (wl > nl) - (wl < nl);
			return order == 0  ? arena_printf(a, "%.*s changed", (int)nl, np)
			       : order < 0 ? arena_printf(a, "%.*s is gone", (int)wl, wp)
					   : arena_printf(a, "%.*s is new", (int)nl, np);
		}
		was = next_line(was);
		now = next_line(now);
	}
	if (!*was && !*now)
		return NULL;
	size_t n;
	const char *p = path_of(*was ? was : now, &n);
	return arena_printf(a, "%.*s is %s", (int)n, p, *was ? "gone" : "new");
}

/* Which variable of two JSON lists of NAME=VALUE. */
static const char *differing_variable(const char *was, const char *now, struct arena *a)
{
	struct json *w = json_parse(a, was, strlen(was), "list", NULL, NULL);
	struct json *n = json_parse(a, now, strlen(now), "list", NULL, NULL);

	if (!w || !n || w->type != JSON_ARR || n->type != JSON_ARR)
		return "the environment changed";
	for (size_t i = 0; i < n->arr.n; i++) {
		const char *t = n->arr.v[i]->type == JSON_STR ? n->arr.v[i]->s : "";
		bool same = false;
		for (size_t k = 0; k < w->arr.n && !same; k++)
			same = w->arr.v[k]->type == JSON_STR && !strcmp(w->arr.v[k]->s, t);
		if (!same)
			return arena_printf(a, "the variable %.*s changed", (int)strcspn(t, "="),
					    t);
	}
	return "a variable is gone";
}

static const char *of_input(struct step *j, const struct json *old, const char *name,
			    const char *was, const char *now)
{
	const struct job_list *l = j->lists.v;
	const struct json *files = json_get(old, "files");

	for (size_t i = 0; i < j->lists.n; i++) {
		const char *before = files ? json_str(files, name) : NULL;
		if (strcmp(l[i].input, name) != 0)
			continue;
		const char *d = before && l[i].text.len
					? differing_file(before, str_cstr(&l[i].text), &j->a)
					: NULL;
		return d ? d : "the files changed";
	}
	if (!strcmp(name, "environment"))
		return was ? differing_variable(was, now, &j->a) : "the environment changed";
	if (!strcmp(name, "below"))
		return "an earlier step gave something else";
	if (!strcmp(name, "from") || str_ends(name, " from"))
		return "what it copies from changed";
	if (!strcmp(name, "time"))
		return "the time that files get changed";
	if (!strcmp(name, "platform"))
		return "it was for another platform";
	return arena_printf(&j->a, "its %s changed", name);
}

const char *explain_miss(struct explain *x, struct step *j)
{
	const struct json *old = find_old(x, j), *inputs = old ? json_get(old, "inputs") : NULL;
	const char *below = NULL;

	if (j->stage->no_cache)
		return "--no-cache";
	if (!inputs)
		return NULL;
	if (!str_eq(json_str(old, "text"), j->i->text))
		return "the instruction changed";
	for (size_t i = 0; i < j->inputs.n; i++) {
		const char *name = j->inputs.v[i].k, *now = j->inputs.v[i].v;
		const char *was = json_str(inputs, name);
		if (str_eq(was, now))
			continue;
		const char *why = of_input(j, old, name, was, now);
		if (strcmp(name, "below") != 0)
			return why;
		below = why; /* only if nothing else changed */
	}
	return below ? below : "its result is no longer in the cache";
}

void explain_add(struct explain *x, const struct step *j)
{
	const struct job_list *l = j->lists.v;

	if (!x)
		return;
	struct json *o = json_new(&x->a, JSON_OBJ), *files = json_new(&x->a, JSON_OBJ);
	json_set_str(&x->a, o, "text", j->i->text);
	json_set(&x->a, o, "inputs", json_new_pairs(&x->a, &j->inputs));
	for (size_t i = 0; i < j->lists.n; i++)
		if (l[i].text.len)
			json_set_str(&x->a, files, arena_strdup(&x->a, l[i].input),
				     str_cstr(&l[i].text));
	json_set(&x->a, o, "files", files);
	json_add(&x->a, x->now, o);
	x->changed |= j->why != NULL;
}

void explain_save(struct explain *x)
{
	scoped(str) text = {0};

	if (!x || !*x->path || !x->now->arr.n ||
	    (!x->changed && faccessat(x->h->fd, x->path, F_OK, 0) == 0))
		return;
	json_write(&text, x->now, 0);
	if (path_mkdir_p_at(x->h->fd, "build/plans", 0700) == 0)
		fd_replace_at(x->h->fd, x->path, str_cstr(&text), text.len, 0600, false);
}
