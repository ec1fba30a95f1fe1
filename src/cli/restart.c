#include "base/base.h"
#include "cli/run_opts.h"
#include "cli/stop_opts.h"
#include "engine/restart.h"

struct restart_opts {
	struct each_which which;
	bool all, running;
	int64_t time;
	int signal;
};

#define TO(kind, field) OPT_TO(kind, struct restart_opts, field)
static const struct opt restart_rows[] = {
	{"all", 'a', TO(OPT_BOOL, all), NULL, "Restart all containers, whatever their state"},
	{"running", 0, TO(OPT_BOOL, running), NULL,
	 "Only those that run; all of them without names"},
	{"signal", 's', TO(OPT_SIGNAL, signal), "SIGNAL",
	 "Signal that stops it (default: the container's, or TERM)"},
	{"time", 't', TO(OPT_INT, time), "SECONDS",
	 "Seconds from the stop signal to the kill (default: the container's, or 10)",
	 .aliases = "timeout"},
	{.kind = OPT_TABLE, .offset = offsetof(struct restart_opts, which), .sub = each_which_rows},
	{0},
};
#undef TO

static bool running(const struct container *ct)
{
	return container_is_up(ct->status);
}

static int restart_one(struct cli *c, struct home *h, struct container *ct, const char *text,
		       void *opts, struct err *e)
{
	const struct restart_opts *o = opts;
	bool ran = running(ct);
	int sock = -1;

	if (o->running && !ran)
		return 0;
	int r = container_load_config(ct, e);
	if (r == 0 && ran)
		r = container_keep(ct, e);
	if (r == 0 && ran)
		r = stop_and_tell(c, h, ct, o->time, o->signal, e);
	if (r == 0)
		r = container_start_again(h, ct, run_terminal_size(), &sock, e);
	if (r == 0 && sock >= 0)
		r = run_await(c, sock, ct->monitor, e);
	fd_close(&sock);
	if (r == 0)
		out_printf(&c->out, "%s\n", text);
	return r;
}

static int restart_run(struct cli *c, void *opts, struct err *e)
{
	struct restart_opts *o = opts;
	struct each x = {.all = o->all, .which = &o->which, .fn = restart_one};

	/* --running alone means all that run; with names, those of them that do. */
	if (o->running && !c->nargs && !each_is_chosen(&x))
		x.all = true;
	int r = stop_check_time(c, &o->time, e);
	return r < 0 ? r : each_container(c, &x, o, e);
}

static const struct restart_opts restart_defaults = {.time = -1};

const struct command cmd_restart = {
	.name = "restart",
	.aliases = "container restart",
	.group = "Containers",
	.args = "[CONTAINER...]",
	.summary = "Stop containers and start them again",
	.description = "Stops each container as stop does, and starts it again with its own files, "
		       "its log and the settings it was made with. One that does not run is "
		       "started. A container made with --rm is not removed in between.",
	.examples = "hoy restart web\n# All that run, at once\nhoy restart --running -t 0",
	.opts = restart_rows,
	.opts_size = sizeof(struct restart_opts),
	.defaults = &restart_defaults,
	.complete = COMPLETE_CONTAINER,
	.run = restart_run,
};
