#include "base/base.h"
#include "cli/absent.h"
#include "cli/command.h"
#include "net/holder.h"

#define TO(kind, field) OPT_TO(kind, struct cli, field)
const struct opt cli_global_rows[] = {
	{"root", 0, TO(OPT_STR, root), "DIR", "Keep images and containers in this directory",
	 COMPLETE_DIR},
	{"log-level", 0, TO(OPT_CHOICE, level), "LEVEL", "Say more or less on standard error",
	 COMPLETE_WORDS, "debug info warn error"},
	{"debug", 'D', TO(OPT_BOOL, debug), NULL, "The same as --log-level debug"},
	{"help", 'h', TO(OPT_BOOL, help), NULL,
	 "Explain hoy, or the command that follows, and exit"},
	{"version", 'v', TO(OPT_BOOL, version), NULL, "Print the version and exit"},
	{0},
};

/* Compares a name with one entry of a list separated by commas. */
static bool listed(const char *list, const char *name)
{
	size_t n = strlen(name);

	for (const char *p = list; p && *p;) {
		size_t len = strcspn(p, ",");
		if (len == n && !strncmp(p, name, n))
			return true;
		p += len + (p[len] == ',');
	}
	return false;
}

const struct command *command_find(const char *name)
{
	for (size_t i = 0; cli_commands[i]; i++)
		if (!strcmp(cli_commands[i]->name, name) || listed(cli_commands[i]->aliases, name))
			return cli_commands[i];
	return NULL;
}

/* The smallest distance between what was typed and a name or alias of the command. */
static size_t distance(const struct command *cmd, const char *typed)
{
	scoped(strv) names = {0};
	size_t least = SIZE_MAX;

	strv_add(&names, cmd->name);
	if (cmd->aliases)
		strv_split(&names, cmd->aliases, ',');
	for (size_t i = 0; i < names.n; i++) {
		size_t d = str_distance(typed, names.v[i]);
		if (d < least)
			least = d;
	}
	return least;
}

const char *command_nearest(const char *typed)
{
	const char *best = NULL, *space = strchr(typed, ' ');
	size_t least = str_too_far(space ? space + 1 : typed);

	for (size_t i = 0; cli_commands[i]; i++) {
		size_t d = distance(cli_commands[i], typed);
		if (d < least && cli_commands[i]->name[0] != '_') {
			best = cli_commands[i]->name;
			least = d;
		}
	}
	return best;
}

static int unknown_command(const char *name, struct err *e)
{
	const char *near = command_nearest(name), *blank = strchr(name, ' ');
	int group = blank ? (int)(blank - name) : 0; /* its name is right if there are two words */

	if (absent_command(name, e))
		return -EINVAL;
	err_fail(e, ERR_USAGE, "unknown command \"%s\"", name);
	return near ? err_hint(e, "did you mean hoy %s?", near)
		    : err_hint(e, "hoy %.*s%s--help lists the commands", group, name,
			       blank ? " " : "");
}

/* Turns the command line into `help NAME`. */
int cli_ask_help(struct cli *c, const char *name)
{
	c->cmd = command_find("help");
	c->opts = NULL;
	c->args = arena_alloc(&c->arena, 2 * sizeof *c->args);
	c->args[0] = name ? arena_strdup(&c->arena, name) : NULL;
	c->nargs = name ? 1 : 0;
	return 0;
}

/* The command that the words name: one word, or two where the first is a group. Moves *args behind it. Help is asked
 * for if *ret_help. */
static int find_command(char ***args, size_t *nargs, const struct command **ret, bool *ret_help,
			struct err *e)
{
	const struct command *cmd = command_find((*args)[0]);

	if (!cmd)
		return unknown_command((*args)[0], e);
	++*args;
	--*nargs;
	*ret = cmd;
	if (cmd->run)
		return 0;
	if (!*nargs) {
		err_fail(e, ERR_USAGE, "hoy %s needs a command", cmd->name);
		return err_hint(e, "hoy %s --help lists them", cmd->name);
	}
	if (!strcmp((*args)[0], "--help") || !strcmp((*args)[0], "-h")) {
		*ret_help = true;
		return 0;
	}
	autofree char *name = xasprintf("%s %s", cmd->name, (*args)[0]);
	*ret = command_find(name);
	if (!*ret)
		return unknown_command(name, e);
	++*args;
	--*nargs;
	return 0;
}

static int check_operands(const struct cli *c, struct err *e)
{
	const struct command *cmd = c->cmd;
	size_t min, max;

	opt_count_operands(cmd->args, &min, &max);
	if (c->nargs < min)
		err_fail(e, ERR_USAGE, "hoy %s needs %s", cmd->name, cmd->args);
	else if (c->nargs > max && !max)
		err_fail(e, ERR_USAGE, "hoy %s takes no operand, but \"%s\" was given", cmd->name,
			 c->args[0]);
	else if (c->nargs > max)
		err_fail(e, ERR_USAGE, "hoy %s: \"%s\" is one operand too many", cmd->name,
			 c->args[max]);
	else
		return 0;
	return err_hint(e, "usage: hoy %s%s%s%s", cmd->name, cmd->opts ? " [FLAGS]" : "",
			cmd->args ? " " : "", cmd->args ? cmd->args : "");
}

int cli_parse_command(struct cli *c, size_t nargs, char **args, struct err *e)
{
	const struct command *cmd = NULL;
	bool help = false;
	int r = find_command(&args, &nargs, &cmd, &help, e);

	if (r < 0)
		return r;
	if (help)
		return cli_ask_help(c, cmd->name);
	if (c->called == CALLED_PODMAN && cmd->podman_opts) {
		struct command *copy = arena_alloc(&c->arena, sizeof *copy);
		*copy = *cmd;
		copy->opts = cmd->podman_opts;
		cmd = copy;
	}
	c->cmd = cmd;
	c->opts = arena_alloc(&c->arena, cmd->opts_size + 1);
	if (cmd->defaults)
		memcpy(c->opts, cmd->defaults, cmd->opts_size);
	struct opt_rules rules = {cmd->opts, cmd->name, cmd->stop_at_operand, absent_flag};
	r = opt_parse(&rules, (int)nargs, args, c->opts, &c->arena, &c->found, e);
	if (r < 0)
		return r;
	if (c->found.help)
		return cli_ask_help(c, cmd->name);
	c->args = c->found.args;
	c->nargs = c->found.nargs;
	return check_operands(c, e);
}

/* The name of a runtime of the OCI runtime specification, if we are called by one. */
static const char *called_runtime(const char *argv0)
{
	static const char *const names[] = {"hoy-oci", "runc", "crun"};
	const char *slash = argv0 ? strrchr(argv0, '/') : NULL, *name = slash ? slash + 1 : argv0;

	for (size_t i = 0; name && i < countof(names); i++)
		if (!strcmp(name, names[i]))
			return names[i];
	return NULL;
}

/* From here on the words are those of cli/oci.h. */
static int leave_to_oci(struct cli *c, const char *name, size_t nargs, char **args)
{
	c->runtime = name;
	c->nargs = nargs;
	c->args = args;
	return 0;
}

static enum called called_as(const char *argv0)
{
	const char *slash = argv0 ? strrchr(argv0, '/') : NULL;
	const char *name = slash ? slash + 1 : argv0 ? argv0 : "";

	return !strcmp(name, "docker")	 ? CALLED_DOCKER
	       : !strcmp(name, "podman") ? CALLED_PODMAN
					 : CALLED_HOY;
}

int cli_parse(struct cli *c, int argc, char **argv, struct err *e)
{
	static const struct opt_rules global = {cli_global_rows, NULL, true};
	struct opt_found found;

	*c = (struct cli){.called = called_as(argv[0]), .argc = argc, .argv = argv};
	c->level = "info";
	c->progress = true;
	out_init(&c->out, 1);
	if (argc < 1)
		return cli_ask_help(c, NULL);
	const char *runtime = called_runtime(argv[0]);
	if (runtime)
		return leave_to_oci(c, runtime, (size_t)argc - 1, argv + 1);
	int r = opt_parse(&global, argc - 1, argv + 1, c, &c->arena, &found, e);
	if (r < 0)
		return r;
	c->level_typed = opt_given(cli_global_rows, &found, "log-level");
	if (c->debug)
		c->level = "debug";
	if (c->help && found.nargs) {
		const struct command *cmd = command_find(found.args[0]);
		return cmd ? cli_ask_help(c, cmd->name) : unknown_command(found.args[0], e);
	}
	if (c->version && !c->help) {
		c->cmd = command_find("version");
		return 0;
	}
	if (!found.nargs) {
		c->exit = found.help || c->help
				  ? 0
				  : EXIT_ENGINE; /* no command: help, but no success */
		return cli_ask_help(c, NULL);
	}
	if (!strcmp(found.args[0], "oci"))
		return leave_to_oci(c, "hoy oci", found.nargs - 1, found.args + 1);
	return cli_parse_command(c, found.nargs, found.args, e);
}

void cli_free(struct cli *c)
{
	out_free(&c->out);
	arena_free(&c->arena);
}

bool cli_given(const struct cli *c, const char *name)
{
	return opt_given(c->cmd->opts, &c->found, name);
}

/* An error about an option whose value came from hoy.conf: says from where. */
static void explain_default(const struct cli *c, struct err *e)
{
	for (size_t i = 0; i < c->defaulted.n; i++) {
		autofree char *flag = xasprintf("--%s", c->defaulted.v[i].k);
		const char *at = strstr(e->msg, flag);
		char next = at ? at[strlen(flag)] : 'x';
		if (!at || next == '-' || (next >= 'a' && next <= 'z'))
			continue;
		autofree char *hint = xstrdup(e->hint);
		err_hint(e, "%s%s%s is set by %s", hint, *hint ? "; " : "", flag,
			 c->defaulted.v[i].v);
		return;
	}
}

void cli_explain(const struct cli *c, struct err *e)
{
	struct home h = {0};
	struct err ignored;

	explain_default(c, e);
	if (e->id != ERR_PORT_TAKEN || home_open_existing(&h, c->root, &ignored) < 0)
		return;
	holder_explain(&h, e);
	home_free(&h);
}

int cli_report(struct cli *c, const struct err *e)
{
	struct err flush = {0}, more = *e;

	out_flush(&c->out, &flush); /* what was done before stands before the error */
	cli_explain(c, &more);
	output_error(&more);
	if (e->exit > c->exit)
		c->exit = e->exit;
	return 0;
}

static void say(const char *kind, const char *fmt, va_list ap)
{
	char text[1024];

	vsnprintf(text, sizeof text, fmt, ap);
	output_line(kind, text);
}

void cli_note(const struct cli *c, const char *fmt, ...)
{
	va_list ap;

	if (!strcmp(c->level, "warn") || !strcmp(c->level, "error"))
		return;
	va_start(ap, fmt);
	say("note", fmt, ap);
	va_end(ap);
}

void cli_warn(const struct cli *c, const char *fmt, ...)
{
	va_list ap;

	if (!strcmp(c->level, "error"))
		return;
	va_start(ap, fmt);
	say("warning", fmt, ap);
	va_end(ap);
}

void cli_debug(const struct cli *c, const char *fmt, ...)
{
	va_list ap;

	if (str_is_empty(c->level) || strcmp(c->level, "debug"))
		return;
	va_start(ap, fmt);
	say("debug", fmt, ap);
	va_end(ap);
}
