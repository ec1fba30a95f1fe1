#include <sys/mman.h>

#include "base/base.h"
#include "base/task.h"
#include "cli/each.h"
#include "base/parse.h"
#include "engine/stop.h"
#include "engine/wait.h"

struct wait_opts {
	struct each_which which;
	bool ignore, first;
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
	{"exit-first-match", 0, TO(OPT_BOOL, first), NULL,
	 "Of several containers the first that is so is enough"},
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

/* One container's waiting, in a process of its own. */
struct racer {
	struct cli *c;
	struct home *h;
	const struct wait_opts *o;
	const char *text;
	int *code; /* shared */
};

static int race(void *arg, struct err *e)
{
	const struct racer *x = arg;
	struct container ct = {.dir = -1};
	int r = container_open(x->h, x->text, &ct, e);

	if (r < 0)
		return r;
	return x->o->wanted
		       ? container_wait_for(x->h, &ct, x->o->wanted, x->o->interval_ms, x->code, e)
		       : container_wait(x->h, &ct, x->code, e);
}

static int wait_first(struct cli *c, const struct wait_opts *o, struct err *e)
{
	size_t n = c->nargs, done = n, size = (n + 1) * sizeof(int);
	struct task *tasks = arena_alloc(&c->arena, (n + 1) * sizeof *tasks);
	struct task_wait w = TASK_WAIT_ONLY;
	scoped(home) h = {.fd = -1};
	int r = home_open(&h, c->root, e);

	if (r < 0)
		return r;
	containers_recover(&h);
	int *codes = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (codes == MAP_FAILED)
		return err_set(e, errno, "get memory");
	for (size_t i = 0; i < n; i++)
		tasks[i] = TASK_NONE;
	for (size_t i = 0; i < n && r == 0; i++) {
		struct racer x = {c, &h, o, c->args[i], &codes[i]};
		r = task_start(&tasks[i], race, &x, e);
	}
	if (r == 0)
		r = task_wait(tasks, n, &w, &done, e);
	for (size_t i = 0; i < n; i++)
		task_kill(&tasks[i]);
	if (r == 0 && done < n)
		out_printf(&c->out, "%d\n", codes[done]);
	munmap(codes, size);
	return r < 0 ? r : 0;
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
	if (r == 0 && o->first && c->nargs > 1)
		return wait_first(c, o, e);
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
