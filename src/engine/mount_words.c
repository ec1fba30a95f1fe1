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
	OWNER,
	ATIME,
	DIRATIME,
	NOTHING, /* means nothing here: not kept */
	REFUSED, /* cannot work: .why says what can */
};

static const struct word {
	const char *word;
	enum group group;
	unsigned kinds;
	const char *as;	 /* kept under this name */
	const char *why; /* of REFUSED: the hint */
} words[] = {
	{"ro", WRITING, WORDS_BIND | WORDS_TMPFS, NULL, NULL},
	{"readonly", WRITING, WORDS_BIND | WORDS_TMPFS, "ro", NULL},
	{"rro", WRITING, WORDS_BIND, "ro", NULL},
	{"rw", WRITING, WORDS_BIND | WORDS_TMPFS, NULL, NULL},
	{"nosuid", SETUID, WORDS_BIND | WORDS_TMPFS, NULL, NULL},
	{"suid", SETUID, WORDS_BIND | WORDS_TMPFS, NULL, NULL},
	{"nodev", DEVICES, WORDS_BIND | WORDS_TMPFS, NULL, NULL},
	{"dev", DEVICES, WORDS_BIND | WORDS_TMPFS, NULL, NULL},
	{"noexec", EXECUTING, WORDS_BIND | WORDS_TMPFS, NULL, NULL},
	{"exec", EXECUTING, WORDS_BIND | WORDS_TMPFS, NULL, NULL},
	{"bind", DEPTH, WORDS_BIND, NULL, NULL},
	{"rbind", DEPTH, WORDS_BIND, NULL, NULL},
	{"private", PROPAGATION, WORDS_BIND | WORDS_TMPFS, NULL, NULL},
	{"rprivate", PROPAGATION, WORDS_BIND | WORDS_TMPFS, NULL, NULL},
	{"slave", PROPAGATION, WORDS_BIND | WORDS_TMPFS, NULL, NULL},
	{"rslave", PROPAGATION, WORDS_BIND | WORDS_TMPFS, NULL, NULL},
	{"shared", PROPAGATION, WORDS_BIND | WORDS_TMPFS, NULL, NULL},
	{"rshared", PROPAGATION, WORDS_BIND | WORDS_TMPFS, NULL, NULL},
	{"unbindable", PROPAGATION, WORDS_BIND | WORDS_TMPFS, NULL, NULL},
	{"runbindable", PROPAGATION, WORDS_BIND | WORDS_TMPFS, NULL, NULL},
	{"tmpcopyup", COPYING, WORDS_TMPFS, NULL, NULL},
	{"notmpcopyup", COPYING, WORDS_TMPFS, NULL, NULL},
	{"noatime", ATIME, WORDS_TMPFS, NULL, NULL},
	{"relatime", ATIME, WORDS_TMPFS, NULL, NULL},
	{"strictatime", ATIME, WORDS_TMPFS, NULL, NULL},
	{"nodiratime", DIRATIME, WORDS_TMPFS, NULL, NULL},
	{"U", OWNER, WORDS_BIND | WORDS_TMPFS, NULL, NULL},
	{"no-dereference", FREE, WORDS_BIND, NULL, NULL},
	/* The submounts of a read-only bind mount stay writable. */
	{"ro-top", FREE, WORDS_BIND, NULL, NULL},
	{"z", NOTHING, WORDS_BIND, NULL, NULL}, /* labels of SELinux, which has none in here */
	{"Z", NOTHING, WORDS_BIND, NULL, NULL},
	{"copy", NOTHING, WORDS_BIND, NULL, NULL}, /* of named volumes */
	{"nocopy", NOTHING, WORDS_BIND, NULL, NULL},
	{"consistent", NOTHING, WORDS_BIND | WORDS_TMPFS, NULL, NULL}, /* of docker on macOS */
	{"cached", NOTHING, WORDS_BIND | WORDS_TMPFS, NULL, NULL},
	{"delegated", NOTHING, WORDS_BIND | WORDS_TMPFS, NULL, NULL},
	{"idmap", REFUSED, WORDS_BIND | WORDS_TMPFS, NULL,
	 "shifting the ids of a mount needs root on the host; U gives the files to the "
	 "container's user"},
	{"O", REFUSED, WORDS_BIND, NULL,
	 "this build has no overlay volumes; ro protects the source"},
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

static const struct {
	const char *prefix;
	bool (*check)(const char *value);
	const char *form;
} values[] = {
	{"size=", tmpfs_size, "a size as 64m, or a part of the memory as 50%"},
	{"mode=", octal, "a mode in octal digits, as 1777"},
	{"uid=", id, "a number"},
	{"gid=", id, "a number"},
	{"nr_inodes=", count, "a number, as 10k"},
	{"nr_blocks=", count, "a number, as 10k"},
	{"mpol=", policy, "a memory policy as tmpfs(5) has them"},
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
	return w->kind == WORDS_BIND
		       ? err_hint(e, "ro rw nosuid nodev noexec exec bind rbind U, z Z, and "
				     "[r]private [r]slave [r]shared [r]unbindable")
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
		if (!str_starts(word, values[i].prefix))
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

	if (w->kind == WORDS_BIND && str_starts(word, "idmap="))
		word = "idmap";
	const struct word *x = find(word, w->kind);
	if (!x)
		return w->kind == WORDS_TMPFS && strchr(word, '=') ? add_value(w, word, e)
								   : unknown(w, word, e);
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

int words_finish(struct words *w, bool strict, struct err *e)
{
	const struct strs *o = &w->m->options;
	const char *other;

	if (w->kind == WORDS_BIND && strs_has(o, "U") && strs_has(o, "no-dereference")) {
		words_bad(w, e, "U and no-dereference cannot both be had");
		return err_hint(e, "a link has no files to give away");
	}
	if (w->kind != WORDS_TMPFS)
		return 0;
	if (strict && !same_group(w, EXECUTING, &other))
		strs_add(w->a, &w->m->options, "noexec");
	if (!same_group(w, COPYING, &other))
		strs_add(w->a, &w->m->options, strict ? "notmpcopyup" : "tmpcopyup");
	return 0;
}
