#include "base/base.h"
#include "cli/each.h"
#include "cli/limit_rows.h"
#include "engine/update.h"

struct update_opts {
	struct limit_opts limits;
	const char *restart;
};

static const struct opt update_rows[] = {
	{"restart", 0, OPT_TO(OPT_STR, struct update_opts, restart), "POLICY",
	 "When to start it again: no, on-failure[:NUMBER], always or unless-stopped",
	 COMPLETE_WORDS, "no on-failure on-failure: always unless-stopped"},
	{.kind = OPT_TABLE, .offset = offsetof(struct update_opts, limits), .sub = limit_rows},
	{0},
};

static int update_one(struct cli *c, struct home *h, struct container *ct, const char *text,
		      void *opts, struct err *e)
{
	const struct update_opts *o = opts;
	int r = container_update(h, ct, &o->limits, o->restart, e);

	if (r == 0)
		out_printf(&c->out, "%s\n", text);
	return r;
}

static int update_run(struct cli *c, void *opts, struct err *e)
{
	static const struct update_opts none;
	const struct each x = {.fn = update_one};

	if (!memcmp(opts, &none, sizeof none)) {
		err_fail(e, ERR_USAGE, "update needs something to change");
		return err_hint(e, "as in: hoy update --memory 1g NAME; see hoy update --help");
	}
	return each_container(c, &x, opts, e);
}

const struct command cmd_update = {
	.name = "update",
	.aliases = "container update",
	.group = "Containers",
	.args = "CONTAINER...",
	.summary = "Change limits and restart policies of containers",
	.description =
		"Changes what is given and leaves the rest. A running container has the new limits "
		"at "
		"once, if it runs in a cgroup of its own (one that was started with a limit does); "
		"one that does not run has them from its next start on. A limit that is given as 0 "
		"is "
		"taken away. If a limit cannot be set, all stay as they were.",
	.examples = "hoy update --restart always web\n# From its next start on\nhoy update "
		    "--memory 1g --cpus 2 "
		    "db",
	.opts = update_rows,
	.opts_size = sizeof(struct update_opts),
	.complete = COMPLETE_CONTAINER,
	.run = update_run,
};
