#include "base/base.h"
#include "cli/format.h"
#include "cli/volume.h"

struct inspect_opts {
	bool all;
	const char *format;
};

#define TO(kind, field) OPT_TO(kind, struct inspect_opts, field)
static const struct opt inspect_rows[] = {
	{"all", 'a', TO(OPT_BOOL, all), NULL, "Show all volumes"},
	{"format", 'f', TO(OPT_STR, format), "TEMPLATE", "Print with a Go template, or json"},
	{0},
};
#undef TO

static struct json *shown(struct cli *c, const struct inspect_opts *o, const struct home *h,
			  const struct volume *v, size_t links)
{
	bool docker = c->called == CALLED_DOCKER;

	return docker || str_is_empty(o->format) || format_wants_facts(c, o->format)
		       ? volume_json(h, v, links, docker, &c->arena)
		       : volume_template_json(h, v, links, &c->arena);
}

static int inspect_run(struct cli *c, void *opts, struct err *e)
{
	struct inspect_opts *o = opts;
	static const struct volumes_query everything;
	struct json *list = json_new(&c->arena, JSON_ARR);
	scoped(home) h = {.fd = -1};
	struct volumes_list l = {0};
	struct bind_list uses;

	if (o->all == (c->nargs > 0)) {
		err_fail(e, ERR_USAGE, o->all ? "--all takes no names" : "no volume is given");
		return err_hint(e, "hoy volume inspect NAME..., or --all");
	}
	int r = home_open(&h, c->root, e);
	if (r == 0 && o->all)
		r = volumes_list(&h, &everything, &c->arena, &l, e);
	if (r == 0)
		r = volume_uses(&h, &uses, &c->arena, e);
	if (r < 0)
		return r;
	for (size_t i = 0; i < l.n; i++)
		json_add(&c->arena, list, shown(c, o, &h, &l.v[i], l.links[i]));
	for (size_t i = 0; i < c->nargs; i++) {
		struct err one = {.exit = EXIT_ENGINE};
		struct volume v;
		if (volume_find(&h, c->args[i], &v, &c->arena, &one) < 0) {
			if (c->called == CALLED_DOCKER)
				one.exit = 1;
			cli_report(c, &one);
			continue;
		}
		json_add(&c->arena, list, shown(c, o, &h, &v, volume_used_by(&uses, v.name, NULL)));
	}
	return format_objects(c, o->format, list, e);
}

const struct command cmd_volume_inspect = {
	.name = "volume inspect",
	.group = "Volumes",
	.args = "[VOLUME...]",
	.summary = "Show all that is known of volumes",
	.description =
		"Prints one JSON list with an object for each volume, under the names that podman "
		"uses (called docker: docker's), or whatever --format asks for. Mountpoint is "
		"where "
		"its files are; those of other users of the containers can be read inside of hoy "
		"unshare. MountCount says how many containers use it.",
	.examples = "hoy volume create info\nhoy volume inspect info\n"
		    "hoy volume inspect -f '{{.Mountpoint}}' info",
	.opts = inspect_rows,
	.opts_size = sizeof(struct inspect_opts),
	.run = inspect_run,
	.complete = COMPLETE_VOLUME,
};
