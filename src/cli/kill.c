#include <signal.h>

#include "base/base.h"
#include "cli/each.h"
#include "engine/stop.h"

struct kill_opts {
	struct each_which which;
	bool all;
	int signal;
};

#define TO(kind, field) OPT_TO(kind, struct kill_opts, field)
static const struct opt kill_rows[] = {
	{"all", 'a', TO(OPT_BOOL, all), NULL, "Signal all running containers"},
	{"signal", 's', TO(OPT_SIGNAL, signal), "SIGNAL", "Signal to send (default KILL)"},
	{.kind = OPT_TABLE, .offset = offsetof(struct kill_opts, which), .sub = each_which_rows},
	{0},
};
#undef TO

static bool running(const struct container *ct)
{
	return container_is_up(ct->status);
}

static int kill_one(struct cli *c, struct home *h, struct container *ct, const char *text,
		    void *opts, struct err *e)
{
	struct kill_opts *o = opts;
	int r = container_kill(h, ct, o->signal, e);

	if (r == 0 &&
	    (o->signal == SIGKILL ||
	     ct->status == CONTAINER_RESTARTING)) /* so that the next command sees it ended */
		r = container_await_end(ct, 10000, e);
	if (r == 0)
		out_printf(&c->out, "%s\n", text);
	return r;
}

static int kill_run(struct cli *c, void *opts, struct err *e)
{
	struct kill_opts *o = opts;
	const struct each x = {
		.all = o->all, .which = &o->which, .wanted = running, .fn = kill_one};

	return each_container(c, &x, o, e);
}

static const struct kill_opts kill_defaults = {.signal = SIGKILL};

const struct command cmd_kill = {
	.name = "kill",
	.aliases = "container kill",
	.group = "Containers",
	.args = "[CONTAINER...]",
	.summary = "Send a signal to running containers",
	.description = "Sends KILL, or another signal, to the first process of each container.",
	.examples = "hoy kill db\n# Many servers read their configuration again then\nhoy kill -s "
		    "HUP web",
	.opts = kill_rows,
	.opts_size = sizeof(struct kill_opts),
	.defaults = &kill_defaults,
	.complete = COMPLETE_RUNNING,
	.run = kill_run,
};
