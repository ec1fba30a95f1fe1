#include "base/base.h"

#include "data/json.h"
#include "registry/policy.h"
#include "state/home.h"

enum { MAX_FILE = 1 << 20 };

/* what may be NULL: then why names the file. */
static int bad_file(struct err *e, const char *what, const char *why)
{
	if (what)
		err_fail(e, ERR_POLICY_FILE, "%s cannot be used: %s", what, why);
	else
		err_fail(e, ERR_POLICY_FILE, "%s", why);
	return err_hint(e, "containers-policy.json(5) says what it looks like; {\"default\": "
			   "[{\"type\": \"insecureAcceptAnything\"}]} lets everything in");
}

static int refuse(struct err *e, const char *what, const char *name, const char *scope,
		  const char *why)
{
	err_fail_code(e, ERR_POLICY, EACCES, "%.50s may not be taken: the policy %s for %.30s",
		      name, why, scope);
	return err_hint(e, "it is meant so, or whoever keeps %s can change it", what);
}

static int check_one(const struct json *q, const char *what, const char *name, const char *scope,
		     struct err *e)
{
	static const char *const signatures[] = {"signedBy", "signedBaseLayer", "sigstoreSigned"};
	const char *type = json_str(q, "type");

	if (!type)
		return bad_file(e, what, "a requirement has no type");
	if (!strcmp(type, "insecureAcceptAnything"))
		return 0;
	if (!strcmp(type, "reject"))
		return refuse(e, what, name, scope, "says reject");
	for (size_t i = 0; i < countof(signatures); i++) {
		if (strcmp(type, signatures[i]))
			continue;
		refuse(e, what, name, scope, "wants a signature");
		return err_hint(e,
				"%s says %s, and hoy cannot verify signatures yet: what must be "
				"signed is not taken on trust",
				what, type);
	}
	return bad_file(e, what, "a requirement has an unknown type");
}

static int check_all(const struct json *list, const char *what, const char *name, const char *scope,
		     struct err *e)
{
	int r = 0;

	if (list->type != JSON_ARR || !list->arr.n)
		return bad_file(e, what, "a scope holds no list of requirements");
	for (size_t i = 0; i < list->arr.n && r == 0; i++)
		r = check_one(list->arr.v[i], what, name, scope, e);
	return r;
}

/* What the policy is asked about. */
struct subject {
	const char *transport;
	const struct reference *full; /* of "docker" */
	const char *path;	      /* of the others: absolute, NULL: none */
	const char *name;	      /* for messages */
};

/* By path: it, and the directories that it lies in. */
static const struct json *find_path(struct arena *a, const struct json *scopes, const char *path,
				    const char **ret)
{
	char *name = arena_strdup(a, path), *slash;

	for (;;) {
		const struct json *found = json_get(scopes, name);
		*ret = arena_strdup(a, name);
		slash = strrchr(name, '/');
		if (found || !slash || slash == name)
			return found;
		*slash = 0;
	}
}

/* The requirements of the most specific scope of registries that fits, and its name. */
static const struct json *find_scope(struct arena *a, const struct json *scopes,
				     const struct reference *full, const char **ret)
{
	char *name = ref_name(a, full), *host = arena_strdup(a, full->registry);
	const struct json *found;

	*ret = ref_text(a, full);
	found = json_get(scopes, *ret);
	for (char *slash = name; !found && slash;) { /* HOST/A/B, HOST/A, HOST */
		*ret = arena_strdup(a, name);
		found = json_get(scopes, *ret);
		slash = strrchr(name, '/');
		if (slash)
			*slash = 0;
	}
	host[strcspn(host, ":")] = 0;
	for (const char *dot = strchr(host, '.'); !found && dot; dot = strchr(dot + 1, '.')) {
		*ret = arena_printf(a, "*%s", dot);
		found = json_get(scopes, *ret);
	}
	return found;
}

static int check_document(const char *text, size_t len, const char *what, const struct subject *s,
			  struct err *e)
{
	static const struct json_limits limits = {.max_bytes = MAX_FILE, .max_depth = 16};
	scoped(arena) a = {0};
	struct err why = {0};
	const char *scope = "all images";
	const struct json *doc = json_parse(&a, text, len, what, &limits, &why), *list = NULL;

	if (!doc)
		return bad_file(e, NULL, why.msg);
	const struct json *transports = json_get(doc, "transports"),
			  *scopes = json_get(transports, s->transport);
	if (doc->type != JSON_OBJ || (transports && transports->type != JSON_OBJ) ||
	    (scopes && scopes->type != JSON_OBJ))
		return bad_file(e, what,
				"it is not of the form {\"default\": ..., \"transports\": "
				"{\"TRANSPORT\": {SCOPE: ...}}}");
	const struct json *dflt = json_get(doc, "default");
	if (!dflt)
		return bad_file(e, what, "it has no \"default\"");
	if (scopes && s->full)
		list = find_scope(&a, scopes, s->full, &scope);
	else if (scopes && s->path)
		list = find_path(&a, scopes, s->path, &scope);
	if (!list) {
		list = json_get(scopes, "");
		scope = s->full ? "all registries" : arena_printf(&a, "all of %s", s->transport);
	}
	return check_all(list ?: dflt, what, s->name, list ? scope : "all images", e);
}

int policy_document(const char *text, size_t len, const char *what, const struct reference *full,
		    struct err *e)
{
	scoped(arena) a = {0};
	const struct subject s = {"docker", full, NULL, ref_text(&a, full)};

	return check_document(text, len, what, &s, e);
}

/* 1 if there is such a file. */
static int check_file(const char *path, const struct subject *s, struct err *e)
{
	scoped(str) text = {0};
	autoclose int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	int r = fd < 0 ? -errno : fd_read_all(fd, &text, MAX_FILE);

	if (r == -ENOENT || r == -ENOTDIR)
		return 0;
	if (r < 0)
		return bad_file(e, path, strerror(-r));
	r = check_document(str_cstr(&text), text.len, path, s, e);
	return r < 0 ? r : 1;
}

static int check_files(const struct subject *s, struct err *e)
{
	scoped(arena) a = {0};
	const char *xdg = getenv("XDG_CONFIG_HOME"), *home = home_of_user();
	const char *dirs[] = {str_is_empty(xdg) ? NULL : xdg,
			      home ? arena_printf(&a, "%s/.config", home) : NULL, "/etc"};

	for (size_t i = 0; i < countof(dirs); i++) {
		int r = dirs[i] ? check_file(arena_printf(&a, "%s/containers/policy.json", dirs[i]),
					     s, e)
				: 0;
		if (r)
			return r < 0 ? r : 0;
	}
	return 0;
}

int policy_check(const struct reference *full, struct err *e)
{
	scoped(arena) a = {0};
	const struct subject s = {"docker", full, NULL, ref_text(&a, full)};

	return check_files(&s, e);
}

int policy_check_file(const char *transport, const char *path, struct err *e)
{
	autofree char *whole = path ? realpath(path, NULL) : NULL;
	const struct subject s = {transport, NULL, whole, path ?: "standard input"};

	return check_files(&s, e);
}
