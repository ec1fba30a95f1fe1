#include "base/base.h"

#include "registry/catalog.h"
#include "registry/session.h"

enum { PAGE = 1000, MAX_PAGES = 400, MAX_ANSWER = 4 << 20, MAX_LINK = 8192, SMALL_S = 30 };

/* ---- reading answers */

static const struct json_limits limits = {
	.max_bytes = MAX_ANSWER, .max_depth = 16, .max_nodes = 200000};

static bool is_tag(const char *s)
{
	scoped(arena) a = {0};
	struct reference r;

	return ref_parse(&a, arena_printf(&a, "x:%s", s), &r, NULL) == 0 && r.tag && !r.digest &&
	       !strcmp(r.tag, s);
}

static bool is_repository(const char *s)
{
	scoped(arena) a = {0};
	struct reference r;

	return ref_parse(&a, arena_printf(&a, "x.x/%s", s), &r, NULL) == 0 && !r.tag && !r.digest;
}

int catalog_page(const char *text, size_t len, const char *key, struct arena *a, struct strs *ret)
{
	scoped(arena) doc = {0};
	struct err ignored;
	const struct json *list =
		json_get(json_parse(&doc, text, len, "list", &limits, &ignored), key);
	bool tags = !strcmp(key, "tags");

	if (!list || (list->type != JSON_ARR && list->type != JSON_NULL))
		return -EPROTO;
	if (list->type == JSON_NULL)
		return 0;
	for (size_t i = 0; i < list->arr.n; i++) {
		const struct json *v = list->arr.v[i];
		if (v->type == JSON_STR && (tags ? is_tag(v->s) : is_repository(v->s)))
			strs_add(a, ret, v->s);
	}
	return (int)list->arr.n;
}

/* Registries name their hits with or without themselves in front; docker.io's own images are lone words. */
static const char *hit_name(const char *registry, const char *name, struct arena *a)
{
	size_t n = strlen(registry);

	if (!strncmp(name, registry, n) && name[n] == '/')
		name += n + 1;
	if (!is_repository(name))
		return NULL;
	bool lone = !strcmp(registry, "docker.io") && !strchr(name, '/');
	return arena_printf(a, "%s/%s%s", registry, lone ? "library/" : "", name);
}

int catalog_hits(const char *text, size_t len, const char *registry, struct arena *a,
		 struct bind_list *ret)
{
	scoped(arena) doc = {0};
	struct err ignored;
	const struct json *list =
		json_get(json_parse(&doc, text, len, "search", &limits, &ignored), "results");

	if (!list || list->type != JSON_ARR)
		return -EPROTO;
	for (size_t i = 0; i < list->arr.n; i++) {
		const struct json *v = list->arr.v[i];
		const char *name = json_str(v, "name") ?: json_str(v, "repo_name");
		const char *full = name ? hit_name(registry, name, a) : NULL;
		if (!full)
			continue;
		struct registry_hit *h = bind_append(a, ret, sizeof *h);
		*h = (struct registry_hit){full, arena_strdup(a, json_str(v, "description") ?: ""),
					   json_int(v, "star_count", 0),
					   json_bool(v, "is_official", false),
					   json_bool(v, "is_automated", false)};
	}
	return 0;
}

const char *catalog_next(const char *link, struct arena *a)
{
	while ((link = strchr(link, '<'))) {
		size_t n = strcspn(++link, ">");
		if (!link[n])
			return NULL;
		const char *params = link + n + 1;
		size_t k = strcspn(params, "<");
		autofree char *p = xstrndup(params, k);
		if (strstr(p, "rel=\"next\"") || strstr(p, "rel=next"))
			return arena_strndup(a, link, n);
		link = params;
	}
	return NULL;
}

/* ---- asking */

static int no_list(const char *what, struct err *e)
{
	err_fail_code(e, ERR_REGISTRY_ANSWER, EPROTO, "%s: the registry gives no list", what);
	return err_hint(e, "check the registry's name; a proxy or a login page may have answered");
}

/* What a page says of the next one, if that is asked of the same registry. */
static const char *next_page(const struct inquiry *i, struct arena *a)
{
	const char *link = i->q.link.len && i->q.link.len <= MAX_LINK
				   ? catalog_next(str_cstr(&i->q.link), a)
				   : NULL;
	autofree char *url = link ? http_resolve(i->url, link) : NULL;

	return url && http_same_origin(url, i->url) ? arena_strdup(a, url) : NULL;
}

/* All pages from path on, until enough(arg, ...) or there are no more. */
static int pages(struct registry *r, const char *path, const char *key, const char *what,
		 bool (*enough)(void *arg, const struct strs *page), void *arg, struct err *e)
{
	scoped(arena) a = {0};
	size_t all = 0;

	for (unsigned n = 0; path; n++) {
		scoped(inquiry) i = {.what = what, .q = {.max = MAX_ANSWER, .total_s = SMALL_S}};
		struct strs page = {0};
		int k = session_get(r, &i, path, e);
		if (k < 0)
			return k;
		k = catalog_page(str_cstr(&i.q.body), i.q.body.len, key, &a, &page);
		if (k < 0)
			return no_list(what, e);
		all += (size_t)k;
		if (k == 0 || enough(arg, &page))
			return 0;
		if (all > CATALOG_MAX_ENTRIES || n >= MAX_PAGES) {
			err_fail_code(e, ERR_REGISTRY_ANSWER, E2BIG,
				      "%s: the registry's list does not end: %zu entries so far",
				      what, all);
			return err_hint(e, "--limit asks for fewer");
		}
		path = next_page(&i, &a);
	}
	return 0;
}

struct tags {
	size_t max;
	struct arena *a;
	struct strs *ret;
	const char *what;
};

static bool take_tags(void *arg, const struct strs *page)
{
	struct tags *t = arg;

	for (size_t i = 0; i < page->n && (!t->max || t->ret->n < t->max); i++)
		strs_add(t->a, t->ret, page->v[i]);
	return t->max && t->ret->n >= t->max;
}

static int ask_tags(struct registry *r, void *arg, struct err *e)
{
	struct tags *t = arg;
	char path[40];
	size_t n = t->max && t->max < PAGE ? t->max : PAGE;

	*t->ret = (struct strs){0};
	snprintf(path, sizeof path, "tags/list?n=%zu", n);
	return pages(r, path, "tags", t->what, take_tags, t, e);
}

int registry_tags(const struct reference *name, const struct registry_opts *o, size_t max,
		  struct arena *a, struct strs *ret, struct err *e)
{
	struct reference whole = {.registry = name->registry, .repository = name->repository};
	struct tags t = {max, a, ret, ref_text(a, &whole)};
	struct registry *r;
	int k = registry_reach_with(&r, &whole, o, false, a, ask_tags, &t, e);

	if (k == 0)
		registry_close(r);
	return k;
}

/* ---- searching */

struct search {
	const char *registry, *word;
	size_t max;
	struct arena *a;
	struct bind_list *ret;
};

static bool take_names(void *arg, const struct strs *page)
{
	struct search *s = arg;

	for (size_t i = 0; i < page->n && s->ret->n < s->max; i++) {
		const char *full = strstr(page->v[i], s->word)
					   ? hit_name(s->registry, page->v[i], s->a)
					   : NULL;
		if (!full)
			continue;
		struct registry_hit *h = bind_append(s->a, s->ret, sizeof *h);
		*h = (struct registry_hit){.name = full, .description = ""};
	}
	return s->ret->n >= s->max;
}

static int ask_catalog(struct registry *r, struct search *s, struct err *e)
{
	char path[40];

	snprintf(path, sizeof path, "/_catalog?n=%d", PAGE);
	return pages(r, path, "repositories", s->registry, take_names, s, e);
}

static void add_escaped(struct str *out, const char *s)
{
	for (; *s; s++)
		if (strchr("-._~", *s) || (*s >= '0' && *s <= '9') ||
		    ((*s | 32) >= 'a' && (*s | 32) <= 'z'))
			str_addc(out, *s);
		else
			str_addf(out, "%%%02X", (unsigned char)*s);
}

/* docker's index. 1: this registry has none. */
static int ask_index(struct registry *r, struct search *s, struct err *e)
{
	bool hub = !strcmp(r->host, "registry-1.docker.io");
	scoped(str) path = {0};
	scoped(inquiry) i = {.what = s->registry,
			     .may_lack = true,
			     .q = {.max = MAX_ANSWER, .total_s = SMALL_S}};
	struct err why = {0};

	str_add(&path, hub ? "https://index.docker.io/v1/search?q=" : "//v1/search?q=");
	add_escaped(&path, s->word);
	str_addf(&path, "&n=%zu", s->max);
	int k = session_get(r, &i, str_cstr(&path), &why);
	bool there = k == 0 && i.q.status == 200;
	if (there &&
	    catalog_hits(str_cstr(&i.q.body), i.q.body.len, s->registry, s->a, s->ret) == 0)
		return 0;
	if (hub && there)
		return no_list(s->registry, e);
	if (!hub && (k == 0 || i.q.end == HTTP_ANSWERED))
		return 1;
	if (k < 0)
		*e = why;
	return k < 0 ? k : no_list(s->registry, e);
}

static int ask_search(struct registry *r, void *arg, struct err *e)
{
	struct search *s = arg;

	*s->ret = (struct bind_list){0};
	int k = *s->word ? ask_index(r, s, e) : 1;
	return k > 0 ? ask_catalog(r, s, e) : k;
}

int registry_search(const char *registry, const char *word, const struct registry_opts *o,
		    size_t max, struct arena *a, struct bind_list *ret, struct err *e)
{
	/* Any repository: what is said of single ones does not count. */
	const struct reference any = {.registry = registry, .repository = "any"};
	struct search s = {registry, word, max, a, ret};
	struct registry *r;
	int k = registry_reach_with(&r, &any, o, true, a, ask_search, &s, e);

	if (k < 0)
		return k;
	registry_close(r);
	if (ret->n > max)
		ret->n = max;
	return 0;
}
