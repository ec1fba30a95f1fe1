#include "cli/command.h"

static int version_run(struct cli *c, void *opts, struct err *e)
{
	out_text(&c->out, "hoy version " HOY_VERSION "\n");
	return 0;
}

const struct command cmd_version = {
	.name = "version",
	.group = "System",
	.summary = "Show the version",
	.description = "Prints the version of hoy.",
	.examples = "hoy version",
	.run = version_run,
};
