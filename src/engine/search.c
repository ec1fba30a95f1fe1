#include "base/base.h"
#include "base/parse.h"
#include "engine/search.h"
#include "registry/catalog.h"

enum { SHOWN = 44 }; /* characters of a description */

struct filter {
	int64_t stars;
	int official, automated; /* -1: both ways */
};

static int parse_filters(const struct strs *l, struct filter *ret, struct err *e)
{
	uint64_t stars;

	*ret = (struct filter){0, -1, -1};
	for (size_t i = 0; i < l->n; i++) {
		const char *eq = strchr(l->v[i], '='), *value = eq ? eq + 1 : "true";
		size_t n = eq ? (size_t)(eq - l->v[i]) : strlen(l->v[i]);
		bool on = !strcmp(value, "true") || !strcmp(value, "1"),
		     off = !strcmp(value, "false") || !strcmp(value, "0");
		if (n == 5 && !strncmp(l->v[i], "stars", n) && eq &&
		    parse_u64(value, INT64_MAX, &stars) == 0) {
			ret->stars = (int64_t)stars;
			continue;
		}
		if (n == 11 && !strncmp(l->v[i], "is-official", n) && (on || off)) {
			ret->official = on;
			continue;
		}
		if (n == 12 && !strncmp(l->v[i], "is-automated", n) && (on || off)) {
			ret->automated = on;
			continue;
		}
		err_fail(e, ERR_USAGE, "search has no filter \"%.100s\"", l->v[i]);
		return err_hint(
			e, "the filters are stars=N, is-official=true|false and is-automated=...");
	}
	return 0;
}

static bool passes(const struct filter *f, const struct registry_hit *h)
{
	return h->stars >= f->stars && (f->official < 0 || f->official == h->official) &&
	       (f->automated < 0 || f->automated == h->automated);
}

/* The first SHOWN characters. */
static const char *shorten(struct arena *a, const char *s)
{
	size_t n = strlen(s), at = 0;
	unsigned shown = 0;
	uint32_t c;

	while (at < n && shown < SHOWN) {
		size_t k = str_utf8_next(s + at, n - at, &c);
		at += k ? k : 1;
		shown++;
	}
	return at < n ? arena_printf(a, "%.*s...", (int)at, s) : s;
}

/* One line: descriptions may have several. */
static const char *one_line(struct arena *a, const char *s)
{
	char *copy = arena_strdup(a, s);

	for (char *p = copy; *p; p++)
		if (strchr("\r\n\t", *p))
			*p = ' ';
	return copy;
}

static struct json *fields_of(struct arena *a, const struct registry_hit *h, const char *index,
			      const char *tag, const struct search_opts *o)
{
	struct json *j = json_new(a, JSON_OBJ);
	const char *description = one_line(a, h->description), *ok = h->official ? "[OK]" : "";

	json_set_str(a, j, "Index", index);
	json_set_str(a, j, "Name", o->docker ? ref_familiar(a, h->name) : h->name);
	json_set_str(a, j, "Description", o->no_trunc ? description : shorten(a, description));
	json_set_int(a, j, "Stars", h->stars);
	json_set_str(a, j, "StarCount", arena_printf(a, "%" PRId64, h->stars));
	json_set_str(a, j, "Official", ok);
	json_set_str(a, j, "IsOfficial", o->docker ? (h->official ? "true" : "false") : ok);
	json_set_str(a, j, "Automated", h->automated ? "[OK]" : "");
	json_set_str(a, j, "IsAutomated", h->automated ? "true" : "false");
	json_set_str(a, j, "Tag", tag);
	return j;
}

static struct json *object_of(struct arena *a, const struct registry_hit *h, const char *index,
			      const struct search_opts *o)
{
	struct json *j = json_new(a, JSON_OBJ);

	json_set_str(a, j, "Index", index);
	json_set_str(a, j, "Name", h->name);
	json_set_str(a, j, "Description",
		     o->no_trunc ? h->description : shorten(a, h->description));
	json_set_int(a, j, "Stars", h->stars);
	json_set_str(a, j, "Official", h->official ? "[OK]" : "");
	json_set_str(a, j, "Automated", h->automated ? "[OK]" : "");
	json_set_str(a, j, "Tag", "");
	return j;
}

struct json *search_sample(struct arena *a)
{
	const struct registry_hit none = {.name = "", .description = ""};

	return fields_of(a, &none, "", "", &(struct search_opts){0});
}

static bool names_registry(const char *s, size_t n)
{
	return memchr(s, '.', n) || memchr(s, ':', n) || (n == 9 && !strncmp(s, "localhost", n));
}

/* Which registries are asked, and for what. */
static int understand(const char *text, const struct registries *conf, bool docker, struct arena *a,
		      struct strs *registries, const char **ret_word, struct err *e)
{
	size_t n = strcspn(text, "/");
	struct reference r;

	*ret_word = text;
	if (text[n] && names_registry(text, n)) {
		*ret_word = text + n + 1;
		/* as the name of an image of it would be read */
		int k = ref_parse(a, arena_printf(a, "%.*s/x", (int)n, text), &r, e);
		if (k == 0)
			strs_add(a, registries, r.registry);
		return k;
	}
	if (!*text) {
		err_fail(e, ERR_USAGE, "nothing to search for");
		return err_hint(e, "REGISTRY/ alone lists all that the registry shows");
	}
	for (size_t i = 0; i < conf->search.n && !docker; i++)
		strs_add(a, registries, conf->search.v[i]);
	if (!registries->n)
		strs_add(a, registries, "docker.io");
	return 0;
}

static void take_hits(const struct bind_list *hits, const char *registry, const struct filter *f,
		      const struct search_opts *o, struct arena *a, struct search_result *ret)
{
	const struct registry_hit *v = hits->v;
	const char *index = arena_strdup(a, registry);

	for (size_t i = 0; i < hits->n; i++) {
		if (!passes(f, &v[i]))
			continue;
		json_add(a, ret->fields, fields_of(a, &v[i], index, "", o));
		json_add(a, ret->objects, object_of(a, &v[i], index, o));
	}
}

static int search_each(const struct strs *registries, const char *word, const struct filter *f,
		       const struct search_opts *o, struct arena *a, struct search_result *ret,
		       struct err *e)
{
	int r = 0;

	for (size_t i = 0; i < registries->n && r == 0; i++) {
		struct bind_list hits = {0};
		struct err why = {.exit = e->exit};
		r = registry_search(registries->v[i], word, &o->registry, o->limit, a, &hits, &why);
		if (r == 0) {
			take_hits(&hits, registries->v[i], f, o, a, ret);
		} else if (registries->n > 1 && o->failed) {
			o->failed(o->arg, &why);
			r = 0;
		} else {
			*e = why;
		}
	}
	return r;
}

int search_images(const char *word, const struct search_opts *o, struct arena *a,
		  struct search_result *ret, struct err *e)
{
	scoped(registries) conf = {0};
	struct search_opts own = *o;
	struct strs registries = {0};
	struct filter f;
	int r = parse_filters(&o->filters, &f, e);

	*ret = (struct search_result){json_new(a, JSON_ARR), json_new(a, JSON_ARR)};
	if (r == 0)
		r = registries_load(&conf, e);
	if (r == 0)
		r = understand(word, &conf, o->docker, a, &registries, &word, e);
	own.registry.conf = &conf;
	return r < 0 ? r : search_each(&registries, word, &f, &own, a, ret, e);
}

static int tags_of(const struct reference *name, const struct search_opts *o, struct arena *a,
		   struct search_result *ret, struct err *e)
{
	const struct registry_hit hit = {.name = ref_name(a, name), .description = ""};
	struct strs tags;
	int r = registry_tags(name, &o->registry, o->limit, a, &tags, e);

	if (r < 0)
		return r;
	struct json *all = json_new(a, JSON_OBJ);
	json_set_str(a, all, "Name", hit.name);
	json_set(a, all, "Tags", json_new_strs(a, &tags));
	json_add(a, ret->objects, all);
	for (size_t i = 0; i < tags.n; i++)
		json_add(a, ret->fields, fields_of(a, &hit, name->registry, tags.v[i], o));
	return 0;
}

int search_tags(const char *name, const struct search_opts *o, struct arena *a,
		struct search_result *ret, struct err *e)
{
	scoped(registries) conf = {0};
	struct search_opts own = *o;
	struct registries_names names = {0};
	struct reference r;
	int k = ref_parse(a, name, &r, e);

	*ret = (struct search_result){json_new(a, JSON_ARR), json_new(a, JSON_ARR)};
	if (k == 0 && (r.tag || r.digest)) {
		err_fail(e, ERR_USAGE, "%s: whose tags are listed has no tag itself", name);
		return err_hint(e, "leave it out: hoy search --list-tags %s",
				ref_name(a, &(struct reference){r.registry ?: "docker.io",
								r.repository, NULL, NULL}));
	}
	if (k == 0)
		k = registries_load(&conf, e);
	if (k == 0 && o->docker)
		r = ref_complete(a, &r, "docker.io");
	if (k == 0)
		k = registries_complete(&conf, &r, a, &names, e);
	own.registry.conf = &conf;
	for (size_t i = 0; i < names.n && k == 0; i++) {
		struct err why = {.exit = e->exit};
		k = tags_of(&names.v[i], &own, a, ret, &why);
		if (k == 0)
			return 0;
		*e = why;
		k = i + 1 < names.n ? 0 : k;
	}
	return k;
}
