#include "base/base.h"
#include "base/parse.h"
#include "engine/mount_words.h"

enum group {
	FREE,
	WRITING,
	SETUID,
	DEVICES,
	EXECUTING,
	DEPTH,
	PROPAGATION,
	COPYING,
	LAYER,
	OWNER,
	ATIME,
	DIRATIME,
	NOTHING, /* means nothing here: not kept */
	REFUSED, /* cannot work: .why says what can */
};

#define FILES (WORDS_BIND | WORDS_VOLUME)
#define ALL   (FILES | WORDS_TMPFS | WORDS_RAMFS)

static const struct word {
	const char *word;
	enum group group;
	unsigned kinds;
	const char *as;	 /* kept under this name */
	const char *why; /* of REFUSED: the hint */
} words[] = {
	{"ro", WRITING, ALL | WORDS_IMAGE, NULL, NULL},
	{"readonly", WRITING, ALL | WORDS_IMAGE, "ro", NULL},
	{"rro", WRITING, FILES, "ro", NULL},
	{"rw", WRITING, ALL | WORDS_IMAGE, NULL, NULL},
	{"nosuid", SETUID, ALL, NULL, NULL},
	{"suid", SETUID, ALL, NULL, NULL},
	{"nodev", DEVICES, ALL, NULL, NULL},
	{"dev", DEVICES, ALL, NULL, NULL},
	{"noexec", EXECUTING, ALL, NULL, NULL},
	{"exec", EXECUTING, ALL, NULL, NULL},
	{"bind", DEPTH, FILES, NULL, NULL},
	{"rbind", DEPTH, FILES, NULL, NULL},
	{"private", PROPAGATION, ALL, NULL, NULL},
	{"rprivate", PROPAGATION, ALL, NULL, NULL},
	{"slave", PROPAGATION, ALL, NULL, NULL},
	{"rslave", PROPAGATION, ALL, NULL, NULL},
	{"shared", PROPAGATION, ALL, NULL, NULL},
	{"rshared", PROPAGATION, ALL, NULL, NULL},
	{"unbindable", PROPAGATION, ALL, NULL, NULL},
	{"runbindable", PROPAGATION, ALL, NULL, NULL},
	{"tmpcopyup", COPYING, WORDS_TMPFS | WORDS_RAMFS, NULL, NULL},
	{"notmpcopyup", COPYING, WORDS_TMPFS | WORDS_RAMFS, NULL, NULL},
	{"noatime", ATIME, WORDS_TMPFS | WORDS_RAMFS, NULL, NULL},
	{"relatime", ATIME, WORDS_TMPFS | WORDS_RAMFS, NULL, NULL},
	{"strictatime", ATIME, WORDS_TMPFS | WORDS_RAMFS, NULL, NULL},
	{"nodiratime", DIRATIME, WORDS_TMPFS | WORDS_RAMFS, NULL, NULL},
	{"O", LAYER, FILES, NULL, NULL}, /* an overlay that takes what is written */
	{"U", OWNER, FILES | WORDS_TMPFS, NULL, NULL},
	{"no-dereference", FREE, WORDS_BIND, NULL, NULL},
	/* The submounts of a read-only bind mount stay writable. */
	{"ro-top", FREE, WORDS_BIND, NULL, NULL},
	{"z", NOTHING, FILES, NULL, NULL}, /* labels of SELinux, which has none in here */
	{"Z", NOTHING, FILES, NULL, NULL},
	{"copy", COPYING, WORDS_VOLUME, NULL, NULL},
	{"nocopy", COPYING, WORDS_VOLUME, NULL, NULL},
	{"copy", NOTHING, WORDS_BIND, NULL, NULL}, /* of a directory nothing is ever copied */
	{"nocopy", NOTHING, WORDS_BIND, NULL, NULL},
	{"consistent", NOTHING, FILES | WORDS_TMPFS, NULL, NULL}, /* of docker on macOS */
	{"cached", NOTHING, FILES | WORDS_TMPFS, NULL, NULL},
	{"delegated", NOTHING, FILES | WORDS_TMPFS, NULL, NULL},
	{"idmap", REFUSED, ALL, NULL,
	 "shifting the ids of a mount needs root on the host; U gives the files to the "
	 "container's user"},
};

/* Options of tmpfs with a value. */
static bool octal(const char *s)
{
	size_t n = strlen(s);

	return n && n <= 5 && strspn(s, "01234567") == n && strtoul(s, NULL, 8) <= 07777;
}

static bool tmpfs_size(const char *s)
{
	uint64_t n;
	size_t len = strlen(s);

	if (len && s[len - 1] == '%') {
		char number[8];
		snprintf(number, sizeof number, "%.*s", (int)(len - 1 < 7 ? len - 1 : 7), s);
		return parse_u64(number, 10000, &n) == 0;
	}
	return parse_size(s, &n) == 0;
}

static bool count(const char *s)
{
	uint64_t n;

	return parse_size(s, &n) == 0;
}

static bool id(const char *s)
{
	uint64_t n;

	return parse_u64(s, INT_MAX, &n) == 0;
}

static bool policy(const char *s)
{
	return *s && strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789:-=,") == strlen(s);
}

static bool host_path(const char *s)
{
	return s[0] == '/';
}

static const struct {
	const char *prefix;
	bool (*check)(const char *value);
	const char *form;
	unsigned kinds;
} values[] = {
	{"size=", tmpfs_size, "a size as 64m, or a part of the memory as 50%", WORDS_TMPFS},
	{"mode=", octal, "a mode in octal digits, as 1777",
	 WORDS_TMPFS | WORDS_RAMFS | WORDS_DEVPTS},
	{"uid=", id, "a number", WORDS_TMPFS | WORDS_DEVPTS},
	{"gid=", id, "a number", WORDS_TMPFS | WORDS_DEVPTS},
	{"nr_inodes=", count, "a number, as 10k", WORDS_TMPFS},
	{"nr_blocks=", count, "a number, as 10k", WORDS_TMPFS},
	{"mpol=", policy, "a memory policy as tmpfs(5) has them", WORDS_TMPFS},
	{"max=", count, "a number", WORDS_DEVPTS},
	{"upperdir=", host_path, "an absolute path of the host", FILES},
	{"workdir=", host_path, "an absolute path of the host", FILES},
};

int words_bad(const struct words *w, struct err *e, const char *fmt, ...)
{
	va_list ap;
	char why[300];

	va_start(ap, fmt);
	vsnprintf(why, sizeof why, fmt, ap);
	va_end(ap);
	err_fail(e, ERR_MOUNT, "%s \"%.120s\": %s", w->flag, w->text, why);
	return -EINVAL;
}

const char *words_nearest(const char *typed, const char *const *names)
{
	size_t best = str_too_far(typed);
	const char *ret = NULL;

	for (; *names; names++) {
		size_t d = str_distance(typed, *names);
		if (d < best) {
			best = d;
			ret = *names;
		}
	}
	return ret;
}

static int unknown(const struct words *w, const char *word, struct err *e)
{
	const char *names[countof(words) + countof(values) + 1];
	size_t n = 0;

	for (size_t i = 0; i < countof(words); i++)
		if (words[i].kinds & w->kind && strcmp(words[i].word, "ro-top"))
			names[n++] = words[i].word;
	names[n] = NULL;
	const char *near = words_nearest(word, names);
	words_bad(w, e, "unknown option \"%.60s\"", word);
	if (near)
		return err_hint(e, "did you mean %s?", near);
	return w->kind & FILES
		       ? err_hint(e,
				  "ro rw nosuid nodev noexec exec bind rbind U O, z Z, %sand "
				  "[r]private [r]slave [r]shared [r]unbindable",
				  w->kind == WORDS_VOLUME ? "nocopy, " : "")
		       : err_hint(e, "ro rw exec noexec suid dev size=SIZE mode=OCTAL uid=N gid=N "
				     "nr_inodes=N notmpcopyup U");
}

static const struct word *find(const char *word, unsigned kind)
{
	for (size_t i = 0; i < countof(words); i++)
		if (words[i].kinds & kind && !strcmp(words[i].word, word))
			return &words[i];
	return NULL;
}

static int add_value(struct words *w, const char *word, struct err *e)
{
	for (size_t i = 0; i < countof(values); i++) {
		size_t n = strlen(values[i].prefix);
		if (!(values[i].kinds & w->kind) || !str_starts(word, values[i].prefix))
			continue;
		if (!values[i].check(word + n)) {
			words_bad(w, e, "\"%.60s\" is not %s", word, values[i].form);
			return err_hint(e, "%s takes %s", values[i].prefix, values[i].form);
		}
		for (size_t k = 0; k < w->m->options.n; k++)
			if (str_starts(w->m->options.v[k], values[i].prefix)) {
				words_bad(w, e, "%.*s is given twice", (int)(n - 1), word);
				return err_hint(e, "leave one of them out");
			}
		strs_add(w->a, &w->m->options, word);
		return 0;
	}
	return unknown(w, word, e);
}

static bool same_group(const struct words *w, enum group g, const char **ret)
{
	for (size_t i = 0; i < w->m->options.n; i++) {
		const struct word *x = find(w->m->options.v[i], w->kind);
		if (x && x->group == g) {
			*ret = x->word;
			return true;
		}
	}
	return false;
}

int words_add(struct words *w, const char *word, struct err *e)
{
	const char *other;

	if (w->kind & FILES && str_starts(word, "idmap="))
		word = "idmap";
	const struct word *x = find(word, w->kind);
	if (!x)
		return strchr(word, '=') ? add_value(w, word, e) : unknown(w, word, e);
	if (x->group == NOTHING)
		return 0;
	if (x->group == REFUSED) {
		words_bad(w, e, "the option \"%s\" cannot be had", word);
		return err_hint(e, "%s", x->why);
	}
	if (x->group != FREE && same_group(w, x->group, &other)) {
		words_bad(w, e, "\"%s\" and \"%s\" are one too many", other, word);
		return err_hint(e, "leave one of them out");
	}
	strs_add(w->a, &w->m->options, x->as ? x->as : x->word);
	return 0;
}

static bool has_value(const struct words *w, const char *prefix)
{
	for (size_t i = 0; i < w->m->options.n; i++)
		if (str_starts(w->m->options.v[i], prefix))
			return true;
	return false;
}

/* What goes together with O, and what not. */
static int finish_overlay(struct words *w, struct err *e)
{
	static const char *const never[] = {"ro", "bind", "no-dereference", "nocopy"};
	const struct strs *o = &w->m->options;
	bool upper = has_value(w, "upperdir="), work = has_value(w, "workdir=");

	if ((upper || work) && !strs_has(o, "O")) {
		words_bad(w, e, "upperdir and workdir are for the option O");
		return err_hint(e, "add O, or leave them out");
	}
	if (upper != work) {
		words_bad(w, e, "of upperdir and workdir there is only one");
		return err_hint(e, "give both, two directories on one file system");
	}
	for (size_t i = 0; i < countof(never) && strs_has(o, "O"); i++)
		if (strs_has(o, never[i])) {
			words_bad(w, e, "O and %s cannot both be had", never[i]);
			return err_hint(e, "O never changes the source by itself");
		}
	return 0;
}

int words_finish(struct words *w, bool strict, struct err *e)
{
	const struct strs *o = &w->m->options;
	const char *other;

	if (w->kind == WORDS_BIND && strs_has(o, "U") && strs_has(o, "no-dereference")) {
		words_bad(w, e, "U and no-dereference cannot both be had");
		return err_hint(e, "a link has no files to give away");
	}
	if (w->kind == WORDS_VOLUME && !strict) { /* podman's defaults for volumes */
		if (!same_group(w, SETUID, &other))
			strs_add(w->a, &w->m->options, "nosuid");
		if (!same_group(w, DEVICES, &other))
			strs_add(w->a, &w->m->options, "nodev");
	}
	if (w->kind & FILES)
		return finish_overlay(w, e);
	if (!(w->kind & (WORDS_TMPFS | WORDS_RAMFS)))
		return 0;
	if (strict && !same_group(w, EXECUTING, &other))
		strs_add(w->a, &w->m->options, "noexec");
	if (!same_group(w, COPYING, &other))
		strs_add(w->a, &w->m->options, strict ? "notmpcopyup" : "tmpcopyup");
	return 0;
}
