#include "base/base.h"
#include "cli/network.h"

struct rm_opts {
	bool force;
	int64_t time;
};

#define TO(kind, field) OPT_TO(kind, struct rm_opts, field)
static const struct opt rm_rows[] = {
	{"force", 'f', TO(OPT_BOOL, force), NULL,
	 "Remove the containers that are in it first (called docker: an unknown network is no "
	 "error)"},
	{"time", 't', TO(OPT_INT, time), "SECONDS",
	 "With -f: give containers this time to stop before they are killed", .aliases = "timeout"},
	{0},
};
#undef TO

static int rm_run(struct cli *c, void *opts, struct err *e)
{
	const struct rm_opts *o = opts;
	bool docker = c->called == CALLED_DOCKER;
	scoped(home) h = {.fd = -1};
	int r = home_open(&h, c->root, e);

	if (r < 0)
		return r;
	containers_recover(&h);
	for (size_t i = 0; i < c->nargs; i++) {
		struct err one = {0};
		const char *name;
		r = network_remove(&h, c->args[i], o->force && !docker, o->time, &name, &c->arena,
				   &one);
		if (r == 0) {
			out_printf(&c->out, "%s\n", c->args[i]);
		} else if (!o->force || one.id != ERR_NETWORK_UNKNOWN) {
			network_exit_code(c, &one);
			cli_report(c, &one);
		}
	}
	return 0;
}

static const struct rm_opts rm_defaults = {.time = -1};

const struct command cmd_network_rm = {
	.name = "network rm",
	.aliases = "network remove",
	.group = "Networks",
	.args = "NETWORK [NETWORK...]",
	.summary = "Remove networks",
	.description =
		"Removes networks that no container is in, running or not. With -f the containers "
		"that are in one are ended and removed first, as podman does; called docker, -f "
		"only says that an unknown network is no error. bridge cannot be removed.",
	.examples = "hoy network rm back\n# With its containers, which get 3 seconds to stop\n"
		    "hoy network rm -f -t 3 front",
	.exits = "0 all were removed\n1 a network does not exist\n2 a network is in use",
	.opts = rm_rows,
	.opts_size = sizeof(struct rm_opts),
	.defaults = &rm_defaults,
	.run = rm_run,
	.complete = COMPLETE_NETWORK,
};

/* ---- exists */

static int exists_run(struct cli *c, void *opts, struct err *e)
{
	scoped(home) h = {.fd = -1};
	struct network n;
	int r = home_open(&h, c->root, e);

	if (r < 0 || network_is_default(c->args[0]))
		return r;
	r = network_find(&h, c->args[0], false, &n, &c->arena, e);
	return r < 0 && e->id == ERR_NETWORK_UNKNOWN ? 1 : r;
}

const struct command cmd_network_exists = {
	.name = "network exists",
	.group = "Networks",
	.args = "NETWORK",
	.summary = "Ask whether a network exists",
	.description = "Prints nothing; the exit code is the answer.",
	.examples = "hoy network exists web || hoy network create web",
	.exits = "0 the network exists\n1 it does not",
	.run = exists_run,
	.complete = COMPLETE_NETWORK,
};
