#include "base/base.h"
#include "cli/confirm.h"
#include "cli/pruned.h"
#include "cli/volume.h"

struct prune_opts {
	bool all, force, dry_run;
	struct strs filter;
};

#define TO(kind, field) OPT_TO(kind, struct prune_opts, field)
static const struct opt prune_rows[] = {
	{"all", 'a', TO(OPT_BOOL, all), NULL,
	 "Those with a name too (they always go, if not called docker)"},
	{"dry-run", 0, TO(OPT_BOOL, dry_run), NULL, "Only print what would be removed"},
	{"filter", 0, TO(OPT_STRS, filter), "KEY=VALUE",
	 "Remove only what fits: label, label!, until, since, anonymous, name, driver, opt, all",
	 .words = "label= label!= until= since=<:volume> anonymous=<true|false> name= driver= "
		  "opt= all=<true|false>"},
	{"force", 'f', TO(OPT_BOOL, force), NULL, "Do not ask"},
	{0},
};
#undef TO

static int prune_run(struct cli *c, void *opts, struct err *e)
{
	const struct prune_opts *o = opts;
	bool docker = c->called == CALLED_DOCKER, anonymous = docker && !o->all;
	scoped(home) h = {.fd = -1};
	struct volumes_pruned res;
	int r = 1;

	if (!o->force && !o->dry_run)
		r = confirm(anonymous ? "This will remove all volumes without a name that no "
					"container uses, with their data."
				      : "This will remove all volumes that no container uses, with "
					"their data.",
			    "hoy volume prune -f", e);
	if (r <= 0)
		return r;
	r = home_open(&h, c->root, e);
	if (r < 0)
		return r;
	containers_recover(&h);
	r = volumes_prune(&h, &o->filter, anonymous, o->dry_run, NULL, &c->arena, &res, e);
	if (r < 0)
		return r;
	pruned_volumes(c, "Deleted Volumes:", &res.names);
	if (docker)
		pruned_total(c, res.bytes);
	else
		pruned_note(c, res.names.n, "volume", res.bytes, o->dry_run);
	if (res.failed)
		cli_report(c, &res.why);
	return 0;
}

const struct command cmd_volume_prune = {
	.name = "volume prune",
	.group = "Volumes",
	.summary = "Remove all volumes that no container uses",
	.description =
		"Removes the volumes that no container uses, running or not, with all that is in "
		"them, and prints their names. Called docker, only those without a name, unless "
		"--all is given. It asks first, if there is a terminal to ask on; else it wants "
		"--force.\n\n"
		"TIME of --filter until= is as for hoy logs: 24h are volumes made more than a day "
		"ago.",
	.examples = "hoy volume prune -f\n# What would go\nhoy volume prune --dry-run\n"
		    "hoy volume prune -f --filter label=ci",
	.opts = prune_rows,
	.opts_size = sizeof(struct prune_opts),
	.run = prune_run,
};
