#include <pwd.h>

#include "base/base.h"
#include "base/parse.h"
#include "cli/defaults.h"
#include "cli/build_opts.h"
#include "cli/run_opts.h"
#include "state/conf.h"

#define RUN	 "run,create"
#define HAS_KEYS "run,create,start,attach,exec"
#define LISTS(name, command)                                                                       \
	{                                                                                          \
		"format", name, "format", command, "format quiet",                                 \
			"What hoy " command " prints: a Go template", "\"table {{.ID}}\"", 0       \
	}

const struct default_key default_keys[] = {
	{NULL, "root", NULL, NULL, NULL,
	 "Keep images and containers in this directory; ~/ and $HOME, $USER and $UID may stand in "
	 "it",
	 "\"/scratch/$USER/hoy\""},
	{NULL, "log-level", NULL, NULL, NULL, NULL, "\"warn\""},
	{NULL, "progress", NULL, NULL, NULL, NULL, "false", DEFAULT_OWN},
	{NULL, "detach-keys", NULL, HAS_KEYS, NULL, NULL, "\"ctrl-q,q\""},
	{NULL, "platform", NULL, "run,create,pull", "arch os variant", NULL, "\"linux/amd64\""},

	{"run", "add-host", NULL, RUN, "no-hosts network", NULL, "[\"db.corp:10.0.0.7\"]",
	 DEFAULT_ON_HOST},
	{"run", "cap-add", NULL, RUN, "privileged", NULL, "[\"SYS_PTRACE\"]"},
	{"run", "cap-drop", NULL, RUN, "privileged", NULL, "[\"NET_RAW\"]"},
	{"run", "device", NULL, RUN, NULL, NULL, "[\"/dev/fuse\"]"},
	{"run", "dns", NULL, RUN, "network", NULL, "[\"10.0.0.1\"]",
	 DEFAULT_REPLACED | DEFAULT_ON_HOST},
	{"run", "dns-option", NULL, RUN, "network", NULL, "[\"ndots:2\"]",
	 DEFAULT_REPLACED | DEFAULT_ON_HOST},
	{"run", "dns-search", NULL, RUN, "network", NULL, "[\"corp.example\"]",
	 DEFAULT_REPLACED | DEFAULT_ON_HOST},
	{"run", "env", NULL, RUN, NULL, "Set variables; --env-file and --env come after them",
	 "{ EDITOR = \"vi\" }", DEFAULT_OWN},
	{"run", "env-host", NULL, RUN, NULL, NULL, "true"},
	{"run", "http-proxy", NULL, RUN, NULL, NULL, "false"},
	{"run", "init", NULL, RUN, NULL, NULL, "true"},
	{"run", "log-driver", NULL, RUN, "log-opt", NULL, "\"none\""},
	{"run", "log-opt", NULL, RUN, "log-driver", NULL, "{ max-size = \"10m\" }"},
	{"run", "network", NULL, RUN, NULL, NULL, "[\"work\"]", DEFAULT_REPLACED},
	{"run", "pids-limit", NULL, RUN, NULL, NULL, "\"2048\""},
	{"run", "pull", NULL, RUN, NULL, NULL, "\"newer\""},
	{"run", "security-opt", NULL, RUN, "privileged", NULL, "[\"no-new-privileges\"]"},
	{"run", "shm-size", NULL, RUN, "ipc", NULL, "\"256m\""},
	{"run", "stop-timeout", NULL, RUN, NULL, NULL, "3"},
	{"run", "sysctl", NULL, RUN, "network ipc uts",
	 "Set kernel parameters of its own namespaces", "{ \"net.core.somaxconn\" = \"1024\" }"},
	{"run", "tz", NULL, RUN, NULL, NULL, "\"local\""},
	{"run", "ulimit", NULL, RUN, NULL, NULL, "{ nofile = \"4096:65536\" }"},
	{"run", "umask", NULL, RUN, NULL, NULL, "\"0027\""},

	{"pull", "parallel", NULL, "pull", NULL, NULL, "6"},
	{"pull", "policy", NULL, "pull", NULL, "When hoy pull asks the registry", "\"newer\""},
	{"pull", "retry", NULL, "pull,push,run,create", NULL, NULL, "3"},
	{"pull", "retry-delay", NULL, "pull,push,run,create", NULL, NULL, "\"2s\""},

	{"push", "compression-format", NULL, "push", NULL, NULL, "\"zstd\""},
	{"push", "compression-level", NULL, "push", "compression-format", NULL, "12"},

	{"build", "cache-age", NULL, "build", NULL, NULL, "\"168h\"", DEFAULT_OWN},
	{"build", "cache-size", NULL, "build", NULL, NULL, "\"5g\"", DEFAULT_OWN},
	{"build", "jobs", NULL, "build", NULL, NULL, "2"},
	{"build", "retry", NULL, "build", NULL, NULL, "3"},

	{"commit", "format", NULL, "commit", NULL, NULL, "\"docker\""},
	{"save", "format", NULL, "save", NULL, NULL, "\"oci-archive\""},
	{"stop", "time", NULL, "stop,restart", NULL, NULL, "3"},

	LISTS("history", "history"),
	LISTS("images", "images"),
	LISTS("networks", "network ls"),
	LISTS("ps", "ps"),
	{"format", "search", "format", "search", NULL, "What hoy search prints: a Go template",
	 "\"table {{.Name}}\"", 0},
	{0},
};

/* What keys mean that are no options. */
static const struct opt cli_rows[] = {
	{"progress", 0, OPT_TO(OPT_BOOL, struct cli, progress), NULL,
	 "Show how far pulling, pushing, loading and saving are"},
	{0},
};
static const struct opt run_rows[] = {
	{"env", 0, OPT_TO(OPT_STRS, struct run_opts, env_first), "KEY[=VALUE]", "Set a variable"},
	{0},
};

static const char *flag_of(const struct default_key *k)
{
	return k->flag ?: k->key;
}

static bool is_for(const struct default_key *k, const char *command)
{
	size_t n = strlen(command);

	for (const char *p = k->commands; p && *p;) {
		size_t len = strcspn(p, ",");
		if (len == n && !strncmp(p, command, n))
			return true;
		p += len + (p[len] == ',');
	}
	return false;
}

static const struct opt *row_in(const struct opt *rows, const char *flag, size_t *ret_offset)
{
	for (struct opt_walk w = opt_first(rows); w.row; opt_next(&w)) {
		if (strcmp(w.row->name, flag))
			continue;
		*ret_offset = w.base + w.row->offset;
		return w.row;
	}
	return NULL;
}

static const struct opt *row_of(const struct default_key *k, const struct opt *rows,
				size_t *ret_offset)
{
	if (k->flags & DEFAULT_OWN)
		rows = !k->commands		       ? cli_rows
		       : !strcmp(k->commands, "build") ? build_conf_rows
						       : run_rows;
	return row_in(rows, flag_of(k), ret_offset);
}

const struct opt *default_row(const struct default_key *k)
{
	size_t offset;

	if (!k->commands)
		return row_of(k, cli_global_rows, &offset);
	autofree char *first = xstrndup(k->commands, strcspn(k->commands, ","));
	const struct command *cmd = command_find(first);
	return cmd ? row_of(k, cmd->opts, &offset) : NULL;
}

/* ---- checking */

static const struct default_key *find_key(const char *section, const char *key)
{
	for (const struct default_key *k = default_keys; k->key; k++)
		if (str_eq(k->section ?: "", section) && !strcmp(k->key, key))
			return k;
	return NULL;
}

static bool is_section(const char *name)
{
	for (const struct default_key *k = default_keys; k->key; k++)
		if (k->section && !strcmp(k->section, name))
			return true;
	return false;
}

static void unknown_key(struct cli *c, const struct conf_file *f, const char *section,
			const char *key, const struct json *v)
{
	scoped(str) near = {0}, shown = {0};
	size_t least = str_too_far(key);

	for (const struct default_key *k = default_keys; k->key; k++) {
		size_t d = str_distance(key, k->key);
		bool elsewhere = strcmp(k->section ?: "", section) != 0;
		if (d + elsewhere >= least)
			continue;
		least = d + elsewhere;
		str_reset(&near);
		if (!elsewhere)
			str_addf(&near, "; did you mean %s?", k->key);
		else if (k->section)
			str_addf(&near, "; did you mean %s in [%s]?", k->key, k->section);
		else
			str_addf(&near, "; did you mean %s, above all sections?", k->key);
	}
	str_addf(&shown, *section ? "[%s] %s" : "%s%s", section, key);
	if (c->cmd->name[0] != '_')
		cli_warn(c, "%s:%d: unknown key %s%s (%s)", f->path, v->line, str_cstr(&shown),
			 str_cstr(&near), err_id_name(ERR_CONF_KEY));
}

/* What a value of the option looks like in TOML. */
static const char *form_of(const struct opt *o)
{
	switch (o->kind) {
	case OPT_BOOL:
		return "true or false";
	case OPT_INT:
	case OPT_UINT:
		return "a whole number";
	case OPT_SIZE:
		return "a size such as \"64m\", or a number";
	case OPT_STRS:
	case OPT_CSV:
	case OPT_PAIRS:
		return o->value && strchr(o->value, '=')
			       ? "an array of strings, or a table { NAME = \"VALUE\" }"
			       : "an array of strings";
	default:
		return "a string";
	}
}

static bool is_list(const struct opt *o)
{
	return o->kind == OPT_STRS || o->kind == OPT_CSV || o->kind == OPT_PAIRS;
}

static int wrong_type(const struct conf_file *f, const struct default_key *k, const struct json *v,
		      struct err *e)
{
	const char *was = v->type == JSON_OBJ ? "a table" : json_type_name(v->type);

	err_fail(e, ERR_CONF, "%s:%d: %s is %s, not %s", f->path, v->line, k->key, was,
		 form_of(default_row(k)));
	return err_hint(e, "as in: %s = %s", k->key, k->example);
}

static bool list_fits(const struct opt *o, const struct json *v)
{
	if (v->type == JSON_OBJ && o->value && strchr(o->value, '=')) {
		for (size_t i = 0; i < v->obj.n; i++)
			if (v->obj.v[i].value->type != JSON_STR &&
			    v->obj.v[i].value->type != JSON_INT)
				return false;
		return true;
	}
	if (v->type != JSON_ARR)
		return false;
	for (size_t i = 0; i < v->arr.n; i++)
		if (v->arr.v[i]->type != JSON_STR)
			return false;
	return true;
}

static bool type_fits(const struct opt *o, const struct json *v)
{
	if (is_list(o))
		return list_fits(o, v);
	switch (o->kind) {
	case OPT_BOOL:
		return v->type == JSON_BOOL;
	case OPT_INT:
	case OPT_UINT:
		return v->type == JSON_INT;
	case OPT_SIZE:
		return v->type == JSON_INT || v->type == JSON_STR;
	default:
		return v->type == JSON_STR;
	}
}

static int check_key(struct cli *c, const struct conf_file *f, const char *section, const char *key,
		     const struct json *v, struct err *e)
{
	const struct default_key *k = find_key(section, key);

	if (k)
		return type_fits(default_row(k), v) ? 0 : wrong_type(f, k, v, e);
	unknown_key(c, f, section, key, v);
	return 0;
}

static int check_file(struct cli *c, const struct conf_file *f, struct err *e)
{
	int r = 0;

	for (size_t i = 0; i < f->doc->obj.n && r == 0; i++) {
		const struct json_member *m = &f->doc->obj.v[i];
		if (m->value->type != JSON_OBJ) {
			r = check_key(c, f, "", m->key, m->value, e);
			continue;
		}
		if (!is_section(m->key)) {
			unknown_key(c, f, "", m->key, m->value);
			continue;
		}
		for (size_t j = 0; j < m->value->obj.n && r == 0; j++)
			r = check_key(c, f, m->key, m->value->obj.v[j].key,
				      m->value->obj.v[j].value, e);
	}
	return r;
}

/* The commands that must work however broken the files are. */
static bool explains(const struct command *cmd)
{
	static const char *const names[] = {"help", "version", "completion", "__complete", "__man"};

	for (size_t i = 0; i < countof(names); i++)
		if (!strcmp(cmd->name, names[i]))
			return true;
	return false;
}

int defaults_read(struct cli *c, struct err *e)
{
	int r = conf_files(&c->arena, &c->conf, e);
	const struct conf_file *f = c->conf.v;

	for (size_t i = 0; i < c->conf.n && r == 0; i++)
		r = check_file(c, &f[i], e);
	if (r < 0 && explains(c->cmd)) {
		c->conf.n = 0;
		*e = (struct err){.exit = EXIT_ENGINE};
		return 0;
	}
	return r;
}

/* ---- storing */

/* The value that counts, and whose it is. */
static const struct json *value_of(const struct cli *c, const struct default_key *k,
				   const struct conf_file **ret)
{
	const struct conf_file *f = c->conf.v;

	for (size_t i = c->conf.n; i-- > 0;) {
		const struct json *in = k->section ? json_get(f[i].doc, k->section) : f[i].doc;
		const struct json *v = json_get(in, k->key);
		*ret = &f[i];
		if (v)
			return v;
	}
	return NULL;
}

/* A network that was typed and is not the container's own. */
static bool odd_network(const struct cli *c, const struct opt *rows, bool host)
{
	size_t offset;
	const struct opt *o = row_in(rows, "network", &offset);
	const struct strs *l = o ? (struct strs *)((char *)c->opts + offset) : NULL;

	for (size_t i = 0; l && i < l->n; i++)
		if (!strcmp(l->v[i], "none") || str_starts(l->v[i], "container:") ||
		    str_starts(l->v[i], "ns:") || (host && !strcmp(l->v[i], "host")))
			return true;
	return false;
}

/* Was something typed that the key has to give way to? */
static bool silenced(const struct cli *c, const struct default_key *k, const struct opt *rows)
{
	for (const char *p = k->unless; p && *p;) {
		size_t n = strcspn(p, " ");
		autofree char *name = xstrndup(p, n);
		if (strcmp(name, "network") ? opt_given(rows, &c->found, name)
					    : odd_network(c, rows, !(k->flags & DEFAULT_ON_HOST)))
			return true;
		p += n + (p[n] == ' ');
	}
	return false;
}

/* A capability that was typed for the other of --cap-add and --cap-drop. */
static bool cap_taken(const struct strs *other, const char *cap)
{
	for (size_t i = 0; other && i < other->n; i++) {
		const char *a = other->v[i], *b = cap;
		a += strncasecmp(a, "CAP_", 4) ? 0 : 4;
		b += strncasecmp(b, "CAP_", 4) ? 0 : 4;
		if (!strcasecmp(a, b))
			return true;
	}
	return false;
}

/* The texts of a list, as they would be typed. */
static void texts_of(struct arena *a, const struct json *v, struct strs *ret)
{
	for (size_t i = 0; v->type == JSON_ARR && i < v->arr.n; i++)
		strs_add(a, ret, v->arr.v[i]->s);
	for (size_t i = 0; v->type == JSON_OBJ && i < v->obj.n; i++) {
		const struct json *x = v->obj.v[i].value;
		const char *key = v->obj.v[i].key;
		strs_add(a, ret,
			 x->type == JSON_STR ? arena_printf(a, "%s=%s", key, x->s)
					     : arena_printf(a, "%s=%" PRId64, key, x->i));
	}
}

/* A list: what the file says, then what was typed. */
static void store_list(struct cli *c, const struct default_key *k, const struct opt *rows,
		       const struct json *v, struct strs *to)
{
	struct strs texts = {0}, sum = {0};
	const char *opposite = !strcmp(k->key, "cap-add")    ? "cap-drop"
			       : !strcmp(k->key, "cap-drop") ? "cap-add"
							     : NULL;
	size_t offset = 0;
	const struct strs *other = NULL;

	if (opposite && opt_given(rows, &c->found, opposite) && row_in(rows, opposite, &offset))
		other = (const struct strs *)((char *)c->opts + offset);
	texts_of(&c->arena, v, &texts);
	for (size_t i = 0; i < texts.n; i++)
		if (!cap_taken(other, texts.v[i]))
			strs_add(&c->arena, &sum, texts.v[i]);
	for (size_t i = 0; i < to->n; i++)
		strs_add(&c->arena, &sum, to->v[i]);
	*to = sum;
}

static const char *text_of(struct arena *a, const struct json *v)
{
	return v->type == JSON_BOOL  ? v->b ? "true" : "false"
	       : v->type == JSON_INT ? arena_printf(a, "%" PRId64, v->i)
				     : v->s;
}

static int store_one(struct cli *c, const struct default_key *k, const struct opt *rows, char *base,
		     const struct conf_file *f, const struct json *v, struct err *e)
{
	size_t offset;
	const struct opt *o = row_of(k, rows, &offset);

	if (is_list(o)) {
		store_list(c, k, rows, v, (struct strs *)(base + offset));
		return 0;
	}
	const char *text = text_of(&c->arena, v);
	int r = opt_store(o, base + offset, text, &c->arena);
	if (r >= 0)
		return 0;
	err_fail(e, ERR_CONF, "%s:%d: %s: \"%.80s\" is not valid here", f->path, v->line, k->key,
		 text);
	const char *form = opt_form(o);
	return form ? err_hint(e, "it takes %s%s", o->kind == OPT_CHOICE ? "one of: " : "", form)
		    : 0;
}

/* The store's place: ~/ and variables, because one line of the system's file is for all users. */
static int expand_root(struct cli *c, const struct conf_file *f, const struct json *v,
		       struct err *e)
{
	scoped(str) b = {0};
	const char *s = v->s, *home = home_of_user();

	if (str_starts(s, "~/")) {
		str_add(&b, home ?: "");
		s++;
	}
	while (*s) {
		struct passwd *pw = NULL;
		if (str_starts(s, "$HOME")) {
			str_add(&b, home ?: "");
			s += 5;
		} else if (str_starts(s, "$UID")) {
			str_addf(&b, "%u", geteuid());
			s += 4;
		} else if (str_starts(s, "$USER") && (pw = getpwuid(geteuid()))) {
			str_add(&b, pw->pw_name);
			s += 5;
		} else {
			str_addc(&b, *s++);
		}
	}
	c->root = arena_strdup(&c->arena, str_cstr(&b));
	if (c->root[0] == '/' && !strchr(c->root, '$'))
		return 0;
	err_fail(e, ERR_CONF, "%s:%d: root: \"%.200s\" is not an absolute path", f->path, v->line,
		 v->s);
	return err_hint(e, "~/ in front and $HOME, $USER and $UID may stand in it");
}

static int apply_own(struct cli *c, const struct default_key *k, struct err *e)
{
	const struct conf_file *f;
	const struct json *v = value_of(c, k, &f);

	if (!v)
		return 0;
	if (!strcmp(k->key, "root"))
		return c->root || !str_is_empty(getenv("HOY_ROOT")) ? 0 : expand_root(c, f, v, e);
	if (!strcmp(k->key, "log-level") && (c->debug || c->level_typed))
		return 0;
	return store_one(c, k, cli_global_rows, (char *)c, f, v, e);
}

static int apply_key(struct cli *c, const struct default_key *k, const struct opt_found *was,
		     struct err *e)
{
	const struct opt *rows = c->cmd->opts;
	const struct conf_file *f;
	const struct json *v = value_of(c, k, &f);
	size_t offset;

	if (!v || !row_of(k, rows, &offset) || silenced(c, k, rows))
		return 0;
	const struct opt *o = row_of(k, rows, &offset);
	bool given = opt_given(rows, was, flag_of(k));
	if (given && (!is_list(o) || k->flags & DEFAULT_REPLACED))
		return 0;
	int r = store_one(c, k, rows, c->opts, f, v, e);
	if (r == 0)
		pairs_set(&c->arena, &c->defaulted, flag_of(k),
			  arena_printf(&c->arena, "%s:%d", f->path, v->line));
	return r;
}

int defaults_apply(struct cli *c, struct err *e)
{
	const struct opt_found was = c->found;
	int r = 0;

	for (const struct default_key *k = default_keys; k->key && c->conf.n && r == 0; k++) {
		if (!k->commands)
			r = apply_own(c, k, e);
		else if (c->opts && is_for(k, c->cmd->name))
			r = apply_key(c, k, &was, e);
	}
	for (size_t i = 0; i < c->defaulted.n && r == 0; i++)
		opt_mark(c->cmd->opts, &c->found, c->defaulted.v[i].k);
	if (r < 0 && explains(c->cmd))
		r = 0;
	return r;
}
