#include "base/base.h"
#include "base/parse.h"
#include "engine/log_opts.h"
#include "monitor/log_start.h"

static const struct {
	const char *name, *why;
} other_drivers[] = {
	{"syslog", "it sends logs to another service"},
	{"gelf", "it sends logs to another service"},
	{"fluentd", "it sends logs to another service"},
	{"awslogs", "it sends logs to another service"},
	{"splunk", "it sends logs to another service"},
	{"gcplogs", "it sends logs to another service"},
	{"etwlogs", "it exists on Windows only"},
};

static int set_driver(const char *name, struct container_config *c, struct err *e)
{
	static const char *const drivers[] = {"none",	  "local",	 "json-file",
					      "journald", "passthrough", "passthrough-tty"};

	if (str_is_empty(name) || !strcmp(name, "k8s-file"))
		return 0;
	for (size_t i = 0; i < countof(drivers); i++) {
		if (strcmp(name, drivers[i]) != 0)
			continue;
		c->log_driver = drivers[i];
		return 0;
	}
	for (size_t i = 0; i < countof(other_drivers); i++) {
		if (strcmp(other_drivers[i].name, name))
			continue;
		err_fail(e, ERR_USAGE, "--log-driver %s: %s", name, other_drivers[i].why);
		return err_hint(e, "the drivers are local (the default), k8s-file, json-file, "
				   "journald, passthrough and none");
	}
	err_fail(e, ERR_USAGE, "--log-driver \"%.40s\" is unknown", name);
	return err_hint(e, "the drivers are local (the default), k8s-file, json-file, "
			   "journald, passthrough and none");
}

static int bad(const char *text, const char *why, struct err *e)
{
	err_fail(e, ERR_USAGE, "--log-opt \"%.100s\": %s", text, why);
	return err_hint(e, "the options are max-size=SIZE, max-file=NUMBER, path=FILE, "
			   "labels=KEYS, env=NAMES, tag=TEMPLATE");
}

static int set_path(const char *text, const char *path, struct container_config *c, struct arena *a,
		    struct err *e)
{
	char cwd[PATH_MAX];

	if (!*path || str_ends(path, "/"))
		return bad(text, "it is not the path of a file", e);
	if (path[0] != '/' && !getcwd(cwd, sizeof cwd))
		return err_set(e, errno, "find out the working directory for --log-opt path=");
	c->log_path = path[0] == '/' ? arena_strdup(a, path) : arena_printf(a, "%s/%s", cwd, path);
	if (strlen(strrchr(c->log_path, '/') + 1) > 200)
		return bad(text, "the name is too long", e);
	return 0;
}

static int set_option(const char *text, struct container_config *c, struct arena *a, struct err *e)
{
	const char *eq = strchr(text, '=');
	const char *key = arena_strndup(a, text, eq ? (size_t)(eq - text) : strlen(text));
	uint64_t n;

	if (!eq)
		return bad(text, "there is no =", e);
	pairs_set(a, &c->log_opts, key, eq + 1);
	if (!strcmp(key, "path"))
		return set_path(text, eq + 1, c, a, e);
	if (!strcmp(key, "max-size")) {
		if (!strcmp(eq + 1, "-1"))
			n = 0;
		else if (parse_size(eq + 1, &n) < 0 || !n || n > INT64_MAX)
			return bad(text, "the value is a size, as in 10m, or -1 for no limit", e);
		c->log_max_size = (int64_t)n;
		return 0;
	}
	if (!strcmp(key, "max-file")) {
		if (parse_u64(eq + 1, CONFIG_LOG_FILES, &n) < 0 || !n)
			return bad(text, "the value is a number of files, 1 to 100", e);
		c->log_max_files = (int64_t)n;
		return 0;
	}
	if (!strcmp(key, "tag"))
		return eq[1] ? 0 : bad(text, "it is empty", e);
	if (!strcmp(key, "labels") || !strcmp(key, "env"))
		return eq[1] ? 0 : bad(text, "it names none", e);
	if (!strcmp(key, "labels-regex") || !strcmp(key, "env-regex"))
		return bad(text, "labels and variables are named one by one: labels=A,B env=C", e);
	if (!strcmp(key, "compress"))
		return bad(text, "logs are not compressed; the form local is small by itself", e);
	if (!strcmp(key, "mode") || !strcmp(key, "max-buffer-size"))
		return bad(text,
			   "a log is written before clients get the output: nothing is buffered",
			   e);
	return bad(text, "unknown option", e);
}

/* The default: a log of the local form, of bounded size. Who names a file wants others to read it, in the form that they know. */
static void set_defaults(const char *driver, bool sized, struct container_config *c)
{
	if (str_is_empty(driver) && !c->log_path)
		c->log_driver = "local";
	if (!str_eq(c->log_driver, "local") || sized)
		return;
	c->log_max_size = CONFIG_LOG_SIZE;
	if (!c->log_max_files)
		c->log_max_files = CONFIG_LOG_COUNT;
}

/* Options of files where there is none; and a tag that nothing would show. */
static int check_together(struct container_config *c, struct arena *a, struct err *e)
{
	static const char *const of_files[] = {"path", "max-size", "max-file"};
	const char *d = c->log_driver ? c->log_driver : "k8s-file";
	const char *tag = pairs_get(&c->log_opts, "tag");
	bool file = !str_eq(d, "journald") && !str_starts(d, "passthrough");

	for (size_t i = 0; i < countof(of_files) && !file; i++)
		if (pairs_get(&c->log_opts, of_files[i]))
			return bad(of_files[i], "this driver writes no file", e);
	if (!tag)
		return 0;
	if (strcmp(d, "journald") != 0 && strcmp(d, "json-file") != 0)
		return bad("tag", "only lines of journald and json-file carry one", e);
	return log_tag(c, c->name ? c->name : "", "", a, e) ? 0 : -EINVAL;
}

static int check_streams(const struct container_config *c, struct err *e)
{
	if (!c->log_driver || !str_starts(c->log_driver, "passthrough") || !c->process.tty)
		return 0;
	err_fail(e, ERR_USAGE, "--log-driver %s and --tty exclude each other", c->log_driver);
	return err_hint(e, "the container gets the caller's own streams, and no terminal of its "
			   "own; if these are a terminal: passthrough-tty without --tty");
}

int log_opts_apply(const char *driver, const struct strs *opts, struct container_config *c,
		   struct arena *a, struct err *e)
{
	int r = set_driver(driver, c, e);

	for (size_t i = 0; i < opts->n && r == 0; i++)
		r = set_option(opts->v[i], c, a, e);
	if (r == 0)
		set_defaults(driver, pairs_get(&c->log_opts, "max-size") != NULL, c);
	if (r == 0)
		r = check_together(c, a, e);
	if (r == 0)
		r = check_streams(c, e);
	if (r == 0 && c->log_max_files && !c->log_max_size)
		return bad("max-file", "it means nothing without max-size", e);
	if (r == 0 && c->log_max_size && !c->log_max_files)
		c->log_max_files = str_eq(c->log_driver, "local") ? CONFIG_LOG_COUNT : 2;
	return r;
}

/* Each key of a list "a,b" that is there: "a=value". */
static void add_named(const char *list, const char *(*value)(const void *of, const char *key),
		      const void *of, struct str *ret)
{
	scoped(strv) keys = {0};

	if (list)
		strv_split(&keys, list, ',');
	for (size_t i = 0; i < keys.n; i++) {
		const char *v = value(of, keys.v[i]);
		if (v)
			str_addf(ret, "%s%s=%s", ret->len ? "," : "", keys.v[i], v);
	}
}

static const char *label(const void *of, const char *key)
{
	return pairs_get(of, key);
}

static const char *variable(const void *of, const char *key)
{
	return env_get(of, key);
}

void log_opts_details(const struct container_config *c, struct str *ret)
{
	add_named(pairs_get(&c->log_opts, "labels"), label, &c->labels, ret);
	add_named(pairs_get(&c->log_opts, "env"), variable, &c->process.env, ret);
}
