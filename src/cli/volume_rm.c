#include "base/base.h"
#include "cli/volume.h"

struct rm_opts {
	bool all, force;
	int64_t time;
};

#define TO(kind, field) OPT_TO(kind, struct rm_opts, field)
static const struct opt rm_rows[] = {
	{"all", 'a', TO(OPT_BOOL, all), NULL, "Remove all volumes that no container uses"},
	{"force", 'f', TO(OPT_BOOL, force), NULL,
	 "Remove the containers that use it first; an unknown volume is no error (called docker: "
	 "only that)"},
	{"time", 't', TO(OPT_INT, time), "SECONDS",
	 "With -f: give containers this time to stop before they are killed", .aliases = "timeout"},
	{0},
};
#undef TO

static int rm_one(struct cli *c, const struct home *h, const struct rm_opts *o, const char *name)
{
	bool docker = c->called == CALLED_DOCKER;
	struct err one = {.exit = EXIT_ENGINE};
	int r = volume_remove(h, name, o->force && !docker, o->time, &c->arena, &one);

	if (r == 0) {
		out_printf(&c->out, "%s\n", name);
	} else if (o->all && (one.id == ERR_VOLUME_IN_USE || one.id == ERR_VOLUME_UNKNOWN)) {
		return 0;
	} else if (!o->force || one.id != ERR_VOLUME_UNKNOWN) {
		volume_exit_code(c, &one);
		cli_report(c, &one);
	}
	return 0;
}

static int rm_run(struct cli *c, void *opts, struct err *e)
{
	const struct rm_opts *o = opts;
	scoped(home) h = {.fd = -1};
	scoped(strv) names = {0};

	if (o->all == (c->nargs > 0)) {
		err_fail(e, ERR_USAGE, o->all ? "--all takes no names" : "no volume is given");
		return err_hint(e, "hoy volume rm NAME..., or --all");
	}
	int r = home_open(&h, c->root, e);
	if (r < 0)
		return r;
	containers_recover(&h);
	if (o->all)
		r = volume_names(&h, &names, e);
	for (size_t i = 0; i < c->nargs; i++)
		strv_add(&names, c->args[i]);
	for (size_t i = 0; i < names.n && r == 0; i++)
		r = rm_one(c, &h, o, names.v[i]);
	return r;
}

static const struct rm_opts rm_defaults = {.time = -1};

const struct command cmd_volume_rm = {
	.name = "volume rm",
	.aliases = "volume remove",
	.group = "Volumes",
	.args = "[VOLUME...]",
	.summary = "Remove volumes",
	.description =
		"Removes volumes with all that is in them, if no container uses them, running or "
		"not. With -f the containers that use one are ended and removed first, as podman "
		"does; called docker, -f only says that an unknown volume is no error.",
	.examples = "hoy volume create old\nhoy volume rm old\n# With its containers\n"
		    "hoy volume rm -f -t 3 data",
	.exits = "0 all were removed\n1 a volume does not exist\n2 a volume is in use",
	.opts = rm_rows,
	.opts_size = sizeof(struct rm_opts),
	.defaults = &rm_defaults,
	.run = rm_run,
	.complete = COMPLETE_VOLUME,
};

/* ---- exists */

static int exists_run(struct cli *c, void *opts, struct err *e)
{
	scoped(home) h = {.fd = -1};
	const char *name;
	int r = home_open(&h, c->root, e);

	if (r < 0)
		return r;
	r = volume_find_name(&h, c->args[0], &name, &c->arena, e);
	return r < 0 && e->id == ERR_VOLUME_UNKNOWN ? 1 : r;
}

const struct command cmd_volume_exists = {
	.name = "volume exists",
	.group = "Volumes",
	.args = "VOLUME",
	.summary = "Ask whether a volume exists",
	.description = "Prints nothing; the exit code is the answer.",
	.examples = "hoy volume exists data || hoy volume create data",
	.exits = "0 the volume exists\n1 it does not",
	.run = exists_run,
	.complete = COMPLETE_VOLUME,
};
