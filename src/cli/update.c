#include "base/base.h"
#include "cli/each.h"
#include "cli/health_rows.h"
#include "cli/limit_rows.h"
#include "engine/update.h"

struct update_opts {
	struct each_which which;
	struct update u;
};

#define TO(kind, field) OPT_TO(kind, struct update_opts, field)
static const struct opt update_rows[] = {
	{"env", 'e', TO(OPT_STRS, u.env), "KEY[=VALUE]",
	 "Set a variable, for each exec from now on and for the container from its next start on"},
	{.kind = OPT_TABLE, .offset = offsetof(struct update_opts, u.health), .sub = health_rows},
	{"restart", 0, TO(OPT_STR, u.restart), "POLICY",
	 "When to start it again: no, on-failure[:NUMBER], always or unless-stopped",
	 COMPLETE_WORDS, "no on-failure on-failure: always unless-stopped"},
	{"ulimit", 0, TO(OPT_STRS, u.ulimits), "NAME=SOFT[:HARD]",
	 "Set a resource limit, for each exec from now on and for the container from its next "
	 "start on"},
	{"unsetenv", 0, TO(OPT_STRS, u.unset_env), "NAME", "Take a variable away, likewise"},
	{.kind = OPT_TABLE, .offset = offsetof(struct update_opts, u.limits), .sub = limit_rows},
	{.kind = OPT_TABLE, .offset = offsetof(struct update_opts, which), .sub = each_which_rows},
	{0},
};
#undef TO

static int update_one(struct cli *c, struct home *h, struct container *ct, const char *text,
		      void *opts, struct err *e)
{
	const struct update_opts *o = opts;
	const char *later;
	int r = container_update(h, ct, &o->u, &later, e);

	if (r == 0 && later)
		cli_warn(c, "%s: %s", ct->state.name, later);
	if (r == 0)
		out_printf(&c->out, "%s\n", text);
	return r;
}

static int update_run(struct cli *c, void *opts, struct err *e)
{
	static const struct update none;
	struct update_opts *o = opts;
	const struct each x = {.which = &o->which, .fn = update_one};

	if (!memcmp(&o->u, &none, sizeof none)) {
		err_fail(e, ERR_USAGE, "update needs something to change");
		return err_hint(e, "as in: hoy update --memory 1g NAME; see hoy update --help");
	}
	return each_container(c, &x, opts, e);
}

const struct command cmd_update = {
	.name = "update",
	.aliases = "container update",
	.group = "Containers",
	.args = "[CONTAINER...]",
	.summary = "Change limits, checks and other settings of containers",
	.description =
		"Changes what is given and leaves the rest. A running container has the new limits "
		"at "
		"once, if it runs in a cgroup of its own (one that was started with a limit does); "
		"one that does not run has them from its next start on. A limit that is given as 0 "
		"is "
		"taken away. If a limit cannot be set, all stay as they were.\n\n"
		"A new health check (--health-cmd and its like, --no-healthcheck) counts at once, "
		"and begins anew.",
	.examples =
		"hoy update --restart always web\n# From its next start on\nhoy update "
		"--memory 1g --cpus 2 "
		"db\n# Another check of what runs\nhoy update --health-cmd 'test -e /ready' web",
	.opts = update_rows,
	.opts_size = sizeof(struct update_opts),
	.complete = COMPLETE_CONTAINER,
	.run = update_run,
};
