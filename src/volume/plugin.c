#include <dirent.h>
#include <sys/mman.h>
#include <sys/un.h>

#include "base/base.h"
#include "base/task.h"
#include "state/container.h"
#include "state/home.h"
#include "volume/plugin.h"
#include "volume/plugin_http.h"

enum { ANSWER_MAX = 1 << 20, SPEC_MAX = 64 << 10, VOLUMES_MAX = 10000 };

/* ---- finding */

/* The i-th directory; the caller frees it. NULL: there are no more. */
static char *directory(size_t i)
{
	static const char *const fixed[] = {"/run/docker/plugins", "/etc/docker/plugins",
					    "/usr/lib/docker/plugins"};
	const char *config = getenv("XDG_CONFIG_HOME"), *runtime = getenv("XDG_RUNTIME_DIR");
	const char *home = home_of_user();

	if (i == 0)
		return !str_is_empty(config) && config[0] == '/'
			       ? xasprintf("%s/hoy/plugins", config)
			       : xasprintf("%s/.config/hoy/plugins", home ? home : "/nonexistent");
	if (i == 1)
		return xasprintf("%s/hoy/plugins",
				 !str_is_empty(runtime) ? runtime : "/nonexistent");
	return i - 2 < countof(fixed) ? xstrdup(fixed[i - 2]) : NULL;
}

static bool is_socket(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISSOCK(st.st_mode);
}

/* "unix:///run/x.sock" */
static int parse_address(const char *file, const char *address, struct arena *a, const char **ret,
			 struct err *e)
{
	autofree char *line = xstrndup(address, strcspn(address, "\r\n"));

	if (str_starts(line, "unix:///")) {
		*ret = arena_strdup(a, line + strlen("unix://"));
		return 0;
	}
	err_fail(e, ERR_VOLUME_PLUGIN, "%s names \"%.100s\", which is no unix socket", file, line);
	return err_hint(e, "unix:///PATH; plugins over the network are not asked");
}

static int read_spec(const char *file, struct arena *a, const char **ret, struct err *e)
{
	scoped(str) text = {0};
	int r = fd_read_file_at(AT_FDCWD, file, &text, SPEC_MAX);

	if (r < 0)
		return err_set(e, r, "read %s", file);
	if (!str_ends(file, ".json"))
		return parse_address(file, str_cstr(&text), a, ret, e);
	struct json *doc = json_parse(a, str_cstr(&text), text.len, file, NULL, e);
	if (!doc)
		return -EINVAL;
	const char *address = json_str(doc, "Addr");
	return parse_address(file, address ? address : "", a, ret, e);
}

static int find(const char *driver, struct arena *a, const char **ret, struct err *e)
{
	static const char *const specs[] = {"spec", "json"};

	for (size_t i = 0; container_check_name(driver, NULL) == 0; i++) {
		autofree char *dir = directory(i);
		if (!dir)
			break;
		*ret = arena_printf(a, "%s/%s.sock", dir, driver);
		if (is_socket(*ret))
			return 0;
		*ret = arena_printf(a, "%s/%s/%s.sock", dir, driver, driver);
		if (is_socket(*ret))
			return 0;
		for (size_t k = 0; k < countof(specs); k++) {
			const char *file = arena_printf(a, "%s/%s.%s", dir, driver, specs[k]);
			if (access(file, F_OK) == 0)
				return read_spec(file, a, ret, e);
		}
	}
	err_fail(e, ERR_VOLUME_DRIVER, "no volume driver \"%.80s\"", driver);
	return err_hint(e, "local is built in; plugins are looked for as NAME.sock or NAME.spec in "
			   "~/.config/hoy/plugins, $XDG_RUNTIME_DIR/hoy/plugins and "
			   "/run/docker/plugins");
}

void plugin_names(struct strv *ret)
{
	static const char *const ends[] = {".sock", ".spec", ".json"};
	char *dir;

	for (size_t i = 0; (dir = directory(i)); i++) {
		DIR *d = opendir(dir);
		for (struct dirent *de; d && (de = readdir(d));)
			for (size_t k = 0; k < countof(ends); k++) {
				size_t n = strlen(de->d_name), m = strlen(ends[k]);
				if (!str_ends(de->d_name, ends[k]) || n == m)
					continue;
				autofree char *name = xstrndup(de->d_name, n - m);
				if (!strv_has(ret, name))
					strv_add(ret, name);
			}
		if (d)
			closedir(d);
		free(dir);
	}
	strv_sort(ret);
}

/* ---- asking */

struct question {
	const char *driver, *socket, *method;
	const struct str *body;
	int answer; /* memory that both see */
};

static int ask_in_child(void *arg, struct err *e)
{
	const struct question *q = arg;
	scoped(str) text = {0};
	int status = 0,
	    r = plugin_http_post(q->socket, q->method, q->body, ANSWER_MAX, &text, &status, e);

	if (r < 0) {
		char why[200];
		snprintf(why, sizeof why, "%.199s", e->msg);
		err_fail(e, ERR_VOLUME_PLUGIN, "the volume plugin %.60s does not answer: %s",
			 q->driver, why);
		return err_hint(e, "does it run? its socket is %.200s", q->socket);
	}
	if (status != 200 && !text.len)
		return err_fail(e, ERR_VOLUME_PLUGIN, "the volume plugin %.60s answers %s with %d",
				q->driver, q->method, status);
	r = fd_write_all(q->answer, text.s, text.len);
	return r < 0 ? err_set(e, r, "pass an answer on") : 0;
}

static int refused(const struct question *q, const char *why, struct err *e)
{
	err_fail(e, ERR_VOLUME_PLUGIN, "the volume plugin %.60s refuses %s: %.300s", q->driver,
		 q->method, why);
	return err_hint(e, "these are the plugin's words; its own log may say more");
}

/* The answer as a tree; that it says what went wrong is an error. */
static int ask(const char *driver, const char *method, const struct json *body, struct arena *a,
	       struct json **ret, struct err *e)
{
	static const struct json_limits limits = {
		.max_bytes = ANSWER_MAX, .max_depth = 16, .max_nodes = 100000};
	scoped(str) sent = {0}, got = {0};
	struct question q = {.driver = driver, .method = method, .body = &sent};
	struct err unheard;

	e = e ? e : &unheard;
	int r = find(driver, a, &q.socket, e);

	if (r < 0)
		return r;
	autoclose int answer = memfd_create("answer", MFD_CLOEXEC);
	if (answer < 0)
		return err_set(e, errno, "memory for an answer");
	q.answer = answer;
	json_write(&sent, body, 0);
	r = task_run(ask_in_child, &q, NULL, e);
	if (r < 0)
		return r;
	if (lseek(answer, 0, SEEK_SET) < 0 || fd_read_all(answer, &got, ANSWER_MAX) < 0)
		return err_set(e, errno, "read an answer");
	struct json *doc = json_parse(a, str_cstr(&got), got.len, "answer", &limits, NULL);
	if (!doc || doc->type != JSON_OBJ)
		return refused(&q, "what it answers is no JSON object", e);
	const char *why = json_str(doc, "Err");
	if (!str_is_empty(why))
		return refused(&q, why, e);
	*ret = doc;
	return 0;
}

static struct json *about(const char *name, const char *id, struct arena *a)
{
	struct json *o = json_new(a, JSON_OBJ);

	json_set_str(a, o, "Name", name);
	if (id)
		json_set_str(a, o, "ID", id);
	return o;
}

int plugin_check(const char *driver, struct err *e)
{
	scoped(arena) a = {0};
	struct json *doc;
	int r = ask(driver, "Plugin.Activate", json_new(&a, JSON_OBJ), &a, &doc, e);
	const struct json *l = r < 0 ? NULL : json_get(doc, "Implements");

	for (size_t i = 0; l && l->type == JSON_ARR && i < l->arr.n; i++)
		if (l->arr.v[i]->type == JSON_STR && !strcmp(l->arr.v[i]->s, "VolumeDriver"))
			return 0;
	if (r < 0)
		return r;
	err_fail(e, ERR_VOLUME_PLUGIN, "the plugin %.60s keeps no volumes", driver);
	return err_hint(e, "it does not say that it implements VolumeDriver");
}

int plugin_create(const char *driver, const char *name, const struct pairs *options, struct err *e)
{
	scoped(arena) a = {0};
	struct json *doc, *o = about(name, NULL, &a);

	json_set(&a, o, "Opts", json_new_pairs(&a, options));
	return ask(driver, "VolumeDriver.Create", o, &a, &doc, e);
}

int plugin_remove(const char *driver, const char *name, struct err *e)
{
	scoped(arena) a = {0};
	struct json *doc;

	return ask(driver, "VolumeDriver.Remove", about(name, NULL, &a), &a, &doc, e);
}

/* A path that may be mounted, or "". */
static const char *mountpoint(const struct json *doc)
{
	const char *path = json_str(doc, "Mountpoint");

	if (!path || path[0] != '/' || strlen(path) >= PATH_MAX)
		return "";
	for (const char *p = path; *p; p++)
		if ((unsigned char)*p < ' ' || *p == 127)
			return "";
	return path;
}

int plugin_mount(const char *driver, const char *name, const char *id, struct arena *a,
		 const char **ret, struct err *e)
{
	struct json *doc;
	int r = ask(driver, "VolumeDriver.Mount", about(name, id, a), a, &doc, e);

	if (r < 0)
		return r;
	*ret = mountpoint(doc);
	if (**ret)
		return 0;
	plugin_unmount(driver, name, id, NULL);
	err_fail(e, ERR_VOLUME_PLUGIN,
		 "the volume plugin %.60s does not say where %.60s is mounted", driver, name);
	return err_hint(e, "Mountpoint of its answer must be an absolute path of this machine");
}

int plugin_unmount(const char *driver, const char *name, const char *id, struct err *e)
{
	scoped(arena) a = {0};
	struct json *doc;

	return ask(driver, "VolumeDriver.Unmount", about(name, id, &a), &a, &doc, e);
}

int plugin_get(const char *driver, const char *name, struct arena *a, const char **ret_mountpoint,
	       struct json **ret_status, struct err *e)
{
	struct json *doc;
	int r = ask(driver, "VolumeDriver.Get", about(name, NULL, a), a, &doc, e);

	if (r < 0)
		return r;
	const struct json *v = json_get(doc, "Volume");
	struct json *status = json_get(v, "Status");
	if (ret_mountpoint)
		*ret_mountpoint = mountpoint(v);
	if (ret_status)
		*ret_status = status && status->type == JSON_OBJ ? status : json_new(a, JSON_OBJ);
	return 0;
}

int plugin_volumes(const char *driver, struct strv *ret, struct err *e)
{
	scoped(arena) a = {0};
	struct json *doc;
	int r = ask(driver, "VolumeDriver.List", json_new(&a, JSON_OBJ), &a, &doc, e);
	const struct json *l = r < 0 ? NULL : json_get(doc, "Volumes");

	for (size_t i = 0; l && l->type == JSON_ARR && i < l->arr.n && i < VOLUMES_MAX; i++) {
		const char *name = json_str(l->arr.v[i], "Name");
		if (name && container_check_name(name, NULL) == 0)
			strv_add(ret, name);
	}
	return r;
}
