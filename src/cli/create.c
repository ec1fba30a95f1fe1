#include "base/base.h"
#include "cli/health_rows.h"
#include "cli/limit_rows.h"
#include "cli/run_opts.h"

static const struct opt create_rows[] = {
	{.kind = OPT_TABLE, .sub = run_common_rows},
	{.kind = OPT_TABLE, .offset = offsetof(struct run_opts, health), .sub = health_rows},
	{.kind = OPT_TABLE, .offset = offsetof(struct run_opts, limits), .sub = limit_rows},
	{.kind = OPT_TABLE, .offset = offsetof(struct run_opts, limits), .sub = limit_place_rows},
	{0},
};

static int create_run(struct cli *c, void *opts, struct err *e)
{
	struct container ct;
	struct home h = {.fd = -1};
	int r = run_create(c, opts, false, true, &h, &ct, e);

	if (r == 0 && ((struct run_opts *)opts)->dry)
		run_dry(c, &ct);
	else if (r == 0)
		out_printf(&c->out, "%s\n", ct.id);
	else if (ct.dir >= 0) /* made, but its cidfile could not be */
		container_remove_files(&h, &ct, true, NULL);
	container_free(&ct);
	home_free(&h);
	return r;
}

const struct command cmd_create = {
	.name = "create",
	.aliases = "container create",
	.group = "Containers",
	.args = "IMAGE [COMMAND [ARG...]]",
	.summary = "Make a container without starting it",
	.description = "Makes a container as run does and prints its ID. hoy start starts it.",
	.examples = "hoy create --name web busybox httpd -f\nhoy start web",
	.opts = create_rows,
	.opts_size = sizeof(struct run_opts),
	.defaults = &run_defaults,
	.stop_at_operand = true,
	.complete = COMPLETE_IMAGE,
	.run = create_run,
};
