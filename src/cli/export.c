#include "base/base.h"
#include "cli/command.h"
#include "engine/export.h"

struct export_opts {
	const char *output;
};

static const struct opt export_rows[] = {
	{"output", 'o', OPT_TO(OPT_STR, struct export_opts, output), "FILE",
	 "Write this file, not standard output", .complete = COMPLETE_FILE},
	{0},
};

static int export_run(struct cli *c, void *opts, struct err *e)
{
	const struct export_opts *o = opts;
	scoped(home) h = {.fd = -1};
	scoped(tree) t = TREE_NONE;
	int r = home_open(&h, c->root, e);

	if (r == 0)
		r = tree_find(&h, c->args[0], TREE_CONTAINER, "export", &t, e);
	return r < 0 ? r : container_export(&h, &t, str_eq(o->output, "-") ? NULL : o->output, e);
}

const struct command cmd_export = {
	.name = "export",
	.aliases = "container export",
	.group = "Containers",
	.args = "CONTAINER",
	.summary = "Write the files of a container as a tar",
	.description = "Writes all files of a container, running or not: those of its image and "
		       "what it has "
		       "changed, in the order of their names. What is mounted into it stays out, "
		       "and so do "
		       "the settings of its image; hoy commit keeps those.\n\n"
		       "hoy import, podman import and docker import make an image of it. A file "
		       "gets its name "
		       "when it is complete.",
	.examples = "hoy export -o web.tar web\nhoy export web | tar -tv\n"
		    "hoy export web | hoy import - web:flat",
	.opts = export_rows,
	.opts_size = sizeof(struct export_opts),
	.run = export_run,
	.complete = COMPLETE_CONTAINER,
};
