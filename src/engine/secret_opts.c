#include "base/base.h"
#include "base/parse.h"
#include "engine/secret_opts.h"
#include "runtime/secrets.h"
#include "state/secret.h"

static int bad(const char *text, const char *why, struct err *e)
{
	err_fail(e, ERR_USAGE, "--secret \"%.120s\": %s", text, why);
	return err_hint(e, "NAME[,type=mount|env][,target=PATH or VARIABLE][,uid=N][,gid=N]"
			   "[,mode=OCTAL]");
}

static int parse_id(const char *s, int64_t *ret)
{
	uint64_t n;

	if (parse_u64(s, UINT32_MAX - 1, &n) < 0)
		return -EINVAL;
	*ret = (int64_t)n;
	return 0;
}

static int parse_mode(const char *s, int64_t *ret)
{
	size_t n = strlen(s);

	if (!n || n > 5 || strspn(s, "01234567") != n)
		return -EINVAL;
	*ret = (int64_t)strtoul(s, NULL, 8);
	return *ret > 0777 ? -EINVAL : 0;
}

/* One KEY=VALUE. NULL, or what is wrong with it. */
static const char *set_key(struct config_secret *s, const char *key, const char *value, bool *file,
			   struct arena *a)
{
	*file |= !strcmp(key, "uid") || !strcmp(key, "gid") || !strcmp(key, "mode");
	if (!strcmp(key, "type")) {
		if (strcmp(value, "mount") && strcmp(value, "env"))
			return "type is mount or env";
		s->type = arena_strdup(a, value);
	} else if (!strcmp(key, "target")) {
		if (!*value)
			return "the target is empty";
		s->target = arena_strdup(a, value);
	} else if (!strcmp(key, "uid") || !strcmp(key, "gid")) {
		if (parse_id(value, *key == 'u' ? &s->uid : &s->gid) < 0)
			return "uid and gid are numbers";
	} else if (!strcmp(key, "mode")) {
		if (parse_mode(value, &s->mode) < 0)
			return "mode is octal, at most 0777";
	} else {
		return "unknown key";
	}
	return NULL;
}

/* The path, cleaned; a name alone lies in SECRETS_PATH. NULL if it cannot be one. */
static const char *target_path(const char *text, struct arena *a)
{
	autofree char *joined = *text == '/' ? xstrdup(text) : path_join(SECRETS_PATH, text);
	autofree char *clean = path_clean(joined);
	bool inside = *text == '/' || str_starts(clean, SECRETS_PATH "/");

	return inside && clean[1] && strcmp(clean, SECRETS_PATH) ? arena_strdup(a, clean) : NULL;
}

static int set_one(const struct home *h, const char *text, struct container_config *c,
		   struct arena *a, struct err *e)
{
	scoped(strv) part = {0};
	struct config_secret s = {.type = "mount", .mode = 0444};
	struct secret found;
	bool file = false;

	strv_split(&part, text, ',');
	for (size_t i = 1; i < part.n; i++) {
		char *eq = strchr(part.v[i], '=');
		if (!eq)
			return bad(text, "a key without a value", e);
		*eq = 0;
		const char *why = set_key(&s, part.v[i], eq + 1, &file, a);
		if (why)
			return bad(text, why, e);
	}
	bool env = str_eq(s.type, "env");
	if (env && file)
		return bad(text, "uid, gid and mode are for files", e);
	if (env && s.target && strchr(s.target, '='))
		return bad(text, "a variable's name holds no =", e);
	int r = secret_find(h, str_starts(part.v[0], "source=") ? part.v[0] + 7 : part.v[0], &found,
			    NULL, a, e);
	if (r < 0)
		return r;
	s.name = found.name;
	s.id = found.id;
	s.target = s.target ? s.target : s.name;
	if (!env && !(s.target = target_path(s.target, a)))
		return bad(text, "the target is no path of a file", e);
	const struct config_secret *v = c->secrets.v;
	for (size_t i = 0; i < c->secrets.n; i++)
		if (!strcmp(v[i].target, s.target) && str_eq(v[i].type, s.type))
			return bad(text, "another secret has this target", e);
	*(struct config_secret *)bind_append(a, &c->secrets, sizeof s) = s;
	return 0;
}

int secret_opts_set(const struct home *h, const struct strs *texts, struct container_config *c,
		    struct arena *a, struct err *e)
{
	int r = 0;

	for (size_t i = 0; i < texts->n && r == 0; i++)
		r = set_one(h, texts->v[i], c, a, e);
	return r;
}

static int copy_data(const struct home *h, const struct config_secret *v, int dir, size_t i,
		     struct err *e)
{
	scoped(arena) a = {0};
	scoped(str) data = {0};
	struct secret found;
	char name[24];
	int r = secret_find(h, v->name, &found, &data, &a, e);

	if (r < 0)
		return r;
	if (str_eq(v->type, "env") && data.len && memchr(data.s, 0, data.len))
		return err_fail(e, ERR_USAGE, "the secret %s holds a NUL: it can be a file only",
				v->name);
	snprintf(name, sizeof name, "%zu", i);
	r = fd_write_file_at(dir, name, data.s, data.len, 0600);
	if (data.len)
		explicit_bzero(data.s, data.len);
	return r < 0 ? err_set(e, r, "copy the secret %s", v->name) : 0;
}

int secret_opts_take(const struct home *h, const struct container_config *c, int dir, struct err *e)
{
	const struct config_secret *v = c->secrets.v;

	if (!c->secrets.n)
		return 0;
	if (mkdirat(dir, SECRETS_DIR, 0700) < 0)
		return err_set(e, errno, "make the container's directory of secrets");
	autoclose int at = openat(dir, SECRETS_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r = at < 0 ? err_set(e, errno, "open the container's directory of secrets") : 0;
	for (size_t i = 0; i < c->secrets.n && r == 0; i++)
		r = copy_data(h, &v[i], at, i, e);
	return r;
}
