#include "base/base.h"
#include "base/parse.h"
#include "volume/local.h"

static int bad(struct err *e, const char *key, const char *value, const char *why, const char *hint)
{
	err_fail(e, ERR_VOLUME_OPTION, "the option %.40s%s%.100s of a volume: %s", key,
		 value ? "=" : "", value ? value : "", why);
	return err_hint(e, "%s", hint);
}

/* Words of o= that are attributes of the mount; those that say what is so anyway are not kept. */
static const struct {
	const char *word;
	bool keep;
} words[] = {
	{"bind", false},    {"rbind", false},	   {"defaults", false},	 {"rw", false},
	{"ro", true},	    {"nosuid", true},	   {"suid", true},	 {"nodev", true},
	{"dev", true},	    {"noexec", true},	   {"exec", true},	 {"noatime", true},
	{"relatime", true}, {"strictatime", true}, {"nodiratime", true}, {"noquota", false},
	{"private", true},  {"rprivate", true},	   {"slave", true},	 {"rslave", true},
	{"shared", true},   {"rshared", true},	   {"volatile", false},
};

/* uid= and gid=. */
static int set_id(const char *word, struct local *l, struct err *e)
{
	uint64_t n;

	if (parse_u64(word + 4, UINT32_MAX - 1, &n) < 0)
		return bad(e, "o", word, "it is not a number", "uid=1000,gid=1000");
	if (word[0] == 'u') {
		l->has_uid = true;
		l->uid = (uint32_t)n;
	} else {
		l->has_gid = true;
		l->gid = (uint32_t)n;
	}
	return 0;
}

static bool is_octal(const char *s)
{
	size_t n = strlen(s);

	return n && n <= 5 && strspn(s, "01234567") == n && strtoul(s, NULL, 8) <= 07777;
}

/* Options with a value that only tmpfs has. */
static int set_value(const char *word, struct local *l, struct arena *a, struct err *e)
{
	static const char *const keys[] = {"size=", "nr_inodes=", "nr_blocks=", "mode=", "inodes="};
	uint64_t n;

	for (size_t i = 0; i < countof(keys); i++) {
		const char *v = word + strlen(keys[i]);
		if (!str_starts(word, keys[i]))
			continue;
		bool percent = i == 0 && *v && v[strlen(v) - 1] == '%' &&
			       parse_u64(arena_strndup(a, v, strlen(v) - 1), 100, &n) == 0;
		bool mode = str_eq(keys[i], "mode=");
		if (mode ? !is_octal(v) : !percent && parse_size(v, &n) < 0)
			return bad(e, "o", word, mode ? "it is not octal" : "it is not a size",
				   "size=64m, nr_inodes=10k, mode=1777");
		strs_add(a, &l->options, i == 4 ? arena_printf(a, "nr_inodes=%s", v) : word);
		return 0;
	}
	return bad(
		e, "o", word, "it is unknown here",
		"ro nosuid nodev noexec bind nocopy uid=N gid=N, of tmpfs size= nr_inodes= mode=");
}

static int set_word(const char *word, struct local *l, struct arena *a, struct err *e)
{
	if (str_eq(word, "nocopy") || str_eq(word, "copy")) {
		l->nocopy = word[0] == 'n';
		return 0;
	}
	if (str_starts(word, "uid=") || str_starts(word, "gid="))
		return set_id(word, l, e);
	for (size_t i = 0; i < countof(words); i++) {
		if (strcmp(words[i].word, word))
			continue;
		if (words[i].keep)
			strs_add(a, &l->options, word);
		return 0;
	}
	return set_value(word, l, a, e);
}

static int set_type(const char *type, const char *device, const char *o, struct local *l,
		    struct err *e)
{
	scoped(strv) parts = {0};
	bool bind = false;

	strv_split(&parts, o ? o : "", ',');
	bind = strv_has(&parts, "bind") || strv_has(&parts, "rbind");
	if (str_eq(type, "tmpfs")) {
		l->kind = LOCAL_TMPFS;
		return 0;
	}
	if (!str_is_empty(type) && strcmp(type, "none") != 0 && strcmp(type, "bind") != 0) {
		err_fail(e, ERR_VOLUME_OPTION,
			 "a volume of type %.40s cannot be had: only root on the host may mount "
			 "that",
			 type);
		return err_hint(e, "mount it on the host, and name the directory: -o type=none -o "
				   "o=bind -o device=PATH");
	}
	if (str_is_empty(device)) {
		if (bind || !str_is_empty(type))
			return bad(e, "type", type ? type : "none", "there is no device",
				   "add -o device=PATH, a directory of the host");
		return 0;
	}
	if (!bind && !str_eq(type, "bind"))
		return bad(e, "device", device, "without a type only root could mount it",
			   "a directory of the host: -o type=none -o o=bind -o device=PATH");
	if (device[0] != '/')
		return bad(e, "device", device, "it is not an absolute path",
			   "the directory is a path of the host, as /srv/data");
	l->kind = LOCAL_BIND;
	l->device = device;
	return 0;
}

static int check_key(const struct pair *p, struct err *e)
{
	static const char *const keys[] = {"type", "device", "o", "copy", "nocopy", "uid", "gid"};

	for (size_t i = 0; i < countof(keys); i++)
		if (!strcmp(keys[i], p->k))
			return 0;
	if (!strcmp(p->k, "size") || !strcmp(p->k, "inodes"))
		return bad(e, p->k, p->v, "a quota needs root and a file system made for it",
			   "a volume in memory has a size: -o type=tmpfs -o o=size=64m");
	return bad(e, p->k, p->v, "the driver local does not know it", "type, device, o, nocopy");
}

/* What goes together only where something is mounted. */
static int check_all(const struct local *l, struct err *e)
{
	for (size_t i = 0; i < l->options.n; i++) {
		const char *w = l->options.v[i];
		bool valued = strchr(w, '=');
		if (valued && l->kind != LOCAL_TMPFS)
			return bad(e, "o", w,
				   str_starts(w, "size=") || str_starts(w, "nr_inodes=")
					   ? "a quota needs root and a file system made for it"
					   : "it is for type=tmpfs",
				   "a volume in memory has a size: -o type=tmpfs -o o=size=64m");
	}
	return 0;
}

int local_parse(const struct pairs *options, struct local *ret, struct arena *a, struct err *e)
{
	const char *o = pairs_get(options, "o");
	scoped(strv) parts = {0};
	int r = 0;

	*ret = (struct local){0};
	for (size_t i = 0; i < options->n && r == 0; i++) {
		const struct pair *p = &options->v[i];
		r = check_key(p, e);
		if (r == 0 && (!strcmp(p->k, "uid") || !strcmp(p->k, "gid")))
			r = set_id(arena_printf(a, "%s=%s", p->k, p->v), ret, e);
		if (r == 0 && (!strcmp(p->k, "nocopy") || !strcmp(p->k, "copy")))
			ret->nocopy = (p->k[0] == 'n') != !strcmp(p->v, "false");
	}
	if (r == 0)
		r = set_type(pairs_get(options, "type"), pairs_get(options, "device"), o, ret, e);
	if (r == 0 && o)
		strv_split(&parts, o, ',');
	for (size_t i = 0; i < parts.n && r == 0; i++)
		if (*parts.v[i])
			r = set_word(parts.v[i], ret, a, e);
	return r < 0 ? r : check_all(ret, e);
}
