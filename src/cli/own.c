#include "base/base.h"
#include "cli/command.h"
#include "engine/own.h"

struct own_opts {
	bool dry, quiet;
};

static const struct opt own_rows[] = {
	{"dry-run", 'n', OPT_TO(OPT_BOOL, struct own_opts, dry), NULL,
	 "Change nothing, only say how many files it would be"},
	{"quiet", 'q', OPT_TO(OPT_BOOL, struct own_opts, quiet), NULL, "Print nothing"},
	{0},
};

static int own_run(struct cli *c, void *opts, struct err *e)
{
	const struct own_opts *o = opts;
	scoped(home) h = {.fd = -1};
	int r = home_open(&h, c->root, e);

	for (size_t i = 0; i < c->nargs && r == 0; i++) {
		struct own_result got;
		r = own_back(&h, c->args[i], o->dry, &got, e);
		if (r < 0)
			break;
		if (!o->quiet)
			out_printf(&c->out, "%s: %" PRIu64 " %s\n", c->args[i], got.given,
				   o->dry ? "would be yours" : "are yours now");
		if (got.others)
			cli_note(c, "%s: %" PRIu64 " files of others stay as they are", c->args[i],
				 got.others);
	}
	return r;
}

const struct command cmd_own = {
	.name = "own",
	.group = "System",
	.args = "PATH...",
	.summary = "Get files back that a container's users own",
	.description =
		"Files that a container has written into a directory of this machine, or that were "
		"given to its user with the option U of --volume, can belong to your subordinate "
		"IDs. You can then not change them any more. This gives them to you, with all that "
		"lies below PATH.\n\n"
		"Links are not followed, other file systems below PATH are left alone, and so are "
		"files of other people. What may be a set-user-ID program loses that bit.",
	.examples = "hoy own site\nhoy own --dry-run site",
	.opts = own_rows,
	.opts_size = sizeof(struct own_opts),
	.run = own_run,
	.complete = COMPLETE_FILE,
};
