#include "base/base.h"

#include "data/base64.h"
#include "data/json.h"
#include "registry/auth.h"
#include "state/home.h"

int auth_bad_file(struct err *e, const char *what, const char *fmt, ...)
{
	char why[200];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, sizeof why, fmt, ap);
	va_end(ap);
	err_fail(e, ERR_AUTH_FILE, "the credentials in %s cannot be used: %s", what, why);
	return err_hint(e, "mend or remove the file, or name another with --authfile");
}

const char *auth_key(struct arena *a, const char *key)
{
	bool url = str_starts(key, "https://") || str_starts(key, "http://");
	const char *s = url ? strstr(key, "://") + 3 : key;
	size_t n = strlen(s), host = strcspn(s, "/");

	if (url || !strcmp(s + host, "/v1/") || !strcmp(s + host, "/v2/") || !strcmp(s + host, "/"))
		n = host;
	const char *name = arena_strndup(a, s, n);
	for (size_t i = 0; i < 2; i++) {
		static const char *const old[] = {"index.docker.io", "registry-1.docker.io"};
		size_t k = strlen(old[i]);
		if (host == k && !strncmp(name, old[i], k))
			return arena_printf(a, "docker.io%s", name + k);
	}
	return name;
}

/* USER:PASSWORD in base64; docker pads with NUL bytes. */
static int read_auth(struct arena *a, const char *text, const char *what, struct credentials *c,
		     struct err *e)
{
	char *s = arena_strdup(a, text);
	ssize_t n = base64_decode(s, strlen(s));

	while (n > 0 && !s[n - 1])
		n--;
	char *colon = n > 0 ? memchr(s, ':', (size_t)n) : NULL;
	if (!colon || colon == s || memchr(s, 0, (size_t)n))
		return auth_bad_file(e, what, "an \"auth\" is not USER:PASSWORD in base64");
	c->user = arena_strndup(a, s, (size_t)(colon - s));
	c->password = arena_strndup(a, colon + 1, (size_t)(s + n - colon - 1));
	return 0;
}

/* One entry of "auths". */
static int read_entry(struct arena *a, const struct json *v, const char *what,
		      struct credentials *c, struct err *e)
{
	const char *auth = json_str(v, "auth"), *user = json_str(v, "username");
	int r = 0;

	if (!str_is_empty(auth)) {
		r = read_auth(a, auth, what, c, e);
	} else if (!str_is_empty(user)) {
		c->user = user;
		c->password = json_str(v, "password") ?: "";
	}
	if (r < 0 || str_is_empty(json_str(v, "identitytoken")))
		return r;
	c->identity = json_str(v, "identitytoken");
	c->user = c->user ?: "<token>";
	return 0;
}

/* The entry of the most specific key: HOST/A/B, HOST/A, HOST. */
static int read_auths(struct arena *a, const struct json *auths, const char *what,
		      const char *registry, const char *repository, struct credentials *c,
		      struct err *e)
{
	char *want = arena_printf(a, "%s/%s", registry, repository);

	if (!auths || auths->type != JSON_OBJ)
		return 0;
	while (want) {
		for (size_t i = 0; i < auths->obj.n && !c->user; i++) {
			const struct json_member *m = &auths->obj.v[i];
			if (strcasecmp(auth_key(a, m->key), want))
				continue;
			int r = read_entry(a, m->value, what, c, e);
			if (r < 0)
				return r;
		}
		char *slash = strrchr(want, '/');
		if (c->user || !slash)
			return 0;
		*slash = 0;
	}
	return 0;
}

int auth_json(struct arena *a, const char *text, size_t len, const char *what, struct json **ret,
	      struct err *e)
{
	static const struct json_limits limits = {.max_bytes = AUTH_MAX_FILE, .max_depth = 16};
	struct err je = {0};

	*ret = json_parse(a, text, len, what, &limits, &je);
	if (!*ret) /* the text of the message is the reader's own words, and a position */
		return auth_bad_file(e, what, "%.180s", je.msg);
	if ((*ret)->type != JSON_OBJ)
		return auth_bad_file(e, what, "it is no JSON object");
	return 0;
}

int auth_document(struct arena *a, const char *text, size_t len, const char *what,
		  const char *registry, const char *repository, struct credentials *ret,
		  const char **ret_helper, struct err *e)
{
	struct json *j;

	*ret = (struct credentials){0};
	*ret_helper = NULL;
	int r = auth_json(a, text, len, what, &j, e);
	if (r < 0)
		return r;
	*ret_helper = json_str(json_get(j, "credHelpers"), registry);
	if (!str_is_empty(*ret_helper))
		return 0;
	*ret_helper = NULL;
	r = read_auths(a, json_get(j, "auths"), what, registry, repository, ret, e);
	if (r == 0 && !ret->user && !str_is_empty(json_str(j, "credsStore")))
		*ret_helper = json_str(j, "credsStore");
	ret->from = ret->user ? what : NULL;
	return r;
}

int auth_helper_find(struct arena *a, const char *name, const char *registry,
		     struct credentials *ret, struct err *e)
{
	bool hub = !strcmp(registry, "docker.io");
	int r = auth_helper_get(a, name, hub ? AUTH_HUB_URL : registry, ret, e);

	return r == 0 && hub && !ret->user ? auth_helper_get(a, name, registry, ret, e) : r;
}

/* must: the file was named, so it has to be there. */
static int look_into(struct arena *a, const char *path, bool must, const char *registry,
		     const char *repository, struct credentials *ret, struct err *e)
{
	scoped(str) text = {0};
	const char *helper;
	autoclose int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	int r = fd < 0 ? -errno : fd_read_all(fd, &text, AUTH_MAX_FILE);

	if ((r == -ENOENT || r == -ENOTDIR) && !must)
		return 0;
	if (r < 0)
		return auth_bad_file(e, path, "%s", strerror(-r));
	if (!text.len) /* made by touch, or being written for the first time */
		return 0;
	r = auth_document(a, text.s, text.len, path, registry, repository, ret, &helper, e);
	if (r == 0 && helper)
		r = auth_helper_find(a, helper, registry, ret, e);
	return r;
}

const char *auth_named_file(const struct auth_opts *o)
{
	const char *s = !str_is_empty(o->authfile) ? o->authfile : getenv("REGISTRY_AUTH_FILE");

	return str_is_empty(s) ? NULL : s;
}

int auth_check(const struct auth_opts *o, struct err *e)
{
	const char *named = auth_named_file(o);

	if (o->creds && (!strchr(o->creds, ':') || o->creds[0] == ':')) {
		err_fail(e, ERR_USAGE, "--creds takes USER:PASSWORD");
		return err_hint(e,
				"--creds USER:PASSWORD is seen by other users of this machine; a "
				"file given with --authfile is not");
	}
	if (named && !o->creds && access(named, R_OK) < 0)
		return auth_bad_file(e, named, "%s", strerror(errno));
	return 0;
}

void auth_files(struct arena *a, const char *v[AUTH_FILES])
{
	const char *run = getenv("XDG_RUNTIME_DIR"), *config = getenv("XDG_CONFIG_HOME"),
		   *docker = getenv("DOCKER_CONFIG"), *home = home_of_user();

	v[AUTH_RUN] = str_is_empty(run) ? arena_printf(a, "/run/containers/%u/auth.json", geteuid())
					: arena_printf(a, "%s/containers/auth.json", run);
	v[AUTH_CONFIG] = v[AUTH_DOCKER] = NULL;
	if (!str_is_empty(config))
		v[AUTH_CONFIG] = arena_printf(a, "%s/containers/auth.json", config);
	else if (home)
		v[AUTH_CONFIG] = arena_printf(a, "%s/.config/containers/auth.json", home);
	if (!str_is_empty(docker))
		v[AUTH_DOCKER] = arena_printf(a, "%s/config.json", docker);
	else if (home)
		v[AUTH_DOCKER] = arena_printf(a, "%s/.docker/config.json", home);
}

int auth_find(struct arena *a, const struct auth_opts *o, const char *registry,
	      const char *repository, struct credentials *ret, struct err *e)
{
	const char *named = auth_named_file(o);
	const char *files[AUTH_FILES];
	int r = auth_check(o, e);

	*ret = (struct credentials){0};
	if (r < 0)
		return r;
	if (o->creds) {
		const char *colon = strchr(o->creds, ':');
		ret->user = arena_strndup(a, o->creds, (size_t)(colon - o->creds));
		ret->password = arena_strdup(a, colon + 1);
		ret->from = "--creds";
		return 0;
	}
	if (named)
		return look_into(a, named, true, registry, repository, ret, e);
	auth_files(a, files);
	for (size_t i = 0; i < AUTH_FILES && r == 0 && !ret->user; i++)
		if (files[i])
			r = look_into(a, files[i], false, registry, repository, ret, e);
	return r;
}
