#include <sys/file.h>

#include "base/base.h"
#include "data/base64.h"
#include "data/json.h"
#include "registry/auth_store.h"

/* A file that is being changed. */
struct file {
	const char *path; /* where it really lies */
	const char *base;
	int dir; /* locked */
	struct json *doc;
};

static void file_free(struct file *f)
{
	fd_close(&f->dir);
}

/* The host in "localhost:5000/team"; helpers and docker know only hosts. */
static char *host_of(struct arena *a, const char *key)
{
	return arena_strndup(a, key, strcspn(key, "/"));
}

static const char *server_of(struct arena *a, const char *key)
{
	const char *host = host_of(a, key);

	return !strcmp(host, "docker.io") ? AUTH_HUB_URL : host;
}

static int read_document(struct arena *a, int dir, const char *base, const char *path,
			 struct json **ret, struct err *e)
{
	scoped(str) text = {0};
	autoclose int fd = openat(dir, base, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	int r = fd < 0 ? -errno : fd_read_all(fd, &text, AUTH_MAX_FILE);

	*ret = json_new(a, JSON_OBJ);
	if (r == -ENOENT || r == -ENOTDIR || (r == 0 && !text.len))
		return 0;
	if (r < 0)
		return auth_bad_file(e, path, "%s", strerror(-r));
	return auth_json(a, arena_strndup(a, text.s, text.len), text.len, path, ret, e);
}

/* Opens the file's directory, which is made (0700) if need be, takes its lock and reads the file. */
static int file_open(struct arena *a, struct file *f, const char *path, bool make, struct err *e)
{
	autofree char *real = realpath(path, NULL); /* a link stays, and what it leads to changes */
	char *dir = arena_strdup(a, real ? real : path), *slash = strrchr(dir, '/');

	f->path = arena_strdup(a, dir);
	f->base = slash ? f->path + (slash + 1 - dir) : f->path;
	if (slash)
		slash[slash == dir] = 0;
	else
		dir = (char[]){"."};
	int r = make ? path_mkdir_p_at(AT_FDCWD, dir, 0700) : 0;
	if (r == 0)
		f->dir = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (r < 0 || f->dir < 0)
		return auth_bad_file(e, path, "%s", strerror(r < 0 ? -r : errno));
	while (flock(f->dir, LOCK_EX) < 0 && errno == EINTR)
		;
	return read_document(a, f->dir, f->base, f->path, &f->doc, e);
}

static int file_write(struct file *f, struct err *e)
{
	scoped(str) text = {0};

	json_write(&text, f->doc, 4);
	str_addc(&text, '\n');
	int r = fd_replace_at(f->dir, f->base, text.s, text.len, 0600, true);
	explicit_bzero(text.s, text.len);
	return r < 0 ? auth_bad_file(e, f->path, "%s", strerror(-r)) : 0;
}

static bool same_key(struct arena *a, const char *key, const char *want)
{
	return !strcasecmp(auth_key(a, key), want);
}

static int remove_keys(struct arena *a, struct json *obj, const char *want)
{
	size_t n = 0;

	if (!obj || obj->type != JSON_OBJ)
		return 1;
	for (size_t i = 0; i < obj->obj.n; i++)
		if (want && !same_key(a, obj->obj.v[i].key, want))
			obj->obj.v[n++] = obj->obj.v[i];
	bool none = n == obj->obj.n;
	obj->obj.n = n;
	return none;
}

int auth_edit(struct arena *a, struct json *doc, bool docker, const char *key,
	      const struct credentials *c)
{
	struct json *auths = json_get(doc, "auths");
	scoped(str) b = {0};

	int none = remove_keys(a, auths, key);
	if (!c)
		return none;
	if (!auths || auths->type != JSON_OBJ) {
		auths = json_new(a, JSON_OBJ);
		json_set(a, doc, "auths", auths);
	}
	struct json *entry = json_new(a, JSON_OBJ);
	if (c->password) {
		char *pair = arena_printf(a, "%s:%s", c->user, c->password);
		base64_add(&b, pair, strlen(pair));
		json_set_str(a, entry, "auth", str_cstr(&b));
	}
	json_set(a, auths, docker && !strcmp(key, "docker.io") ? AUTH_HUB_URL : key, entry);
	return none;
}

/* What a document says about where key is kept: 1 if it says anything. */
static int says(struct arena *a, const struct json *doc, const char *key, struct auth_place *p)
{
	const char *helper = json_str(json_get(doc, "credHelpers"), host_of(a, key));
	const struct json *auths = json_get(doc, "auths");

	if (str_is_empty(helper))
		helper = json_str(doc, "credsStore");
	p->helper = str_is_empty(helper) ? NULL : helper;
	if (p->helper)
		return 1;
	for (size_t i = 0; auths && auths->type == JSON_OBJ && i < auths->obj.n; i++)
		if (same_key(a, auths->obj.v[i].key, key))
			return 1;
	return 0;
}

/* The file that is the only one to be looked at; NULL: the usual ones are. */
static int only_file(const struct auth_where *w, const char **ret, struct err *e)
{
	struct auth_opts o = {.authfile = w->authfile};

	*ret = !str_is_empty(w->compat) ? w->compat : auth_named_file(&o);
	if (str_is_empty(w->compat) || str_is_empty(w->authfile))
		return 0;
	err_fail(e, ERR_USAGE, "--authfile and --compat-auth-file exclude each other");
	return err_hint(e, "the second is for a file in docker's form, such as "
			   "~/.docker/config.json");
}

int auth_place_find(struct arena *a, const struct auth_where *w, const char *key,
		    struct auth_place *ret, struct err *e)
{
	const char *v[AUTH_FILES], *only;
	struct json *doc;
	int r = only_file(w, &only, e);

	*ret = (struct auth_place){.file = only, .docker = !str_is_empty(w->compat)};
	if (r < 0)
		return r;
	if (only) {
		r = read_document(a, AT_FDCWD, only, only, &doc, e);
		if (r == 0)
			says(a, doc, key, ret);
		return r;
	}
	auth_files(a, v);
	for (size_t i = 0; i < AUTH_FILES; i++) {
		struct auth_place p = {.file = v[i], .docker = i == AUTH_DOCKER};
		r = v[i] ? read_document(a, AT_FDCWD, v[i], v[i], &doc, e) : 0;
		if (r < 0)
			return r;
		if (v[i] && says(a, doc, key, &p)) {
			*ret = p;
			return 0;
		}
	}
	bool run = access(v[AUTH_RUN], F_OK) == 0;
	ret->docker = w->docker;
	ret->file = w->docker ? v[AUTH_DOCKER] : run ? v[AUTH_RUN] : v[AUTH_CONFIG];
	if (ret->file)
		return 0;
	return auth_bad_file(e, "your home directory", "it is not known where that is");
}

/* A helper has them. An empty entry, as docker writes it, says so; an entry that is older would be believed before the helper's. */
static int store_in_helper(struct arena *a, const struct auth_place *p, const char *key,
			   const struct credentials *c, struct err *e)
{
	const struct credentials empty = {.user = c->user};
	scoped(file) f = {.dir = -1};
	int r = auth_helper_store(p->helper, server_of(a, key), c, e);

	if (r == 0)
		r = file_open(a, &f, p->file, true, e);
	if (r < 0)
		return r;
	int none = auth_edit(a, f.doc, p->docker, key, p->docker ? &empty : NULL);
	return none && !p->docker ? 0 : file_write(&f, e);
}

int auth_store(const struct auth_place *p, const char *key, const struct credentials *c,
	       struct err *e)
{
	scoped(arena) a = {0};
	scoped(file) f = {.dir = -1};

	if (p->docker)
		key = host_of(&a, key);
	if (p->helper)
		return store_in_helper(&a, p, key, c, e);
	int r = file_open(&a, &f, p->file, true, e);
	if (r < 0)
		return r;
	auth_edit(&a, f.doc, p->docker, key, c);
	return file_write(&f, e);
}

static int erase_helper(struct arena *a, const char *name, const char *server, struct strs *ret,
			struct err *e)
{
	struct credentials c;
	int r = auth_helper_get(a, name, server, &c, e);

	if (r < 0 || !c.user) /* some programs erase with success what they do not have */
		return r;
	r = auth_helper_erase(name, server, e);
	if (r == 0)
		strs_add(a, ret, arena_printf(a, "docker-credential-%s", name));
	return r < 0 ? r : 0;
}

/* Everything that a helper has. */
static int empty_helper(struct arena *a, const char *name, struct strs *ret, struct err *e)
{
	struct strs servers = {0};
	int r = auth_helper_list(a, name, &servers, e);

	for (size_t i = 0; i < servers.n && r == 0; i++)
		r = erase_helper(a, name, servers.v[i], ret, e);
	return r;
}

static int erase_from_helpers(struct arena *a, const struct json *doc, const char *key,
			      struct strs *ret, struct err *e)
{
	const struct json *helpers = json_get(doc, "credHelpers");
	const char *store = json_str(doc, "credsStore");
	int r = 0;

	for (size_t i = 0; helpers && helpers->type == JSON_OBJ && i < helpers->obj.n && r == 0;
	     i++) {
		const struct json_member *m = &helpers->obj.v[i];
		const char *name = json_str(helpers, m->key);
		if (!str_is_empty(name) && (!key || !strcmp(m->key, host_of(a, key))))
			r = erase_helper(a, name, server_of(a, m->key), ret, e);
	}
	if (r < 0 || str_is_empty(store))
		return r;
	return key ? erase_helper(a, store, server_of(a, key), ret, e)
		   : empty_helper(a, store, ret, e);
}

static int erase_from(struct arena *a, const char *path, const char *key, struct strs *ret,
		      struct err *e)
{
	scoped(file) f = {.dir = -1};

	if (access(path, F_OK) < 0 && (errno == ENOENT || errno == ENOTDIR))
		return 0;
	int r = file_open(a, &f, path, false, e);
	if (r == 0)
		r = erase_from_helpers(a, f.doc, key, ret, e);
	if (r < 0 || auth_edit(a, f.doc, false, key, NULL))
		return r;
	r = file_write(&f, e);
	if (r == 0)
		strs_add(a, ret, f.path);
	return r;
}

int auth_erase(struct arena *a, const struct auth_where *w, const char *key, struct strs *ret,
	       struct err *e)
{
	const char *v[AUTH_FILES], *only;
	int r = only_file(w, &only, e);

	if (r < 0)
		return r;
	if (only)
		return erase_from(a, only, key, ret, e);
	auth_files(a, v);
	for (size_t i = 0; i < AUTH_FILES && r == 0; i++)
		if (v[i] && (key || (i == AUTH_DOCKER) == w->docker))
			r = erase_from(a, v[i], key, ret, e);
	return r;
}
