#include <glob.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/base.h"
#include "base/parse.h"
#include "engine/mount_opts.h"
#include "engine/mount_words.h"
#include "volume/volume.h"

/* Destinations that would undo what the container's own mounts are for. */
static int check_destination(const struct words *w, const char *dst, struct err *e)
{
	const char *why = NULL;

	if (dst[0] != '/')
		why = "the destination is not an absolute path";
	else if (!strcmp(dst, "/"))
		why = "the destination cannot be /";
	else if (!strcmp(dst, "/proc") || str_starts(dst, "/proc/"))
		why = "nothing can be mounted at or below /proc";
	if (!why)
		return 0;
	words_bad(w, e, "%s", why);
	if (dst[0] != '/' && str_eq(w->flag, "--volume") && strstr(w->text, ":/"))
		return err_hint(
			e, "the destination is a path in the container, as /data; a source with "
			   "a colon needs --mount type=bind,source=SOURCE,destination=PATH");
	return err_hint(e, "the destination is a path in the container, as /data");
}

static const char *clean(struct arena *a, const char *path)
{
	autofree char *s = path_clean(path);

	return arena_strdup(a, s);
}

/* The directory is resolved, the last name is kept, for it may be a link that is wanted itself. */
static char *real_parent(const char *path)
{
	autofree char *tidy = path_clean(path);
	char *slash = strrchr(tidy, '/');
	autofree char *dir = !slash	     ? xstrdup(".")
			     : slash == tidy ? xstrdup("/")
					     : xstrndup(tidy, (size_t)(slash - tidy));
	autofree char *real = realpath(dir, NULL);
	struct stat st;

	if (!real)
		return NULL;
	char *all = path_join(real, slash ? slash + 1 : tidy);
	if (lstat(all, &st) == 0)
		return all;
	free(all);
	return NULL;
}

/* The source as an absolute path without links. */
static int set_source(const struct words *w, const char *src, bool make, struct err *e)
{
	bool keep_link = strs_has(&w->m->options, "no-dereference");
	autofree char *real = keep_link ? real_parent(src) : realpath(src, NULL);

	if (!real && errno == ENOENT && make) {
		int r = path_mkdir_p_at(AT_FDCWD, src, 0755);
		if (r < 0)
			return err_set(e, r, "make the missing source %s", src);
		real = realpath(src, NULL);
	}
	if (!real) {
		err_set(e, errno, "%s \"%.120s\": source %s", w->flag, w->text, src);
		return errno == ENOENT ? err_hint(e, "the source must exist: mkdir -p %s", src)
				       : -e->code;
	}
	w->m->source = arena_strdup(w->a, real);
	return 0;
}

static int add_words(struct words *w, const char *text, struct err *e)
{
	scoped(strv) words = {0};
	int r = 0;

	if (!*text) {
		words_bad(w, e, "the options behind the colon are empty");
		return err_hint(e, "leave the colon out");
	}
	strv_split(&words, text, ',');
	for (size_t i = 0; i < words.n && r == 0; i++)
		if (*words.v[i])
			r = words_add(w, words.v[i], e);
	return r;
}

/* The name of a volume as the source; NULL: one of its own, which has none yet. */
static int set_volume(const struct words *w, const char *name, struct err *e)
{
	w->m->anonymous = str_is_empty(name);
	w->m->name = w->m->anonymous ? NULL : arena_strdup(w->a, name);
	if (w->m->anonymous || volume_check_name(name, NULL) == 0)
		return 0;
	words_bad(w, e, "\"%.60s\" cannot be the name of a volume", name);
	return err_hint(e,
			"letters, digits, '_', '.' and '-', the first one a letter or digit; a "
			"path needs a slash: ./%.100s",
			name);
}

int mount_opts_volume(struct arena *a, const char *text, bool strict, struct bind_list *mounts,
		      struct err *e)
{
	struct config_mount m = {.type = "bind"};
	struct words w = {a, "--volume", text, WORDS_BIND, &m};
	scoped(strv) part = {0};

	strv_split(&part, text, ':');
	if (part.n > 3) {
		words_bad(&w, e, "too many colons");
		return err_hint(e, "a path with a colon goes into --mount "
				   "type=bind,source=PATH,destination=PATH");
	}
	const char *src = part.n > 1 ? part.v[0] : NULL;
	if (src && !*src) {
		words_bad(&w, e, "the source is empty");
		return err_hint(e, "SOURCE:DESTINATION, SOURCE being a path on the host or the "
				   "name of a volume");
	}
	bool volume = !src || (!strchr(src, '/') && strcmp(src, ".") && strcmp(src, ".."));
	if (volume) {
		m.type = "volume";
		w.kind = WORDS_VOLUME;
	}
	m.destination = clean(a, part.n > 1 ? part.v[1] : text);
	int r = check_destination(&w, m.destination, e);
	if (r == 0 && part.n == 3)
		r = add_words(&w, part.v[2], e);
	if (r == 0)
		r = words_finish(&w, strict, e);
	if (r == 0)
		r = volume ? set_volume(&w, src, e) : set_source(&w, src, strict, e);
	if (r < 0)
		return r;
	m.mode = part.n == 3 ? arena_strdup(a, part.v[2]) : NULL;
	*(struct config_mount *)bind_append(a, mounts, sizeof m) = m;
	return 0;
}

int mount_opts_tmpfs(struct arena *a, const char *text, bool strict, struct bind_list *mounts,
		     struct err *e)
{
	struct config_mount m = {.type = "tmpfs"};
	struct words w = {a, "--tmpfs", text, WORDS_TMPFS, &m};
	const char *colon = strchr(text, ':');

	m.destination =
		clean(a, arena_strndup(a, text, colon ? (size_t)(colon - text) : strlen(text)));
	int r = check_destination(&w, m.destination, e);
	if (r == 0 && colon)
		r = add_words(&w, colon + 1, e);
	if (r == 0)
		r = words_finish(&w, strict, e);
	if (r < 0)
		return r;
	m.mode = colon ? arena_strdup(a, colon + 1) : NULL;
	*(struct config_mount *)bind_append(a, mounts, sizeof m) = m;
	return 0;
}

/* ---- --mount: one line of CSV (RFC 4180) whose fields are KEY or KEY=VALUE */

/* Splits as Go's encoding/csv does: a field in quotes may hold commas, and "" for a quote. */
static int csv_fields(const struct words *w, struct strv *ret, struct err *e)
{
	const char *p = w->text;

	for (;;) {
		scoped(str) f = {0};
		bool quoted = *p == '"';
		if (quoted) {
			for (p++; *p && (*p != '"' || p[1] == '"'); p++) {
				p += *p == '"';
				str_addc(&f, *p);
			}
			if (*p++ != '"' || (*p && *p != ',')) {
				words_bad(w, e, "a quoted field does not end with its quote");
				return err_hint(e,
						"as in 'type=bind,\"source=/a,b\",destination=/c'");
			}
		} else {
			size_t n = strcspn(p, ",");
			str_addn(&f, p, n);
			p += n;
			if (f.len && memchr(f.s, '"', f.len)) {
				words_bad(w, e, "a quote within a field");
				return err_hint(e, "quote the whole field: \"source=/a,b\"");
			}
		}
		strv_add(ret, str_cstr(&f));
		if (*p++ != ',')
			return 0;
	}
}

struct mounting {
	struct words w;
	struct config_mount m;
	const char *source, *destination;
	const char *recursive; /* value of bind-recursive */
	bool make_source, strict, glob;
};

static int parse_bool(const char *s, bool *ret)
{
	static const char *const yes[] = {"1", "t", "T", "true", "TRUE", "True", NULL};
	static const char *const no[] = {"0", "f", "F", "false", "FALSE", "False", NULL};

	for (size_t i = 0; yes[i]; i++) {
		if (!strcmp(s, yes[i]) || !strcmp(s, no[i])) {
			*ret = !strcmp(s, yes[i]);
			return 0;
		}
	}
	return -EINVAL;
}

static int set_path(struct mounting *x, const char *key, const char *value, struct err *e)
{
	bool is_source = key[0] == 's';
	const char **at = is_source ? &x->source : &x->destination;

	if (*at) {
		words_bad(&x->w, e, "the %s is given twice", is_source ? "source" : "destination");
		return err_hint(e, is_source ? "source and src are one"
					     : "destination, dst and target are one");
	}
	*at = arena_strdup(x->w.a, value);
	return 0;
}

/* KEY or KEY=BOOL, turned into one of two words. */
struct toggle {
	const char *key, *on, *off;
};
static const struct toggle toggles[] = {
	{"readonly", "ro", "rw"},
	{"ro", "ro", "rw"},
	{"rw", "rw", "ro"},
	{"readwrite", "rw", "ro"},
	{"nosuid", "nosuid", "suid"},
	{"suid", "suid", "nosuid"},
	{"nodev", "nodev", "dev"},
	{"dev", "dev", "nodev"},
	{"noexec", "noexec", "exec"},
	{"exec", "exec", "noexec"},
	{"U", "U", NULL},
	{"chown", "U", NULL},
	{"bind-nonrecursive", "bind", "rbind"},
	{"no-dereference", "no-dereference", NULL},
	{"volume-nocopy", "nocopy", "copy"},
	{"tmpcopyup", "tmpcopyup", "notmpcopyup"},
	{"notmpcopyup", "notmpcopyup", "tmpcopyup"},
};

static int set_toggle(struct mounting *x, const struct toggle *t, const char *value, struct err *e)
{
	bool on = true;

	if (value && parse_bool(value, &on) < 0) {
		words_bad(&x->w, e, "%s is true or false, not \"%.40s\"", t->key, value);
		return err_hint(e, "%s alone means %s=true", t->key, t->key);
	}
	if (!on && !t->off)
		return 0;
	return words_add(&x->w, on ? t->on : t->off, e);
}

static int set_propagation(struct mounting *x, const char *key, const char *value, struct err *e)
{
	static const char *const kinds[] = {"private",	  "rprivate",	 "slave",
					    "rslave",	  "shared",	 "rshared",
					    "unbindable", "runbindable", NULL};

	for (size_t i = 0; kinds[i]; i++)
		if (!strcmp(kinds[i], value))
			return words_add(&x->w, value, e);
	words_bad(&x->w, e, "%s has no kind \"%.40s\"", key, value);
	return err_hint(e, "private, slave, shared, unbindable; with an r in front also below");
}

static int set_recursive(struct mounting *x, const char *key, const char *value, struct err *e)
{
	if (!strcmp(value, "disabled"))
		return words_add(&x->w, "bind", e);
	if (strcmp(value, "enabled") && strcmp(value, "writable") && strcmp(value, "readonly")) {
		words_bad(&x->w, e, "bind-recursive has no value \"%.40s\"", value);
		return err_hint(e, "enabled, disabled, writable or readonly");
	}
	x->recursive = arena_strdup(x->w.a, value);
	return words_add(&x->w, "rbind", e);
}

static int set_relabel(struct mounting *x, const char *key, const char *value, struct err *e)
{
	if (!strcmp(value, "shared") || !strcmp(value, "private"))
		return words_add(&x->w, "z", e);
	words_bad(&x->w, e, "relabel is shared or private, not \"%.40s\"", value);
	return err_hint(e, "it speaks of SELinux; where none is, leave it out");
}

static int set_consistency(struct mounting *x, const char *key, const char *value, struct err *e)
{
	if (!strcmp(value, "default"))
		return 0;
	if (!strcmp(value, "consistent") || !strcmp(value, "cached") || !strcmp(value, "delegated"))
		return words_add(&x->w, value, e);
	words_bad(&x->w, e, "consistency has no value \"%.40s\"", value);
	return err_hint(e, "consistent, cached or delegated; none makes a difference here");
}

static int set_tmpfs(struct mounting *x, const char *key, const char *value, struct err *e)
{
	return words_add(&x->w, arena_printf(x->w.a, "%s=%s", key + 6, value), e);
}

static int set_create(struct mounting *x, const char *key, const char *value, struct err *e)
{
	if (parse_bool(value, &x->make_source) == 0)
		return 0;
	words_bad(&x->w, e, "%s is true or false, not \"%.40s\"", key, value);
	return err_hint(e, "with true, a source that is missing becomes a directory");
}

static int set_idmap(struct mounting *x, const char *key, const char *value, struct err *e)
{
	return words_add(&x->w, "idmap", e);
}

static int set_subpath(struct mounting *x, const char *key, const char *value, struct err *e)
{
	scoped(strv) parts = {0};

	strv_split(&parts, value, '/');
	if (value[0] == '/' || strv_has(&parts, "..")) {
		words_bad(&x->w, e, "%s is not a path below the source", key);
		return err_hint(e, "as data/app: without a slash in front, and without ..");
	}
	x->m.subpath = arena_strdup(x->w.a, value);
	return 0;
}

static int set_driver(struct mounting *x, const char *key, const char *value, struct err *e)
{
	x->m.driver = arena_strdup(x->w.a, value);
	return 0;
}

/* volume-opt=KEY=VALUE and volume-label=KEY=VALUE */
static int set_pair(struct mounting *x, const char *key, const char *value, struct err *e)
{
	const char *eq = strchr(value, '=');
	struct pairs *to = strstr(key, "label") ? &x->m.volume_labels : &x->m.volume_options;
	const char *k = arena_strndup(x->w.a, value, eq ? (size_t)(eq - value) : strlen(value));

	if (!*k) {
		words_bad(&x->w, e, "%s has no key", key);
		return err_hint(e, "%s=KEY=VALUE", key);
	}
	pairs_set(x->w.a, to, k, eq ? eq + 1 : "");
	return 0;
}

/* uid=, gid=, mode= and max= of devpts. */
static int set_word(struct mounting *x, const char *key, const char *value, struct err *e)
{
	return words_add(&x->w, arena_printf(x->w.a, "%s=%s", key, value), e);
}

#define FILES  (WORDS_BIND | WORDS_VOLUME)
#define MEMORY (WORDS_TMPFS | WORDS_RAMFS)
#define EVERY  (FILES | MEMORY | WORDS_IMAGE | WORDS_DEVPTS)

static const struct {
	const char *key;
	unsigned kinds;
	int (*set)(struct mounting *x, const char *key, const char *value, struct err *e);
	bool bare; /* may stand without a value */
} keys[] = {
	{"source", FILES | WORDS_IMAGE, set_path, false},
	{"src", FILES | WORDS_IMAGE, set_path, false},
	{"destination", EVERY, set_path, false},
	{"dst", EVERY, set_path, false},
	{"target", EVERY, set_path, false},
	{"bind-propagation", FILES, set_propagation, false},
	{"bind-recursive", WORDS_BIND, set_recursive, false},
	{"bind-create-src", WORDS_BIND, set_create, false},
	{"relabel", FILES, set_relabel, false},
	{"idmap", FILES, set_idmap, true},
	{"consistency", FILES | MEMORY, set_consistency, false},
	{"tmpfs-size", WORDS_TMPFS, set_tmpfs, false},
	{"tmpfs-mode", MEMORY, set_tmpfs, false},
	{"subpath", WORDS_VOLUME | WORDS_IMAGE, set_subpath, false},
	{"volume-subpath", WORDS_VOLUME, set_subpath, false},
	{"image-subpath", WORDS_IMAGE, set_subpath, false},
	{"volume-driver", WORDS_VOLUME, set_driver, false},
	{"volume-opt", WORDS_VOLUME, set_pair, false},
	{"volume-label", WORDS_VOLUME, set_pair, false},
	{"uid", WORDS_DEVPTS, set_word, false},
	{"gid", WORDS_DEVPTS, set_word, false},
	{"mode", WORDS_DEVPTS, set_word, false},
	{"max", WORDS_DEVPTS, set_word, false},
};

static const struct {
	const char *name;
	unsigned kind;
} types[] = {
	{"bind", WORDS_BIND},	{"volume", WORDS_VOLUME}, {"tmpfs", WORDS_TMPFS},
	{"image", WORDS_IMAGE}, {"ramfs", WORDS_RAMFS},	  {"devpts", WORDS_DEVPTS},
	{"glob", WORDS_BIND},
};

static const char *kind_name(unsigned kinds)
{
	for (size_t i = 0; i < countof(types); i++)
		if (types[i].kind & kinds)
			return types[i].name;
	return "bind";
}

/* Which mounts a switch is for: that of the word which it stands for. */
static unsigned toggle_kinds(const struct toggle *t)
{
	if (strstr(t->key, "tmpcopyup"))
		return MEMORY;
	if (str_starts(t->key, "volume-"))
		return WORDS_VOLUME;
	if (str_eq(t->on, "ro") || str_eq(t->on, "rw"))
		return EVERY & ~(unsigned)WORDS_DEVPTS;
	return str_starts(t->key, "bind-") || str_starts(t->key, "no-") ? WORDS_BIND
									: FILES | MEMORY;
}

static int wrong_key(const struct mounting *x, const char *key, unsigned kinds, struct err *e)
{
	const char *names[countof(keys) + countof(toggles) + 2];
	size_t n = 0;

	if (kinds) {
		words_bad(&x->w, e, "%s is not for type=%s", key, x->m.type);
		return err_hint(e, "it belongs to type=%s", kind_name(kinds));
	}
	names[n++] = "type";
	for (size_t i = 0; i < countof(keys); i++)
		if (keys[i].kinds & x->w.kind)
			names[n++] = keys[i].key;
	for (size_t i = 0; i < countof(toggles); i++)
		if (toggle_kinds(&toggles[i]) & x->w.kind)
			names[n++] = toggles[i].key;
	names[n] = NULL;
	const char *near = words_nearest(key, names);
	words_bad(&x->w, e, "unknown key \"%.60s\"", key);
	if (near)
		return err_hint(e, "did you mean %s?", near);
	return err_hint(e, "source, destination, readonly, %s and others: man hoy-run",
			x->w.kind == WORDS_BIND	    ? "bind-propagation, bind-recursive"
			: x->w.kind == WORDS_VOLUME ? "volume-subpath, volume-opt"
			: x->w.kind & MEMORY	    ? "tmpfs-size, tmpfs-mode"
						    : "subpath");
}

static int set_key(struct mounting *x, const char *field, struct err *e)
{
	const char *eq = strchr(field, '='), *value = eq ? eq + 1 : NULL;
	const char *key = arena_strndup(x->w.a, field, eq ? (size_t)(eq - field) : strlen(field));
	unsigned kinds = 0;

	if (!strcmp(key, "type"))
		return 0;
	for (size_t i = 0; i < countof(toggles); i++) {
		if (strcmp(toggles[i].key, key))
			continue;
		kinds = toggle_kinds(&toggles[i]);
		return kinds & x->w.kind ? set_toggle(x, &toggles[i], value, e)
					 : wrong_key(x, key, kinds, e);
	}
	for (size_t i = 0; i < countof(keys); i++) {
		if (strcmp(keys[i].key, key))
			continue;
		if (!(keys[i].kinds & x->w.kind))
			return wrong_key(x, key, keys[i].kinds, e);
		if (str_is_empty(value) && !keys[i].bare) {
			words_bad(&x->w, e, "%s has no value", key);
			return err_hint(e, "%s=VALUE", key);
		}
		return keys[i].set(x, key, value ? value : "", e);
	}
	return wrong_key(x, key, 0, e);
}

static int set_type(struct mounting *x, const struct strv *fields, struct err *e)
{
	const char *type = "volume", *names[countof(types) + 1];

	for (size_t i = 0; i < fields->n; i++)
		if (str_starts(fields->v[i], "type="))
			type = fields->v[i] + 5;
	for (size_t i = 0; i < countof(types); i++) {
		names[i] = types[i].name;
		if (strcmp(types[i].name, type) != 0)
			continue;
		x->glob = !strcmp(type, "glob");
		x->m.type = x->glob ? "bind" : types[i].name;
		x->w.kind = types[i].kind;
		return 0;
	}
	names[countof(types)] = NULL;
	const char *near = words_nearest(type, names);
	words_bad(&x->w, e, "unknown type \"%.40s\"", type);
	return err_hint(e, "%s%s%stypes are bind, volume, tmpfs, image, glob, ramfs and devpts",
			near ? "did you mean " : "", near ? near : "", near ? "? " : "");
}

/* docker's bind-recursive in the words that there are for it. */
static int finish_recursive(struct mounting *x, struct err *e)
{
	const struct strs *o = &x->m.options;

	if (str_eq(x->recursive, "writable") && strs_has(o, "ro"))
		return words_add(&x->w, "ro-top", e);
	if (!str_eq(x->recursive, "readonly"))
		return 0;
	if (!strs_has(o, "ro")) {
		words_bad(&x->w, e, "bind-recursive=readonly is for a mount that is readonly");
		return err_hint(e, "add readonly");
	}
	for (size_t i = 0; i < o->n; i++)
		if (strstr(o->v[i], "slave") || strstr(o->v[i], "shared")) {
			words_bad(&x->w, e,
				  "bind-recursive=readonly needs "
				  "bind-propagation=rprivate");
			return err_hint(e, "what the host mounts below later could be written to");
		}
	return 0;
}

/* type=glob: each file that fits the pattern, under the same path or, with a destination, in that directory. */
static int mount_glob(const struct words *w, const char *pattern, bool in_directory,
		      struct bind_list *mounts, struct err *e)
{
	const char *dir = w->m->destination;
	glob_t g = {0};
	int r = 0;

	if (pattern[0] != '/') {
		words_bad(w, e, "the pattern is not an absolute path");
		return err_hint(e, "as in type=glob,source=/usr/lib/libssl*");
	}
	if (glob(pattern, GLOB_ERR, NULL, &g) != 0 || !g.gl_pathc) {
		globfree(&g);
		words_bad(w, e, "no file of the host fits %.100s", pattern);
		return err_hint(e, "* ? and [...] stand for parts of a name: ls %.100s", pattern);
	}
	for (size_t i = 0; i < g.gl_pathc && r == 0; i++) {
		const char *path = g.gl_pathv[i], *base = strrchr(path, '/') + 1;
		w->m->destination = in_directory
					    ? clean(w->a, arena_printf(w->a, "%s/%s", dir, base))
					    : clean(w->a, path);
		r = check_destination(w, w->m->destination, e);
		if (r == 0)
			r = set_source(w, path, false, e);
		if (r == 0)
			*(struct config_mount *)bind_append(w->a, mounts, sizeof *w->m) = *w->m;
	}
	globfree(&g);
	return r;
}

/* What is mounted, and where. */
static int check_places(struct mounting *x, struct err *e)
{
	bool needs = x->w.kind & (WORDS_BIND | WORDS_IMAGE);

	if (!x->destination && !x->glob) {
		words_bad(&x->w, e, "no destination");
		return err_hint(e, "add destination=PATH, a path in the container");
	}
	if (needs && !x->source) {
		words_bad(&x->w, e, "no source");
		return err_hint(e, "add source=%s",
				x->w.kind == WORDS_IMAGE ? "IMAGE" : "PATH, a path on the host");
	}
	if (!x->destination)
		return 0;
	x->m.destination = clean(x->w.a, x->destination);
	return check_destination(&x->w, x->m.destination, e);
}

static int add_mount(struct mounting *x, struct bind_list *mounts, struct err *e)
{
	int r = 0;

	x->m.by_mount = true;
	if (x->glob)
		return mount_glob(&x->w, x->source, x->destination != NULL, mounts, e);
	if (x->w.kind == WORDS_VOLUME)
		r = set_volume(&x->w, x->source, e);
	else if (x->w.kind == WORDS_IMAGE)
		x->m.name = x->source;
	else if (x->source)
		r = set_source(&x->w, x->source, x->make_source, e);
	if (r == 0)
		*(struct config_mount *)bind_append(x->w.a, mounts, sizeof x->m) = x->m;
	return r;
}

int mount_opts_mount(struct arena *a, const char *text, bool strict, struct bind_list *mounts,
		     struct err *e)
{
	struct mounting x = {.strict = strict};
	scoped(strv) fields = {0};

	x.w = (struct words){a, "--mount", text, 0, &x.m};
	if (!*text) {
		words_bad(&x.w, e, "it is empty");
		return err_hint(e, "as type=bind,source=PATH,destination=PATH");
	}
	int r = csv_fields(&x.w, &fields, e);
	if (r == 0)
		r = set_type(&x, &fields, e);
	for (size_t i = 0; i < fields.n && r == 0; i++)
		r = set_key(&x, fields.v[i], e);
	if (r == 0)
		r = check_places(&x, e);
	if (r == 0)
		r = finish_recursive(&x, e);
	if (r == 0)
		r = words_finish(&x.w, strict, e);
	return r < 0 ? r : add_mount(&x, mounts, e);
}

static size_t depth(const char *path)
{
	size_t n = 0;

	for (; *path; path++)
		n += *path == '/';
	return n;
}

bool mount_opts_has(const struct bind_list *mounts, const char *destination)
{
	const struct config_mount *m = mounts->v;

	for (size_t i = 0; i < mounts->n; i++)
		if (!strcmp(m[i].destination, destination))
			return true;
	return false;
}

int mount_opts_sort(struct bind_list *mounts, struct err *e)
{
	struct config_mount *m = mounts->v;

	for (size_t i = 1; i < mounts->n; i++) { /* insertion: stable, and lists are short */
		struct config_mount x = m[i];
		size_t k = i;
		for (; k > 0 && depth(m[k - 1].destination) > depth(x.destination); k--)
			m[k] = m[k - 1];
		m[k] = x;
	}
	for (size_t i = 0; i < mounts->n; i++)
		for (size_t k = 0; k < i; k++)
			if (!strcmp(m[i].destination, m[k].destination))
				return err_fail(e, ERR_MOUNT, "two mounts have the destination %s",
						m[i].destination);
	return 0;
}
