#include "base/base.h"
#include "cli/each.h"
#include "engine/pause.h"

struct pause_opts {
	struct each_which which;
	bool all, told;
};

#define TO(kind, field) OPT_TO(kind, struct pause_opts, field)
static const struct opt pause_rows[] = {
	{"all", 'a', TO(OPT_BOOL, all), NULL, "Pause all running containers"},
	{.kind = OPT_TABLE, .offset = offsetof(struct pause_opts, which), .sub = each_which_rows},
	{0},
};
#undef TO

static bool running(const struct container *ct)
{
	return ct->status == CONTAINER_RUNNING && !ct->state.paused;
}

static int pause_one(struct cli *c, struct home *h, struct container *ct, const char *text,
		     void *opts, struct err *e)
{
	struct pause_opts *o = opts;
	bool by_signals;
	int r = container_pause(h, ct, &by_signals, e);

	if (r < 0)
		return r;
	if (by_signals && !o->told)
		cli_note(c,
			 "%s has no cgroup of its own, whose freezer nobody inside could see: its "
			 "processes were stopped by SIGSTOP",
			 ct->state.name);
	o->told |= by_signals;
	out_printf(&c->out, "%s\n", text);
	return 0;
}

static int pause_run(struct cli *c, void *opts, struct err *e)
{
	struct pause_opts *o = opts;
	const struct each x = {
		.all = o->all, .which = &o->which, .wanted = running, .fn = pause_one};

	return each_container(c, &x, o, e);
}

const struct command cmd_pause = {
	.name = "pause",
	.aliases = "container pause",
	.group = "Containers",
	.args = "[CONTAINER...]",
	.summary = "Hold all processes of containers still",
	.description =
		"Holds all processes of each container still until hoy unpause: by the freezer of "
		"its cgroup, if it has one of its own (one that was started with a limit has), "
		"else by SIGSTOP, which is said. A process with children can see a SIGSTOP of "
		"those; one that was stopped before stays so after the unpause.\n\n"
		"A paused container keeps its memory, ports and connections. stop, restart, kill "
		"and rm -f work on it; exec is refused.",
	.examples =
		"hoy pause db\nhoy unpause db\n# Everything, to have the processors for something "
		"else\nhoy pause --all",
	.opts = pause_rows,
	.opts_size = sizeof(struct pause_opts),
	.complete = COMPLETE_RUNNING,
	.run = pause_run,
};
