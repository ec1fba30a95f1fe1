#include "base/base.h"
#include "cli/each.h"
#include "base/parse.h"
#include "engine/stop.h"
#include "engine/wait.h"

struct wait_opts {
	struct each_which which;
	bool ignore;
	struct strs conditions;
	const char *interval;
	unsigned wanted; /* of conditions */
	int64_t interval_ms;
};

#define TO(kind, field) OPT_TO(kind, struct wait_opts, field)
static const struct opt wait_rows[] = {
	{"condition", 0, TO(OPT_CSV, conditions), "CONDITION",
	 "Wait until it is so, instead of its end: running, healthy, exited, removed and others",
	 .words = "created running restarting paused exited stopped healthy unhealthy removed "
		  "not-running next-exit",
	 .complete = COMPLETE_WORDS},
	{"ignore", 0, TO(OPT_BOOL, ignore), NULL, "An unknown container is no error: it prints -1"},
	{"interval", 'i', TO(OPT_STR, interval), "TIME",
	 "Where the kernel cannot tell of changes, look so often (default 250ms)"},
	{.kind = OPT_TABLE, .offset = offsetof(struct wait_opts, which), .sub = each_which_rows},
	{0},
};
#undef TO

static int wait_one(struct cli *c, struct home *h, struct container *ct, const char *text,
		    void *opts, struct err *e)
{
	const struct wait_opts *o = opts;
	int code, r = o->wanted ? container_wait_for(h, ct, o->wanted, o->interval_ms, &code, e)
				: container_wait(h, ct, &code, e);

	if (r == 0)
		out_printf(&c->out, "%d\n", code);
	return r;
}

static void no_such(struct cli *c)
{
	out_printf(&c->out, "-1\n");
}

/* A duration; a number alone is milliseconds, as podman has it. */
static int parse_interval(struct wait_opts *o, struct err *e)
{
	uint64_t ms = 250;
	int64_t ns = 0;

	if (o->interval && parse_u64(o->interval, INT_MAX, &ms) < 0) {
		if (parse_duration(o->interval, &ns) < 0 || ns <= 0 || ns / 1000000 > INT_MAX) {
			err_fail(e, ERR_USAGE, "--interval \"%.40s\" is not a duration",
				 o->interval);
			return err_hint(e, "it takes 250ms, 2s, or a number of milliseconds");
		}
		ms = (uint64_t)ns / 1000000;
	}
	o->interval_ms = ms ? (int64_t)ms : 1;
	return 0;
}

static int wait_run(struct cli *c, void *opts, struct err *e)
{
	struct wait_opts *o = opts;
	const struct each x = {.which = &o->which,
			       .ignore_missing = o->ignore,
			       .missing = no_such,
			       .fn = wait_one};
	int r = parse_interval(o, e);

	for (size_t i = 0; i < o->conditions.n && r == 0; i++)
		r = wait_parse(o->conditions.v[i], &o->wanted, e);
	return r < 0 ? r : each_container(c, &x, o, e);
}

const struct command cmd_wait = {
	.name = "wait",
	.aliases = "container wait",
	.group = "Containers",
	.args = "[CONTAINER...]",
	.summary = "Wait until containers end, and print their exit codes",
	.description =
		"Waits for each container in turn, and prints the exit code. One that does not run "
		"gives "
		"the exit code of its last run at once; one with a restart policy that of the run "
		"that "
		"ends.\n\n"
		"--condition waits for something else; of several, one is enough: created (also "
		"configured, initialized), running, restarting, paused, healthy, unhealthy, exited "
		"(also stopped, stopping, not-running), next-exit (a run ends from now on), "
		"removed "
		"(also removing), unknown (its supervisor was killed). Where it is not an end, -1 "
		"is "
		"printed.",
	.examples = "hoy wait job\nhoy wait --condition running,exited db",
	.opts = wait_rows,
	.opts_size = sizeof(struct wait_opts),
	.complete = COMPLETE_RUNNING,
	.run = wait_run,
};
