#include "base/base.h"
#include "cli/network.h"

struct update_opts {
	struct strs add, drop;
};

#define TO(kind, field) OPT_TO(kind, struct update_opts, field)
static const struct opt update_rows[] = {
	{"dns-add", 0, TO(OPT_CSV, add), "ADDRESS", "One more name server"},
	{"dns-drop", 0, TO(OPT_CSV, drop), "ADDRESS", "One less"},
	{0},
};
#undef TO

static int update_run(struct cli *c, void *opts, struct err *e)
{
	const struct update_opts *o = opts;
	scoped(home) h = {.fd = -1};
	struct network n;

	if (!o->add.n && !o->drop.n) {
		err_fail(e, ERR_USAGE, "network update: nothing is to be changed");
		return err_hint(e, "--dns-add or --dns-drop says what");
	}
	int r = home_open(&h, c->root, e);
	if (r == 0)
		r = network_update(&h, c->args[0], &o->add, &o->drop, &c->arena, &n, e);
	if (r == 0)
		out_printf(&c->out, "%s\n", n.name);
	return r;
}

const struct command cmd_network_update = {
	.name = "network update",
	.group = "Networks",
	.args = "NETWORK",
	.summary = "Change the name servers of a network",
	.description =
		"Changes which name servers the network asks for names that are no container's, at "
		"once, also for containers that run. Without any left it asks those of the host.",
	.examples = "hoy network update --dns-add 9.9.9.9 back",
	.opts = update_rows,
	.opts_size = sizeof(struct update_opts),
	.run = update_run,
	.complete = COMPLETE_NETWORK,
};
