#include "base/base.h"
#include "cli/confirm.h"
#include "cli/network.h"
#include "cli/pruned.h"

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
	struct networks_pruned res;
	int r = 1;

	if (!o->force && !o->dry_run)
		r = confirm("This will remove all networks that no container is in.",
			    "hoy network prune -f", e);
	if (r <= 0)
		return r;
	r = home_open(&h, c->root, e);
	if (r < 0)
		return r;
	containers_recover(&h);
	r = networks_prune(&h, &o->filter, o->dry_run, NULL, &c->arena, &res, e);
	if (r < 0)
		return r;
	pruned_networks(c, "Deleted Networks:", &res.names);
	if (res.failed)
		cli_report(c, &res.why);
	return 0;
}

const struct command cmd_network_prune = {
	.name = "network prune",
	.group = "Networks",
	.summary = "Remove all networks that no container is in",
	.description =
		"Removes the networks that no container is in, running or not, and prints their "
		"names; bridge stays. It asks first, if there is a terminal to ask on; else it "
		"wants --force.\n\n"
		"TIME of --filter until= is as for hoy logs: 24h are networks made more than a day "
		"ago.",
	.examples = "hoy network prune\n# What would go\nhoy network prune --dry-run\n"
		    "hoy network prune -f --filter label=ci",
	.opts = prune_rows,
	.opts_size = sizeof(struct prune_opts),
	.run = prune_run,
};
