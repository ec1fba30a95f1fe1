#include "base/base.h"
#include "cli/command.h"
#include "cli/confirm.h"
#include "cli/pruned.h"

struct prune_opts {
	bool all, force, dry_run, cache;
	struct strs filter;
};

#define TO(kind, field) OPT_TO(kind, struct prune_opts, field)
static const struct opt prune_rows[] = {
	{"all", 'a', TO(OPT_BOOL, all), NULL, "Remove all images that no container uses"},
	{"build-cache", 0, TO(OPT_BOOL, cache), NULL, "Remove what builds keep, too"},
	{"dry-run", 0, TO(OPT_BOOL, dry_run), NULL, "Only print what would be removed"},
	{"external", 0, OPT_BOOL,
	 .help = "Do not look at containers of other engines (there are none in this store)",
	 .flags = OPT_IGNORED},
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
	struct image_prune_opts p = {.filters = o->filter, .all = o->all, .dry = o->dry_run};
	scoped(home) h = {.fd = -1};
	struct image_prune_result res;
	int r = 1;

	if (!o->force && !o->dry_run)
		r = confirm(o->all ? "This will remove all images that no container uses."
				   : "This will remove all images without a name.",
			    o->all ? "hoy image prune -a -f" : "hoy image prune -f", e);
	if (r <= 0)
		return r;
	r = home_open(&h, c->root, e);
	if (r == 0)
		r = images_prune(&h, &p, &c->arena, &res, e);
	if (r < 0)
		return r;
	pruned_images(c, "Deleted Images:", &res);
	if (o->cache) {
		int64_t bytes;
		r = prune_cache(c, &h, &o->filter, o->all, o->dry_run, &bytes, e);
		if (r < 0)
			return r;
		res.bytes += bytes;
	}
	if (c->called == CALLED_DOCKER)
		pruned_total(c, res.bytes);
	else if (isatty(2))
		pruned_note(c, res.n, "image", res.bytes, o->dry_run);
	if (res.failed)
		cli_report(c, &res.why);
	return 0;
}

const struct command cmd_image_prune = {
	.name = "image prune",
	.group = "Images",
	.summary = "Remove images without a name, or all that no container uses",
	.description =
		"Removes images that have no name any more and that no container uses, and with "
		"--all also those that have one, and prints their IDs. It asks first, if there is "
		"a terminal to ask on; else it wants --force.\n\n"
		"It works on a full disk, and takes away what interrupted commands have left. "
		"TIME of --filter until= is as for hoy logs: 24h are images made more than a day "
		"ago.",
	.examples = "hoy image prune\n# What would --all remove?\nhoy image prune -a --dry-run\n"
		    "hoy image prune -a -f --filter until=240h",
	.opts = prune_rows,
	.opts_size = sizeof(struct prune_opts),
	.run = prune_run,
};
