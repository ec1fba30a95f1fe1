/* volume ls and inspect: which volumes there are, which of them were asked for, and how podman and docker show them. */
#include <regex.h>
#include <sys/stat.h>

#include "base/base.h"
#include "base/parse.h"
#include "engine/volume.h"
#include "volume/local.h"
#include "volume/plugin.h"

/* ---- filters */

enum kind {
	F_NAME,
	F_DRIVER,
	F_SCOPE,
	F_LABEL,
	F_NOT_LABEL,
	F_OPT,
	F_DANGLING,
	F_ANONYMOUS,
	F_UNTIL,
	F_SINCE,
	F_AFTER,
	F_KINDS
};
static const char *const keys[F_KINDS] = {"name",   "driver", "scope",	  "label",
					  "label!", "opt",    "dangling", "anonymous",
					  "until",  "since",  "after"};

struct filter {
	enum kind kind;
	const char *text;
	bool yes;
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

static int parse_bool(struct filter *f, const char *whole, struct err *e)
{
	static const char *const yes[] = {"true", "1", "t", "True", "TRUE"};
	static const char *const no[] = {"false", "0", "f", "False", "FALSE"};

	for (size_t i = 0; i < countof(yes); i++) {
		if (!strcmp(f->text, yes[i]) || !strcmp(f->text, no[i])) {
			f->yes = !strcmp(f->text, yes[i]);
			return 0;
		}
	}
	return bad(e, whole, "the value is true or false");
}

static int parse_since(const struct home *h, struct filter *f, struct err *e)
{
	scoped(arena) a = {0};
	struct volume v;
	int r = volume_find(h, f->text, &v, &a, e);

	return r < 0 ? r : parse_rfc3339(v.created, &f->time);
}

static int parse_filter(const struct home *h, const char *text, struct filter *f, struct err *e)
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
	if (k == F_DANGLING || k == F_ANONYMOUS)
		return parse_bool(f, text, e);
	return k == F_SINCE || k == F_AFTER ? parse_since(h, f, e) : 0;
}

static bool earlier(const struct timespec *x, const struct timespec *y)
{
	return x->tv_sec < y->tv_sec || (x->tv_sec == y->tv_sec && x->tv_nsec < y->tv_nsec);
}

static bool fits(const struct filter *f, const struct volume *v, size_t links)
{
	struct timespec made = {0};

	parse_rfc3339(v->created, &made);
	switch (f->kind) {
	case F_NAME:
		return regexec(&f->re, v->name, 0, NULL, 0) == 0;
	case F_DRIVER:
		return !strcmp(v->driver, f->text);
	case F_SCOPE:
		return !strcmp(f->text, "local");
	case F_LABEL:
		return pairs_fit(&v->labels, f->text);
	case F_NOT_LABEL:
		return !pairs_fit(&v->labels, f->text);
	case F_OPT:
		return pairs_fit(&v->options, f->text);
	case F_DANGLING:
		return f->yes == !links;
	case F_ANONYMOUS:
		return f->yes == v->anonymous;
	case F_UNTIL:
		return earlier(&made, &f->time);
	case F_SINCE:
	case F_AFTER:
		return earlier(&f->time, &made);
	case F_KINDS:
		break;
	}
	return false;
}

static bool all_fit(const struct filters *fs, const struct volume *v, size_t links)
{
	bool asked[F_KINDS] = {false}, met[F_KINDS] = {false};

	for (size_t i = 0; i < fs->n; i++) {
		const struct filter *f = &fs->v[i];
		bool ok = fits(f, v, links);
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

int volumes_list(const struct home *h, const struct volumes_query *q, struct arena *a,
		 struct volumes_list *ret, struct err *e)
{
	scoped(filters) fs = {.v = xcalloc(q->filters.n + 1, sizeof *fs.v)};
	scoped(strv) names = {0};
	struct bind_list uses;
	int r = 0;

	*ret = (struct volumes_list){0};
	for (size_t i = 0; i < q->filters.n && r == 0; i++)
		r = parse_filter(h, q->filters.v[i], &fs.v[fs.n++], e);
	if (r == 0)
		r = volume_names(h, &names, e);
	if (r == 0 && names.n)
		r = volume_uses(h, &uses, a, e);
	if (r < 0)
		return r;
	ret->v = arena_alloc(a, (names.n + 1) * sizeof *ret->v);
	ret->links = arena_alloc(a, (names.n + 1) * sizeof *ret->links);
	for (size_t i = 0; i < names.n; i++) {
		struct err why = {0};
		struct volume v;
		r = volume_read(h, names.v[i], &v, a, &why);
		if (r < 0 && r != -ENOENT && !ret->broken++)
			ret->why = why;
		size_t links = r < 0 ? 0 : volume_used_by(&uses, v.name, NULL);
		if (r < 0 || !all_fit(&fs, &v, links))
			continue;
		ret->v[ret->n] = v;
		ret->links[ret->n++] = links;
	}
	return 0;
}

/* ---- podman's and docker's shapes */

static const char *mountpoint(const struct home *h, const struct volume *v, struct arena *a)
{
	const char *at = "";

	if (h && strcmp(v->driver, VOLUME_LOCAL) != 0)
		return plugin_get(v->driver, v->name, a, &at, NULL, NULL) < 0 ? "" : at;
	return h ? arena_printf(a, "%s/%s", h->path, volume_data(v->name, a)) : "";
}

/* Seconds only, with the offset of the place: as docker prints it. */
static const char *local_time(const char *created, bool fraction, struct arena *a)
{
	struct timespec t;
	char text[40], zone[8];
	struct tm tm;

	if (parse_rfc3339(created, &t) < 0 || !localtime_r(&t.tv_sec, &tm))
		return created;
	strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &tm);
	strftime(zone, sizeof zone, "%z", &tm);
	const char *z = !strcmp(zone, "+0000") ? "Z" : arena_printf(a, "%.3s:%.2s", zone, zone + 3);
	return fraction ? arena_printf(a, "%s.%09ld%s", text, t.tv_nsec, z)
			: arena_printf(a, "%s%s", text, z);
}

static struct json *docker_json(const struct home *h, const struct volume *v, struct arena *a)
{
	struct json *o = json_new(a, JSON_OBJ);

	json_set_str(a, o, "CreatedAt", local_time(v->created, false, a));
	json_set_str(a, o, "Driver", v->driver);
	json_set(a, o, "Labels",
		 v->labels.n ? json_new_pairs(a, &v->labels) : json_new(a, JSON_NULL));
	json_set_str(a, o, "Mountpoint", mountpoint(h, v, a));
	json_set_str(a, o, "Name", v->name);
	json_set(a, o, "Options",
		 v->options.n ? json_new_pairs(a, &v->options) : json_new(a, JSON_NULL));
	json_set_str(a, o, "Scope", "local");
	return o;
}

/* Is it still to be filled by the first container that uses it? */
static bool is_fresh(const struct home *h, const struct volume *v, struct arena *a)
{
	return h && faccessat(h->fd, arena_printf(a, "volumes/%s/copy", v->name), F_OK,
			      AT_SYMLINK_NOFOLLOW) == 0;
}

static struct json *podman_json(const struct home *h, const struct volume *v, size_t links,
				struct arena *a)
{
	struct json *o = json_new(a, JSON_OBJ);
	struct local l = {0};

	json_set_str(a, o, "Name", v->name);
	json_set_str(a, o, "Driver", v->driver);
	json_set_str(a, o, "Mountpoint", mountpoint(h, v, a));
	json_set_str(a, o, "CreatedAt", local_time(v->created, true, a));
	json_set(a, o, "Labels", json_new_pairs(a, &v->labels));
	json_set_str(a, o, "Scope", "local");
	json_set(a, o, "Options", json_new_pairs(a, &v->options));
	if (!strcmp(v->driver, VOLUME_LOCAL) && local_parse(&v->options, &l, a, NULL) == 0) {
		if (l.has_uid)
			json_set_int(a, o, "UID", l.uid);
		if (l.has_gid)
			json_set_int(a, o, "GID", l.gid);
	}
	if (v->anonymous)
		json_set_bool(a, o, "Anonymous", true);
	json_set_int(a, o, "MountCount", (int64_t)links);
	json_set_bool(a, o, "NeedsCopyUp", is_fresh(h, v, a));
	json_set_bool(a, o, "NeedsChown", is_fresh(h, v, a));
	return o;
}

struct json *volume_json(const struct home *h, const struct volume *v, size_t links, bool docker,
			 struct arena *a)
{
	return docker ? docker_json(h, v, a) : podman_json(h, v, links, a);
}

struct json *volume_template_json(const struct home *h, const struct volume *v, size_t links,
				  struct arena *a)
{
	struct json *o = podman_json(h, v, links, a);

	/* Go has these where the JSON leaves them out. */
	if (!json_get(o, "UID"))
		json_set_int(a, o, "UID", 0);
	if (!json_get(o, "GID"))
		json_set_int(a, o, "GID", 0);
	json_set_bool(a, o, "Anonymous", v->anonymous);
	json_set_int(a, o, "LockNumber", 0);
	json_set_int(a, o, "Timeout", 0);
	json_set_str(a, o, "StorageID", "");
	json_set(a, o, "Status", json_new(a, JSON_OBJ));
	return o;
}

struct json *volume_fields_json(const struct home *h, const struct volume *v, size_t links,
				struct arena *a)
{
	struct json *o = volume_template_json(h, v, links, a);

	json_set_str(a, o, "Links", arena_printf(a, "%zu", links));
	json_set_str(a, o, "Size", "N/A");
	json_set_str(a, o, "Group", "N/A");
	json_set_str(a, o, "Availability", "N/A");
	return o;
}
