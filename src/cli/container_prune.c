#include "base/base.h"
#include "cli/command.h"
#include "cli/confirm.h"
#include "cli/pruned.h"
#include "engine/prune.h"

struct prune_opts {
	bool force, dry_run;
	struct strs filter;
};

#define TO(kind, field) OPT_TO(kind, struct prune_opts, field)
static const struct opt prune_rows[] = {
	{"dry-run", 0, TO(OPT_BOOL, dry_run), NULL, "Only print what would be removed"},
	{"filter", 0, TO(OPT_STRS, filter), "KEY=VALUE",
	 "Remove only what fits: until=TIME, label=KEY[=VALUE], label!=KEY[=VALUE]",
	 .words = "until= label= label!="},
	{"force", 'f', TO(OPT_BOOL, force), NULL, "Do not ask"},
	{0},
};
#undef TO

static int prune_run(struct cli *c, void *opts, struct err *e)
{
	const struct prune_opts *o = opts;
	scoped(home) h = {.fd = -1};
	struct prune_result res;
	int r = 1;

	if (!o->force && !o->dry_run)
		r = confirm("This will remove all containers that do not run.",
			    "hoy container prune -f", e);
	if (r <= 0)
		return r;
	r = home_open(&h, c->root, e);
	if (r < 0)
		return r;
	containers_recover(&h);
	r = containers_prune(&h, &o->filter, o->dry_run, &c->arena, &res, e);
	if (r < 0)
		return r;
	pruned_containers(c, "Deleted Containers:", &res.ids);
	if (c->called == CALLED_DOCKER)
		pruned_total(c, res.bytes);
	else if (isatty(2))
		pruned_note(c, res.ids.n, "container", res.bytes, o->dry_run);
	if (res.failed)
		cli_report(c, &res.why);
	return 0;
}

const struct command cmd_container_prune = {
	.name = "container prune",
	.group = "Containers",
	.summary = "Remove all containers that do not run",
	.description = "Removes containers that have ended or were never started, with their "
		       "writable layers and logs, and prints their IDs. It asks first, if there "
		       "is a terminal to ask on; else it wants --force.\n\n"
		       "TIME of --filter until= is as for hoy logs: 24h are containers made more "
		       "than a day ago.",
	.examples = "hoy container prune\n# In a script, what is older than a day\n"
		    "hoy container prune -f --filter until=24h",
	.opts = prune_rows,
	.opts_size = sizeof(struct prune_opts),
	.run = prune_run,
};
