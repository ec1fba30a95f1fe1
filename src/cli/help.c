#include "cli/help.h"

enum { WIDTH = 80, COLUMN = 30, NAMES = 18 };

void help_synopsis(struct str *b, const struct command *cmd)
{
	str_addf(b, "hoy %s", cmd->name);
	if (cmd->opts)
		str_add(b, " [FLAGS]");
	if (!cmd->run)
		str_add(b, " COMMAND");
	if (cmd->args)
		str_addf(b, " %s", cmd->args);
}

void help_spelling(struct str *b, const struct opt *o)
{
	if (o->letter)
		str_addf(b, "-%c, ", o->letter);
	str_addf(b, "--%s", o->name);
	if (o->lone)
		str_addf(b, "[=%s]", o->value);
	else if (o->kind != OPT_BOOL)
		str_addf(b, " %s", o->value ? o->value : "VALUE");
}

void help_meaning(struct str *b, const struct opt *o)
{
	str_add(b, o->help);
	if (o->kind != OPT_CHOICE)
		return;
	str_add(b, " (");
	for (const char *p = o->words; *p; p++) {
		if (*p == ' ')
			str_add(b, ", ");
		else
			str_addc(b, *p);
	}
	str_addc(b, ')');
}

bool help_shows(const struct opt *o)
{
	return !(o->flags & (OPT_HIDDEN | OPT_IGNORED));
}

const char *help_name_in_group(const struct command *cmd, const char *group, size_t *len)
{
	size_t n = strlen(group);

	for (const char *p = cmd->name, *next = cmd->aliases; p;) {
		size_t k = strcspn(p, ",");
		if (k > n + 1 && !strncmp(p, group, n) && p[n] == ' ') {
			*len = k - n - 1;
			return p + n + 1;
		}
		p = p == cmd->name ? next : p[k] ? p + k + 1 : NULL;
	}
	return NULL;
}

/* Two columns: left at two blanks, right from COLUMN on, wrapped. */
static void two_columns(struct str *b, const char *left, const char *right, size_t column)
{
	scoped(str) text = {0};
	size_t w = output_columns(left) + 2;

	output_wrap(&text, right, column, WIDTH);
	str_addf(b, "  %s", left);
	if (w + 2 > column)
		str_addf(b, "\n%s", str_cstr(&text));
	else
		str_addf(b, "%*s%s", (int)(column - w), "", str_cstr(&text) + column);
}

static void list_rows(struct str *b, const struct opt *rows, const char *headline)
{
	for (struct opt_walk w = opt_first(rows); w.row; opt_next(&w)) {
		scoped(str) left = {0}, right = {0};
		if (!help_shows(w.row))
			continue;
		if (headline)
			str_addf(b, "\n%s:\n", headline);
		headline = NULL;
		if (!w.row->letter)
			str_add(&left, "    "); /* so that the long names stand below each other */
		help_spelling(&left, w.row);
		help_meaning(&right, w.row);
		two_columns(b, str_cstr(&left), str_cstr(&right), COLUMN);
	}
}

static void list_commands_of(struct str *b, const char *headline)
{
	str_addf(b, "\n%s:\n", headline);
	for (size_t i = 0; cli_commands[i]; i++)
		if (str_eq(cli_commands[i]->group, headline))
			two_columns(b, cli_commands[i]->name, cli_commands[i]->summary, NAMES);
}

/* Each headline once, in the order of the table. */
static void list_all_commands(struct str *b)
{
	for (size_t i = 0; cli_commands[i]; i++) {
		const char *group = cli_commands[i]->group;
		size_t k = 0;
		while (k < i && !str_eq(cli_commands[k]->group, group))
			k++;
		if (group && k == i)
			list_commands_of(b, group);
	}
}

static void overview(struct str *b)
{
	str_add(b, "hoy runs containers without root and without a daemon.\n\n"
		   "Usage: hoy [FLAGS] COMMAND ...\n");
	list_all_commands(b);
	list_rows(b, cli_global_rows, "Flags (before the command)");
	str_add(b, "\nhoy help COMMAND explains a command, hoy help E-ID an error,\n"
		   "hoy help errors lists all errors.\n");
}

static void group_page(struct str *b, const struct command *group)
{
	str_add(b, "Usage: ");
	help_synopsis(b, group);
	str_add(b, " ...\n\n");
	output_wrap(b, group->description, 0, WIDTH);
	str_add(b, "\nCommands:\n");
	for (size_t i = 0; cli_commands[i]; i++) {
		size_t n;
		const char *name = help_name_in_group(cli_commands[i], group->name, &n);
		if (!name)
			continue;
		autofree char *left = xstrndup(name, n);
		two_columns(b, left, cli_commands[i]->summary, NAMES);
	}
	if (group->opts)
		list_rows(b, group->opts, "Flags");
	str_addf(b, "\nhoy help %s COMMAND explains a command.\n", group->name);
}

static void indented(struct str *b, const char *lines)
{
	for (const char *p = lines; *p;) {
		size_t n = strcspn(p, "\n");
		str_addf(b, "  %.*s\n", (int)n, p);
		p += n + (p[n] == '\n');
	}
}

static void command_page(struct str *b, const struct command *cmd)
{
	str_add(b, "Usage: ");
	help_synopsis(b, cmd);
	str_addc(b, '\n');
	if (cmd->aliases)
		str_add(b, "Also:  ");
	for (const char *p = cmd->aliases; p && *p;) {
		size_t n = strcspn(p, ",");
		str_addf(b, "hoy %.*s%s", (int)n, p, p[n] ? ", " : "\n");
		p += n + (p[n] == ',');
	}
	str_addf(b, "\n%s.\n\n", cmd->summary);
	output_wrap(b, cmd->description, 0, WIDTH);
	list_rows(b, cmd->opts, "Flags");
	str_add(b, "\nExamples:\n");
	indented(b, cmd->examples);
	if (cmd->exits) {
		str_add(b, "\nExit status:\n");
		indented(b, cmd->exits);
	}
}

static void error_list(struct str *b)
{
	str_add(b, "Every error of hoy has one of these names. hoy help E-ID explains one.\n\n");
	for (unsigned i = 0; i < ERR_ID_COUNT; i++)
		str_addf(b, "  %s\n", err_id_name(i));
}

static int error_page(struct str *b, const char *name, struct err *e)
{
	enum err_id id;

	if (err_id_find(name, &id)) {
		str_addf(b, "%s\n\n", err_id_name(id));
		output_wrap(b, err_id_text(id), 0, WIDTH);
		return 0;
	}
	err_fail(e, ERR_USAGE, "there is no error with the id %s", name);
	return err_hint(e, "hoy help errors lists them");
}

int help_page(struct str *b, const char *name, struct err *e)
{
	const struct command *cmd = name ? command_find(name) : NULL;

	if (!name) {
		overview(b);
	} else if (!strcmp(name, "errors")) {
		error_list(b);
	} else if (!strncasecmp(name, "E-", 2)) {
		return error_page(b, name, e);
	} else if (!cmd) {
		const char *near = command_nearest(name);
		err_fail(e, ERR_USAGE, "there is no command \"%s\"", name);
		return near ? err_hint(e, "did you mean hoy help %s?", near)
			    : err_hint(e, "hoy help lists the commands");
	} else if (!cmd->run) {
		group_page(b, cmd);
	} else {
		command_page(b, cmd);
	}
	return 0;
}

static int help_run(struct cli *c, void *opts, struct err *e)
{
	scoped(str) page = {0}, name = {0};

	for (size_t i = 0; i < c->nargs; i++)
		str_addf(&name, "%s%s", i ? " " : "", c->args[i]);
	int r = help_page(&page, c->nargs ? str_cstr(&name) : NULL, e);
	if (r < 0)
		return r;
	out_bytes(&c->out, page.s, page.len);
	return 0;
}

const struct command cmd_help = {
	.name = "help",
	.group = "System",
	.args = "[COMMAND...]",
	.summary = "Explain a command or an error",
	.description =
		"Without an operand, lists the commands. With the name of a command, of a group of "
		"commands (image, container, system) or with the id of an error (E-USAGE), "
		"explains "
		"it. `hoy help errors` lists the ids of all errors.",
	.examples = "hoy help run\nhoy help image ls\nhoy help E-USAGE",
	.run = help_run,
	.complete = COMPLETE_COMMAND,
};
