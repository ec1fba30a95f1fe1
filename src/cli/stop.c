#include "base/base.h"
#include "base/parse.h"
#include "cli/stop_opts.h"

struct stop_opts {
	struct each_which which;
	bool all, ignore;
	int64_t time;
	int signal;
};

#define TO(kind, field) OPT_TO(kind, struct stop_opts, field)
static const struct opt stop_rows[] = {
	{"all", 'a', TO(OPT_BOOL, all), NULL, "Stop all running containers"},
	{"ignore", 'i', TO(OPT_BOOL, ignore), NULL, "An unknown container is no error"},
	{"signal", 's', TO(OPT_SIGNAL, signal), "SIGNAL",
	 "Signal to send first (default: the container's, or TERM)"},
	{"time", 't', TO(OPT_INT, time), "SECONDS",
	 "Seconds from the stop signal to the kill (default: the container's, or 10)",
	 .aliases = "timeout"},
	{.kind = OPT_TABLE, .offset = offsetof(struct stop_opts, which), .sub = each_which_rows},
	{0},
};
#undef TO

int stop_check_time(const struct cli *c, int64_t *time, struct err *e)
{
	if (!cli_given(c, "time"))
		return 0;
	if (*time < -1) {
		err_fail(e, ERR_USAGE, "--time is negative");
		return err_hint(e, "it takes seconds; 0 kills at once, -1 waits for ever");
	}
	if (*time == -1)
		*time = INT_MAX / 1000;
	return 0;
}

int stop_and_tell(struct cli *c, const struct home *h, struct container *ct, int64_t time, int sig,
		  struct err *e)
{
	struct stop_report rep;
	int r = container_stop(h, ct, time, sig, &rep, e);

	if (r < 0)
		return r;
	if (rep.how == STOP_NO_HANDLER)
		cli_note(c,
			 "%s: its first process has no handler for %s, which the kernel then "
			 "drops: killed at once",
			 ct->state.name, signal_name(rep.signal));
	else if (rep.how == STOP_TIMED_OUT && rep.timeout)
		cli_warn(c, "%s did not end within %" PRId64 " second%s of %s: killed",
			 ct->state.name, rep.timeout, rep.timeout == 1 ? "" : "s",
			 signal_name(rep.signal));
	return 0;
}

static bool running(const struct container *ct)
{
	return container_is_up(ct->status);
}

static int stop_one(struct cli *c, struct home *h, struct container *ct, const char *text,
		    void *opts, struct err *e)
{
	const struct stop_opts *o = opts;
	int r = stop_and_tell(c, h, ct, o->time, o->signal, e);

	if (r == 0)
		out_printf(&c->out, "%s\n", text);
	return r;
}

static int stop_run(struct cli *c, void *opts, struct err *e)
{
	struct stop_opts *o = opts;
	const struct each x = {.all = o->all,
			       .which = &o->which,
			       .ignore_missing = o->ignore,
			       .wanted = running,
			       .fn = stop_one};
	int r = stop_check_time(c, &o->time, e);

	return r < 0 ? r : each_container(c, &x, o, e);
}

static const struct stop_opts stop_defaults = {.time = -1};

const struct command cmd_stop = {
	.name = "stop",
	.aliases = "container stop",
	.group = "Containers",
	.args = "[CONTAINER...]",
	.summary = "Stop running containers",
	.description = "Sends each container its stop signal (TERM, unless the image or "
		       "--stop-signal says otherwise) and kills it if it "
		       "has not ended after 10 seconds, or after the time given.\n\n"
		       "The kernel drops a signal for which the first process of a container has "
		       "no handler. Where that is certain and no "
		       "time was given, hoy kills the container at once and says so, instead of "
		       "waiting for nothing. A program that has just begun gets three seconds "
		       "from its start to install a handler.",
	.examples = "hoy stop web\n# Give a database a minute\nhoy stop -t 60 db",
	.opts = stop_rows,
	.opts_size = sizeof(struct stop_opts),
	.defaults = &stop_defaults,
	.complete = COMPLETE_RUNNING,
	.run = stop_run,
};
