#include "base/base.h"
#include "cli/command.h"
#include "cli/confirm.h"
#include "cli/pruned.h"
#include "engine/network.h"
#include "engine/prune.h"
#include "engine/volume.h"

struct prune_opts {
	bool all, force, dry_run, volumes, build;
	struct strs filter;
};

#define TO(kind, field) OPT_TO(kind, struct prune_opts, field)
static const struct opt prune_rows[] = {
	{"all", 'a', TO(OPT_BOOL, all), NULL,
	 "Remove all images that no container uses, not only those without a name"},
	{"build", 0, TO(OPT_BOOL, build), NULL,
	 "Remove what builds keep (also done with --all, and called docker)"},
	{"dry-run", 0, TO(OPT_BOOL, dry_run), NULL, "Only print what would be removed"},
	{"external", 0, OPT_BOOL,
	 .help = "Remove what interrupted commands have left (this is always done)",
	 .flags = OPT_IGNORED},
	{"filter", 0, TO(OPT_STRS, filter), "KEY=VALUE",
	 "Remove only what fits: until=TIME, label=KEY[=VALUE], label!=KEY[=VALUE]",
	 .words = "until= label= label!="},
	{"force", 'f', TO(OPT_BOOL, force), NULL, "Do not ask"},
	{"volumes", 0, TO(OPT_BOOL, volumes), NULL,
	 "Remove volumes too that no container uses then (called docker: those without a name)"},
	{0},
};
#undef TO

static int ask(const struct prune_opts *o, bool cache, struct err *e)
{
	autofree char *warning = xasprintf(
		"This will remove:\n  - all containers that do not run\n  - all networks that no "
		"container is in then\n%s  - all images %s\n%s",
		o->volumes ? "  - all volumes that no container uses then\n" : "",
		o->all ? "that no container uses then" : "without a name that no container uses",
		cache ? "  - what no image has of the build cache\n" : "");

	return confirm(warning, o->all ? "hoy system prune -a -f" : "hoy system prune -f", e);
}

/* podman's headlines have no colon and no empty lines behind them. */
static void print_removed(struct cli *c, const struct prune_result *containers,
			  const struct networks_pruned *networks,
			  const struct volumes_pruned *volumes,
			  const struct image_prune_result *images)
{
	bool docker = c->called == CALLED_DOCKER;

	if (!docker && containers->ids.n)
		out_text(&c->out, "Deleted Containers\n");
	pruned_containers(c, "Deleted Containers:", &containers->ids);
	if (!docker && networks->names.n)
		out_text(&c->out, "Deleted Networks\n");
	pruned_networks(c, "Deleted Networks:", &networks->names);
	if (!docker && volumes->names.n)
		out_text(&c->out, "Deleted Volumes\n");
	pruned_volumes(c, "Deleted Volumes:", &volumes->names);
	if (!docker && images->n)
		out_text(&c->out, "Deleted Images\n");
	pruned_images(c, "Deleted Images:", images);
}

static void print_rest(struct cli *c, const struct prune_result *containers,
		       const struct networks_pruned *networks, const struct volumes_pruned *volumes,
		       const struct image_prune_result *images, int64_t cached)
{
	pruned_total(c, containers->bytes + volumes->bytes + images->bytes + cached);
	if (containers->failed)
		cli_report(c, &containers->why);
	if (networks->failed)
		cli_report(c, &networks->why);
	if (volumes->failed)
		cli_report(c, &volumes->why);
	if (images->failed)
		cli_report(c, &images->why);
}

static int prune_run(struct cli *c, void *opts, struct err *e)
{
	const struct prune_opts *o = opts;
	struct image_prune_opts p = {.filters = o->filter, .all = o->all, .dry = o->dry_run};
	scoped(home) h = {.fd = -1};
	struct prune_result containers;
	struct networks_pruned networks;
	struct volumes_pruned volumes = {0};
	struct image_prune_result images;
	bool cache = o->build || o->all || c->called == CALLED_DOCKER;
	int64_t cached = 0;
	int r = 1;

	if (!o->force && !o->dry_run)
		r = ask(o, cache, e);
	if (r <= 0)
		return r;
	r = home_open(&h, c->root, e);
	if (r < 0)
		return r;
	containers_recover(&h);
	r = containers_prune(&h, &o->filter, o->dry_run, &c->arena, &containers, e);
	if (r < 0)
		return r;
	r = networks_prune(&h, &o->filter, o->dry_run, o->dry_run ? &containers.ids : NULL,
			   &c->arena, &networks, e);
	if (r < 0)
		return r;
	if (o->volumes)
		r = volumes_prune(&h, &o->filter, c->called == CALLED_DOCKER, o->dry_run,
				  o->dry_run ? &containers.ids : NULL, &c->arena, &volumes, e);
	if (r < 0)
		return r;
	if (o->dry_run) /* images do not wait for those */
		p.leaving = containers.ids;
	r = images_prune(&h, &p, &c->arena, &images, e);
	if (r < 0)
		return r;
	print_removed(c, &containers, &networks, &volumes, &images);
	if (cache)
		r = prune_cache(c, &h, &o->filter, o->all, o->dry_run, &cached, e);
	if (r < 0)
		return r;
	print_rest(c, &containers, &networks, &volumes, &images, cached);
	return 0;
}

const struct command cmd_system_prune = {
	.name = "system prune",
	.group = "System",
	.summary = "Remove ended containers, and networks and images not in use",
	.description =
		"Removes all containers that do not run, then the networks that no container is "
		"in, with --volumes the volumes that no container uses, then the images that have "
		"no name and that no container uses, or with --all "
		"every image that no container uses and what no image has of the build cache. "
		"It asks first, if there is a terminal to ask on; else it wants --force.\n\n"
		"What interrupted commands have left goes too. It works on a full disk.",
	.examples = "# What would go\nhoy system prune --all --dry-run\n"
		    "hoy system prune -f --filter until=24h",
	.opts = prune_rows,
	.opts_size = sizeof(struct prune_opts),
	.run = prune_run,
};
