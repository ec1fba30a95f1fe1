#include "cli/command.h"

enum { WIDTH = 80 };

static void help_overview(struct str *b)
{
	str_add(b, "Usage: hoy [FLAGS] COMMAND ...\n");
	for (size_t i = 0; cli_commands[i]; i++)
		if (cli_commands[i]->group)
			str_addf(b, "  %-16s %s\n", cli_commands[i]->name,
				 cli_commands[i]->summary);
}

static void help_command(struct str *b, const struct command *cmd)
{
	str_addf(b, "Usage: hoy %s%s%s%s\n\n", cmd->name, cmd->opts ? " [FLAGS]" : "",
		 cmd->args ? " " : "", cmd->args ? cmd->args : "");
	output_wrap(b, cmd->description, 0, WIDTH);
	str_add(b, cmd->opts ? "\nFlags:\n" : "");
	for (struct opt_walk w = opt_first(cmd->opts); w.row; opt_next(&w))
		if (!(w.row->flags & (OPT_HIDDEN | OPT_IGNORED)))
			str_addf(b, "  --%s %s  %s\n", w.row->name,
				 w.row->value ? w.row->value : "", w.row->help);
}

static int help_run(struct cli *c, void *opts, struct err *e)
{
	scoped(str) b = {0};

	if (!c->nargs) {
		help_overview(&b);
	} else {
		scoped(str) name = {0};
		for (size_t i = 0; i < c->nargs; i++)
			str_addf(&name, "%s%s", i ? " " : "", c->args[i]);
		const struct command *cmd = command_find(str_cstr(&name));
		if (!cmd)
			return err_fail(e, ERR_USAGE, "no command \"%s\"", str_cstr(&name));
		help_command(&b, cmd);
	}
	out_bytes(&c->out, b.s, b.len);
	return 0;
}

const struct command cmd_help = {
	.name = "help",
	.group = "System",
	.args = "[COMMAND...]",
	.summary = "Explain a command",
	.description = "Prints what a command does and which flags it takes.",
	.examples = "hoy help run",
	.run = help_run,
	.complete = COMPLETE_COMMAND,
};
