/* state, list, ps, features and spec: what only tells. */
#include "base/base.h"
#include "base/proc.h"
#include "cli/oci.h"

static int print_json(struct cli *c, const struct json *j, int indent)
{
	scoped(str) text = {0};

	json_write(&text, j, indent);
	out_printf(&c->out, "%s\n", str_cstr(&text));
	return 0;
}

static int state_run(struct cli *c, void *opts, struct err *e)
{
	struct oci_container ct;
	int r = oci_open(c->oci, c->args[0], &ct, e);

	(void)opts;
	if (r == 0)
		r = oci_load_spec(&ct, e);
	if (r == 0)
		print_json(c, oci_state_json(&ct, &c->arena), 2);
	oci_container_free(&ct);
	return r;
}

const struct command cmd_oci_state = {
	.name = "oci state",
	.group = "OCI runtime",
	.args = "ID",
	.summary = "Print the state of a container as JSON",
	.description = "Its status is creating, created, running, paused or stopped.",
	.examples = "hoy oci state c1",
	.exits = "0 it exists\n1 it does not",
	.opts = (const struct opt[]){{0}},
	.opts_size = 1,
	.run = state_run,
};

/* ---- list */

struct list_opts {
	const char *format;
	bool quiet;
};
#define TO(kind, field) OPT_TO(kind, struct list_opts, field)
static const struct opt list_rows[] = {
	{"format", 'f', TO(OPT_CHOICE, format), "FORMAT", "As a table or as JSON", COMPLETE_WORDS,
	 "table json"},
	{"quiet", 'q', TO(OPT_BOOL, quiet), NULL, "Print only the names"},
	{0},
};
#undef TO

static void list_line(struct cli *c, const struct json *s)
{
	out_printf(&c->out, "%-11s %-11" PRId64 " %-11s %-22s %-30s %s\n", json_str(s, "id"),
		   json_int(s, "pid", 0), json_str(s, "status"), json_str(s, "bundle"),
		   json_str(s, "created"), json_str(s, "owner"));
}

static int list_run(struct cli *c, void *opts, struct err *e)
{
	const struct list_opts *o = opts;
	scoped(strv) ids = {0};
	struct json *all = json_new(&c->arena, JSON_ARR);
	bool table = !o->quiet && !str_eq(o->format, "json");
	int r = oci_list(c->oci, &ids, e);

	if (r < 0)
		return r;
	if (table)
		out_printf(&c->out, "%-11s %-11s %-11s %-22s %-30s %s\n", "ID", "PID", "STATUS",
			   "BUNDLE", "CREATED", "OWNER");
	for (size_t i = 0; i < ids.n; i++) {
		struct oci_container ct;
		struct err gone = {0};
		if (o->quiet) {
			out_printf(&c->out, "%s\n", ids.v[i]);
			continue;
		}
		/* One that has just been deleted is no error. */
		if (oci_open(c->oci, ids.v[i], &ct, &gone) == 0 && oci_load_spec(&ct, &gone) == 0) {
			struct json *s = oci_state_json(&ct, &c->arena);
			if (table)
				list_line(c, s);
			else
				json_add(&c->arena, all, s);
		}
		oci_container_free(&ct);
	}
	return o->quiet || table ? 0 : print_json(c, all, 0);
}

const struct command cmd_oci_list = {
	.name = "oci list",
	.aliases = "oci ls",
	.group = "OCI runtime",
	.summary = "List the containers below --root",
	.description = "Also those that have stopped and were not deleted.",
	.examples = "hoy oci list --format json",
	.opts = list_rows,
	.opts_size = sizeof(struct list_opts),
	.run = list_run,
};

/* ---- ps */

struct ps_opts {
	const char *format;
};
static const struct opt ps_rows[] = {
	{"format", 'f', OPT_TO(OPT_CHOICE, struct ps_opts, format), "FORMAT",
	 "As a table, or as JSON: the process IDs", COMPLETE_WORDS, "table json"},
	{0},
};

/* Lines of ps(1) whose second word is one of ours; the first line is the head. */
static void print_lines(struct cli *c, const char *text, const pid_t *pids, size_t n)
{
	bool head = true;

	for (const char *p = text; *p;) {
		size_t len = strcspn(p, "\n");
		int pid = 0;
		bool ours = head;
		autofree char *line = xstrndup(p, len);
		if (!head && sscanf(line, "%*s %d", &pid) == 1)
			for (size_t i = 0; i < n; i++)
				ours = ours || pids[i] == pid;
		if (ours)
			out_printf(&c->out, "%s\n", line);
		head = false;
		p += len + (p[len] == '\n');
	}
}

static int ps_table(struct cli *c, const pid_t *pids, size_t n, struct err *e)
{
	scoped(strv) argv = {0};
	scoped(str) text = {0};
	int p[2];
	pid_t pid;

	strv_add(&argv, "ps");
	if (c->nargs < 2)
		strv_add(&argv, "-ef");
	for (size_t i = 1; i < c->nargs; i++)
		strv_add(&argv, c->args[i]);
	if (pipe2(p, O_CLOEXEC) < 0)
		return err_set(e, errno, "pipe");
	autoclose int rd = p[0];
	const struct spawn sp = {.path = "/usr/bin/ps",
				 .argv = (const char *const *)argv.v,
				 .in = -1,
				 .out = p[1],
				 .err = 2};
	int r = proc_spawn(&sp, &pid, e);
	close(p[1]);
	if (r < 0)
		return r;
	r = fd_read_all(rd, &text, 16 << 20);
	int code = proc_wait(pid);
	if (r < 0 || code)
		return err_fail(e, ERR_USAGE, "ps ended with %d", code);
	print_lines(c, str_cstr(&text), pids, n);
	return 0;
}

static int ps_run(struct cli *c, void *opts, struct err *e)
{
	const struct ps_opts *o = opts;
	struct oci_container ct;
	autofree pid_t *pids = NULL;
	size_t n = 0;
	int r = oci_open(c->oci, c->args[0], &ct, e);

	if (r == 0)
		r = oci_pids(&ct, &pids, &n, e);
	oci_container_free(&ct);
	if (r < 0)
		return r;
	if (!str_eq(o->format, "json"))
		return ps_table(c, pids, n, e);
	struct json *l = json_new(&c->arena, JSON_ARR);
	for (size_t i = 0; i < n; i++)
		json_add(&c->arena, l, json_new_int(&c->arena, pids[i]));
	return print_json(c, l, 0);
}

const struct command cmd_oci_ps = {
	.name = "oci ps",
	.group = "OCI runtime",
	.args = "ID [PSARG...]",
	.summary = "List the processes of a container",
	.description = "Prints those lines of ps(1) (-ef, or with the arguments given) that are "
		       "about processes in "
		       "the container's control group.",
	.examples = "hoy oci ps --format json c1",
	.opts = ps_rows,
	.opts_size = sizeof(struct ps_opts),
	.stop_at_operand = true,
	.run = ps_run,
};

/* ---- features, spec */

static int features_run(struct cli *c, void *opts, struct err *e)
{
	(void)opts;
	(void)e;
	return print_json(c, oci_features(&c->arena), 2);
}

const struct command cmd_oci_features = {
	.name = "oci features",
	.group = "OCI runtime",
	.summary = "Print what of the specification is there, as JSON",
	.description = "The form is that of features.md of the OCI runtime specification.",
	.examples = "hoy oci features",
	.opts = (const struct opt[]){{0}},
	.opts_size = 1,
	.run = features_run,
};

struct spec_opts {
	const char *bundle;
	bool rootless;
};
#define TO(kind, field) OPT_TO(kind, struct spec_opts, field)
static const struct opt spec_rows[] = {
	{"bundle", 'b', TO(OPT_STR, bundle), "DIR", "Write it there", COMPLETE_DIR},
	{"rootless", 0, TO(OPT_BOOL, rootless), NULL, "For a user who is not root"},
	{0},
};
#undef TO

static int spec_run(struct cli *c, void *opts, struct err *e)
{
	const struct spec_opts *o = opts;

	(void)c;
	return oci_write_spec(o->bundle ? o->bundle : ".", o->rootless, e);
}

const struct command cmd_oci_spec = {
	.name = "oci spec",
	.group = "OCI runtime",
	.summary = "Write a config.json to begin with",
	.description = "It runs a shell in the directory rootfs beside it.",
	.examples = "hoy oci spec --bundle ./bundle",
	.opts = spec_rows,
	.opts_size = sizeof(struct spec_opts),
	.run = spec_run,
};
