#include "base/base.h"
#include "cli/each.h"
#include "engine/stop.h"

struct wait_opts {
	bool ignore;
};

#define TO(kind, field) OPT_TO(kind, struct wait_opts, field)
static const struct opt wait_rows[] = {
	{"ignore", 0, TO(OPT_BOOL, ignore), NULL, "An unknown container is no error"},
	{0},
};
#undef TO

static int wait_one(struct cli *c, struct home *h, struct container *ct, const char *text,
		    void *opts, struct err *e)
{
	int code, r = container_wait(h, ct, &code, e);

	if (r == 0)
		out_printf(&c->out, "%d\n", code);
	return r;
}

static int wait_run(struct cli *c, void *opts, struct err *e)
{
	struct wait_opts *o = opts;
	const struct each x = {.ignore_missing = o->ignore, .fn = wait_one};

	return each_container(c, &x, o, e);
}

const struct command cmd_wait = {
	.name = "wait",
	.aliases = "container wait",
	.group = "Containers",
	.args = "CONTAINER...",
	.summary = "Wait until containers end, and print their exit codes",
	.description = "Waits for each container in turn. One that does not run gives the exit "
		       "code of its last run at once.",
	.examples = "hoy wait job",
	.opts = wait_rows,
	.opts_size = sizeof(struct wait_opts),
	.complete = COMPLETE_RUNNING,
	.run = wait_run,
};
