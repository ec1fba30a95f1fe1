/*
 * What `images` shows. The list of the store is filtered, then spread: one row for each name (an image without one has a row of
 * its own), one object for each image.
 */
#include <fnmatch.h>

#include "base/base.h"
#include "base/parse.h"
#include "engine/image.h"
#include "engine/image_text.h"
#include "state/container.h"
#include "store/lists.h"

struct row {
	const struct image_entry *im;
	const char *repository, *tag; /* NULL: no name */
};

enum filter_kind {
	F_REFERENCE,
	F_DANGLING,
	F_LABEL,
	F_BEFORE,
	F_SINCE,
	F_UNTIL,
	F_ID,
	F_DIGEST,
	F_FALSE,
	F_CONTAINERS,
	F_KINDS
};

struct filter {
	enum filter_kind kind;
	bool negate;   /* label!= */
	bool opposite; /* dangling=false */
	const char *text;
	struct timespec time;
};

struct plan {
	struct filter *v;
	size_t n;
	const struct image_query *q;
	struct arena *a;
	struct strv used; /* image ids of containers, sorted */
	bool count;
};

static const struct filter_key {
	const char *key;
	enum filter_kind kind;
	bool boolean;
} filter_keys[] = {
	{"reference", F_REFERENCE, false},  {"dangling", F_DANGLING, true},
	{"label", F_LABEL, false},	    {"before", F_BEFORE, false},
	{"since", F_SINCE, false},	    {"after", F_SINCE, false},
	{"until", F_UNTIL, false},	    {"id", F_ID, false},
	{"digest", F_DIGEST, false},	    {"intermediate", F_FALSE, true},
	{"readonly", F_FALSE, true},	    {"manifest", F_FALSE, true},
	{"containers", F_CONTAINERS, true},
};

static int bad_filter(struct err *e, const char *text, const char *why)
{
	scoped(str) known = {0};

	for (size_t i = 0; i < countof(filter_keys); i++)
		str_addf(&known, " %s", filter_keys[i].key);
	err_fail(e, ERR_USAGE, "filter \"%.100s\": %s", text, why);
	return err_hint(e, "filters are KEY=VALUE or KEY!=VALUE:%s", known.s);
}

static int parse_bool(const char *s, bool *ret)
{
	*ret = !strcasecmp(s, "true") || !strcmp(s, "1");
	return *ret || !strcasecmp(s, "false") || !strcmp(s, "0") ? 0 : -EINVAL;
}

static int parse_filter(const struct home *h, struct plan *p, const char *text, struct filter *f,
			struct err *e)
{
	const char *eq = strchr(text, '=');
	const struct filter_key *k = filter_keys, *end = k + countof(filter_keys);
	bool yes;

	if (!eq)
		return bad_filter(e, text, "there is no =");
	bool negate = eq > text && eq[-1] == '!';
	size_t n = (size_t)(eq - text) - negate;
	while (k < end && !(strlen(k->key) == n && !strncmp(k->key, text, n)))
		k++;
	if (k == end)
		return bad_filter(e, text, "there is no such key");
	*f = (struct filter){.kind = k->kind, .negate = negate, .text = eq + 1};
	if (k->kind == F_CONTAINERS && !strcmp(f->text, "external")) {
		f->kind = F_FALSE; /* there are no containers but hoy's own */
	} else if (k->boolean) {
		if (parse_bool(f->text, &yes) < 0)
			return bad_filter(e, text, "the value is true or false");
		f->opposite = !yes;
	} else if (k->kind == F_UNTIL) {
		if (parse_moment(f->text, &f->time) < 0)
			return bad_filter(e, text, "the value is a time or a duration (24h)");
	} else if (f->kind == F_BEFORE || f->kind == F_SINCE) {
		scoped(image) im = {0};
		int r = image_lookup(h, f->text, &im, e);
		if (r < 0)
			return r;
		f->time = im.created;
	}
	return 0;
}

static bool glob(const char *pattern, const char *s)
{
	return fnmatch(pattern, s, FNM_PATHNAME) == 0;
}

/* A pattern fits a name in any of the forms in which people write it: with and without registry, path and tag. */
static bool fits_reference(struct arena *a, const char *pattern, const char *repository,
			   const char *tag)
{
	const char *shown = ref_familiar(a, repository);
	const char *base = strrchr(repository, '/');
	const char *path = strchr(repository, '/');
	const char *forms[] = {repository, shown, path ? path + 1 : repository,
			       base ? base + 1 : repository};

	for (size_t i = 0; i < countof(forms); i++)
		if (glob(pattern, forms[i]) ||
		    (tag && glob(pattern, arena_printf(a, "%s:%s", forms[i], tag))))
			return true;
	return false;
}

static int compare_time(struct timespec a, struct timespec b)
{
	if (a.tv_sec != b.tv_sec)
		return a.tv_sec < b.tv_sec ? -1 : 1;
	return a.tv_nsec < b.tv_nsec ? -1 : a.tv_nsec > b.tv_nsec;
}

/* Without any name, by tag or by digest. */
static bool is_dangling(const struct image_entry *im)
{
	return !im->repo_digests.n;
}

static size_t count_users(const struct plan *p, const struct image_entry *im)
{
	size_t n = 0;

	for (size_t i = 0; i < p->used.n; i++)
		n += !strcmp(p->used.v[i], im->id);
	return n;
}

/* Of what the row's name led to. */
static const char *row_digest(const struct plan *p, const struct row *r)
{
	const char *own = r->repository && r->im->forms.n
				  ? pairs_get(&r->im->forms,
					      arena_printf(p->a, "%s:%s", r->repository, r->tag))
				  : NULL;

	return own ?: r->im->manifest_digest;
}

static bool fits(const struct plan *p, const struct filter *f, const struct row *r)
{
	const char *hex;

	switch (f->kind) {
	case F_REFERENCE:
		return r->repository && fits_reference(p->a, f->text, r->repository, r->tag);
	case F_DANGLING:
		return is_dangling(r->im) != f->opposite;
	case F_LABEL:
		return pairs_fit(&r->im->labels, f->text);
	case F_BEFORE:
	case F_UNTIL:
		return compare_time(r->im->created, f->time) < 0;
	case F_SINCE:
		return compare_time(r->im->created, f->time) > 0;
	case F_ID:
		return ref_is_id_prefix(f->text, &hex) && str_starts(digest_hex(r->im->id), hex);
	case F_DIGEST:
		return str_starts(row_digest(p, r), f->text);
	case F_CONTAINERS:
		return (count_users(p, r->im) > 0) != f->opposite;
	default:
		return f->opposite;
	}
}

/* Filters of one key are alternatives, except labels and the negated; those of different keys must all fit. */
static bool fits_all(const struct plan *p, const struct row *r)
{
	bool asked[F_KINDS] = {false}, met[F_KINDS] = {false};

	for (size_t i = 0; i < p->n; i++) {
		const struct filter *f = &p->v[i];
		bool ok = fits(p, f, r) != f->negate;
		if (!ok && (f->kind == F_LABEL || f->negate))
			return false;
		if (f->negate)
			continue;
		asked[f->kind] = true;
		met[f->kind] |= ok;
	}
	for (int k = 0; k < F_KINDS; k++)
		if (asked[k] && !met[k])
			return false;
	return !p->q->reference ||
	       (r->repository && fits_reference(p->a, p->q->reference, r->repository, r->tag));
}

/* Three significant digits, as both engines show sizes of images; podman puts a blank before the unit. */
static const char *at_text(struct arena *a, struct timespec t)
{
	char buf[40];
	struct tm tm;

	if (!t.tv_sec || !gmtime_r(&t.tv_sec, &tm))
		return "N/A";
	strftime(buf, sizeof buf, "%Y-%m-%d %H:%M:%S +0000 UTC", &tm);
	return arena_strdup(a, buf);
}

static const char *id_text(struct arena *a, const struct image_entry *im, bool no_trunc)
{
	return no_trunc || !*im->id ? im->id : arena_printf(a, "%.12s", digest_hex(im->id));
}

static struct json *strs_json(struct arena *a, const struct strs *l, bool docker)
{
	struct json *arr = json_new(a, JSON_ARR);

	for (size_t i = 0; i < l->n; i++)
		json_add(a, arr, json_new_str(a, docker ? ref_familiar(a, l->v[i]) : l->v[i]));
	return arr;
}

static const char *joined(struct arena *a, const struct strs *l)
{
	scoped(str) s = {0};

	for (size_t i = 0; i < l->n; i++)
		str_addf(&s, "%s%s", i ? ", " : "", l->v[i]);
	return arena_strdup(a, str_cstr(&s));
}

static void put_str(struct arena *a, struct json *o, const char *key, const char *s)
{
	json_put(a, o, key, json_new_str(a, s));
}

static void put_int(struct arena *a, struct json *o, const char *key, int64_t i)
{
	json_put(a, o, key, json_new_int(a, i));
}

static void put_bool(struct arena *a, struct json *o, const char *key, bool b)
{
	json_put(a, o, key, json_new_bool(a, b));
}

static struct json *row_json(const struct plan *p, const struct row *r)
{
	const struct image_entry *im = r->im;
	bool docker = p->q->docker;
	struct arena *a = p->a;
	struct json *o = json_new(a, JSON_OBJ);
	const char *repo = r->repository ? r->repository : "<none>";
	const char *size = im->broken ? "damaged" : image_size_text(a, im->size, docker);
	const char *since = image_since_text(a, im->created), *at = at_text(a, im->created);

	put_str(a, o, "Repository", docker ? ref_familiar(a, repo) : repo);
	put_str(a, o, "Tag", r->tag ? r->tag : "<none>");
	put_str(a, o, "Digest", row_digest(p, r));
	put_str(a, o, "ID", id_text(a, im, p->q->no_trunc));
	put_str(a, o, "Id", docker || !*im->id ? im->id : digest_hex(im->id));
	put_str(a, o, "CreatedSince", since);
	put_str(a, o, "Created", since);
	put_str(a, o, "CreatedAt", at);
	put_str(a, o, "CreatedTime", at);
	put_str(a, o, "Size", size);
	if (docker) {
		put_str(a, o, "VirtualSize", size);
		put_str(a, o, "SharedSize", "N/A");
	} else {
		put_int(a, o, "VirtualSize", im->size);
		put_int(a, o, "SharedSize", 0);
	}
	put_str(a, o, "UniqueSize", "N/A");
	if (p->count)
		put_int(a, o, "Containers", (int64_t)count_users(p, im));
	else
		put_str(a, o, "Containers", "N/A");
	put_bool(a, o, "Dangling", is_dangling(im));
	put_bool(a, o, "IsDangling", is_dangling(im));
	put_bool(a, o, "ReadOnly", false);
	put_bool(a, o, "IsReadOnly", false);
	json_put(a, o, "Labels", json_new_pairs(a, &im->labels));
	json_put(a, o, "Names", strs_json(a, &im->names, docker));
	put_str(a, o, "History", joined(a, &im->names));
	json_put(a, o, "RepoTags", strs_json(a, &im->names, docker));
	json_put(a, o, "RepoDigests", strs_json(a, &im->repo_digests, docker));
	put_str(a, o, "ParentId", "");
	return o;
}

/* podman's `images --format json`. */
static struct json *object_json(const struct plan *p, const struct image_entry *im)
{
	struct arena *a = p->a;
	struct json *o = json_new(a, JSON_OBJ);
	char at[40];

	put_str(a, o, "Id", digest_hex(im->id));
	put_str(a, o, "ParentId", "");
	json_put(a, o, "RepoTags", strs_json(a, &im->names, false));
	json_put(a, o, "RepoDigests", strs_json(a, &im->repo_digests, false));
	put_int(a, o, "Size", im->size);
	put_int(a, o, "SharedSize", 0);
	put_int(a, o, "VirtualSize", im->size);
	json_put(a, o, "Labels",
		 im->labels.n ? json_new_pairs(a, &im->labels) : json_new(a, JSON_NULL));
	put_int(a, o, "Containers", (int64_t)count_users(p, im));
	if (is_dangling(im))
		put_bool(a, o, "Dangling", true);
	put_str(a, o, "Arch", im->architecture ? im->architecture : "");
	put_str(a, o, "Os", im->os ? im->os : "");
	put_str(a, o, "Digest", im->manifest_digest);
	json_put(a, o, "Names", strs_json(a, &im->names, false));
	json_put(a, o, "History", strs_json(a, &im->names, false));
	put_int(a, o, "Created", im->created.tv_sec);
	time_rfc3339(at, sizeof at, im->created);
	char *dot = strchr(at, '.');
	if (dot && !im->created.tv_nsec)
		memcpy(dot, "Z", 2);
	put_str(a, o, "CreatedAt", at);
	if (im->list)
		put_bool(a, o, "IsManifestList", true);
	return o;
}

static int by_repository(const void *a, const void *b)
{
	const struct row *x = a, *y = b;
	int c = strcmp(x->repository ? x->repository : "", y->repository ? y->repository : "");

	return c ? c : strcmp(x->tag ? x->tag : "", y->tag ? y->tag : "");
}

static int by_tag(const void *a, const void *b)
{
	const struct row *x = a, *y = b;
	int c = strcmp(x->tag ? x->tag : "", y->tag ? y->tag : "");

	return c ? c : by_repository(a, b);
}

static int by_size(const void *a, const void *b)
{
	const struct row *x = a, *y = b;

	if (x->im->size != y->im->size)
		return x->im->size < y->im->size ? -1 : 1;
	return by_repository(a, b);
}

static int by_id(const void *a, const void *b)
{
	int c = strcmp(((const struct row *)a)->im->id, ((const struct row *)b)->im->id);

	return c ? c : by_repository(a, b);
}

static void sort_rows(struct row *v, size_t n, const char *sort)
{
	static const struct {
		const char *key;
		int (*fn)(const void *, const void *);
	} orders[] = {
		{"repository", by_repository}, {"tag", by_tag}, {"size", by_size}, {"id", by_id}};

	for (size_t i = 0; sort && n && i < countof(orders); i++)
		if (!strcmp(orders[i].key, sort))
			qsort(v, n, sizeof *v, orders[i].fn);
}

/* Cuts "repository:tag" (a tag holds no colon and no slash), or "repository@digest" for an image that has no other name. */
static void add_row(struct plan *p, const struct image_entry *im, const char *name,
		    struct bind_list *rows)
{
	const char *at = name ? strchr(name, '@') : NULL;
	const char *end = at ? at : name ? strrchr(name, ':') : NULL;
	struct row r = {.im = im};

	if (end) {
		r.repository = arena_strndup(p->a, name, (size_t)(end - name));
		r.tag = at ? NULL : end + 1;
	}
	if (fits_all(p, &r))
		*(struct row *)bind_append(p->a, rows, sizeof r) = r;
}

static int count_containers(const struct home *h, struct plan *p, struct err *e)
{
	scoped(strv) ids = {0};
	int r = container_ids(h, &ids, e);

	for (size_t i = 0; i < ids.n && r == 0; i++) {
		scoped(arena) a = {0};
		struct container_state s;
		if (container_state_read(h, ids.v[i], &s, &a, NULL) == 0)
			container_state_images(&s, &p->used);
	}
	return r;
}

static int make_plan(const struct home *h, struct plan *p, struct err *e)
{
	const struct strs *f = &p->q->filters;

	p->v = arena_alloc(p->a, (f->n + 1) * sizeof *p->v);
	p->count = p->q->count;
	for (; p->n < f->n; p->n++) {
		int r = parse_filter(h, p, f->v[p->n], &p->v[p->n], e);
		if (r < 0)
			return r;
		p->count |= p->v[p->n].kind == F_CONTAINERS;
	}
	return p->count ? count_containers(h, p, e) : 0;
}

struct json *image_sample(bool docker, struct arena *a)
{
	const struct image_entry nobody = {.id = "", .manifest_digest = ""};
	const struct image_query q = {.docker = docker};
	const struct plan p = {.q = &q, .a = a};

	return row_json(&p, &(struct row){.im = &nobody});
}

static int by_age(const void *a, const void *b)
{
	return -compare_time(((const struct image_entry *)a)->created,
			     ((const struct image_entry *)b)->created);
}

static void add_list(const struct home *h, const char *name, struct image_list *l)
{
	struct manifest_list list;
	struct image_entry *im = &l->v[l->n];
	struct reference ref;
	struct strs digests = {0}, names = {0};
	scoped(str) text = {0};
	const char *type;
	char digest[DIGEST_LEN + 1];

	if (ref_parse(&l->arena, name, &ref, NULL) < 0 ||
	    list_read(h, &ref, &l->arena, &list, NULL) < 0 || list_digest(&list, digest, NULL) < 0)
		return;
	list_index(&list, LIST_AS_MEMBERS, &l->arena, &text, &type);
	strs_add(&l->arena, &names, name);
	strs_add(&l->arena, &digests,
		 arena_printf(&l->arena, "%s@%s", ref_name(&l->arena, &ref), digest));
	*im = (struct image_entry){.id = arena_strdup(&l->arena, digest),
				   .names = names,
				   .repo_digests = digests,
				   .created = list_changed(h, &list),
				   .size = (int64_t)text.len,
				   .list = true};
	im->manifest_digest = im->id;
	l->n++;
}

/* The lists among the images, the newest first. */
static int add_lists(const struct home *h, struct image_list *l, struct err *e)
{
	scoped(strv) names = {0};
	int r = lists_names(h, &names, e);

	if (r < 0 || !names.n)
		return r;
	struct image_entry *v = arena_alloc(&l->arena, (l->n + names.n) * sizeof *v);
	if (l->n)
		memcpy(v, l->v, l->n * sizeof *v);
	l->v = v;
	for (size_t i = 0; i < names.n; i++)
		add_list(h, names.v[i], l);
	qsort(l->v, l->n, sizeof *l->v, by_age);
	return 0;
}

int image_query(const struct home *h, const struct image_query *q, struct arena *a,
		struct image_result *ret, struct err *e)
{
	struct plan p = {.q = q, .a = a};
	struct bind_list rows = {0};
	struct image_list *l = arena_alloc(a, sizeof *l);
	int r = make_plan(h, &p, e);

	*ret = (struct image_result){.fields = json_new(a, JSON_ARR),
				     .objects = json_new(a, JSON_ARR)};
	if (r == 0)
		r = images_list(h, l, e);
	if (r == 0 && q->lists)
		r = add_lists(h, l, e);
	for (size_t i = 0; i < l->n && r == 0; i++) {
		if (!l->v[i].names.n)
			add_row(&p, &l->v[i],
				l->v[i].repo_digests.n ? l->v[i].repo_digests.v[0] : NULL, &rows);
		for (size_t k = 0; k < l->v[i].names.n; k++)
			add_row(&p, &l->v[i], l->v[i].names.v[k], &rows);
	}
	struct row *v = rows.v;
	autofree bool *seen = xcalloc(l->n + 1, sizeof *seen);
	sort_rows(v, rows.n, q->sort);
	for (size_t i = 0; i < rows.n; i++) {
		bool again = seen[v[i].im - l->v];
		seen[v[i].im - l->v] = true;
		if (q->ids_only && (!again || q->docker))
			strs_add(a, &ret->ids, id_text(a, v[i].im, q->no_trunc));
		else if (q->facts && !q->ids_only && !again)
			json_add(a, ret->objects, object_json(&p, v[i].im));
		else if (!q->ids_only && !q->facts)
			json_add(a, ret->fields, row_json(&p, &v[i]));
	}
	strv_free(&p.used);
	image_list_free(l);
	return r;
}
