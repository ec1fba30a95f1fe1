#include "base/base.h"
#include "cli/each.h"
#include "engine/pause.h"

struct unpause_opts {
	struct each_which which;
	bool all;
};

#define TO(kind, field) OPT_TO(kind, struct unpause_opts, field)
static const struct opt unpause_rows[] = {
	{"all", 'a', TO(OPT_BOOL, all), NULL, "Let all paused containers go on"},
	{.kind = OPT_TABLE, .offset = offsetof(struct unpause_opts, which), .sub = each_which_rows},
	{0},
};
#undef TO

static bool paused(const struct container *ct)
{
	return ct->status == CONTAINER_RUNNING && ct->state.paused;
}

static int unpause_one(struct cli *c, struct home *h, struct container *ct, const char *text,
		       void *opts, struct err *e)
{
	int r = container_unpause(h, ct, e);

	if (r == 0)
		out_printf(&c->out, "%s\n", text);
	return r;
}

static int unpause_run(struct cli *c, void *opts, struct err *e)
{
	struct unpause_opts *o = opts;
	const struct each x = {
		.all = o->all, .which = &o->which, .wanted = paused, .fn = unpause_one};

	return each_container(c, &x, o, e);
}

const struct command cmd_unpause = {
	.name = "unpause",
	.aliases = "container unpause",
	.group = "Containers",
	.args = "[CONTAINER...]",
	.summary = "Let paused containers go on",
	.description = "Lets the processes of each container go on that hoy pause holds still.",
	.examples = "hoy pause db\nhoy unpause db\nhoy unpause --all",
	.opts = unpause_rows,
	.opts_size = sizeof(struct unpause_opts),
	.complete = COMPLETE_RUNNING,
	.run = unpause_run,
};
