#include "base/base.h"
#include "cli/each.h"
#include "cli/network.h"

/* Whoever has the two words the wrong way round is told. */
static void hint_order(struct cli *c, const struct home *h, struct err *e)
{
	char id[CONTAINER_ID_LEN + 1];
	struct network n;

	if ((e->id == ERR_NETWORK_UNKNOWN || e->id == ERR_CONTAINER_UNKNOWN) &&
	    container_resolve(h, c->args[0], id, NULL) == 0 &&
	    network_find(h, c->args[1], false, &n, &c->arena, NULL) == 0)
		err_hint(e, "the network comes first: hoy %s %.80s %.80s", c->cmd->name, c->args[1],
			 c->args[0]);
}

/* ---- connect */

struct connect_opts {
	struct network_connect_opts o;
	struct strs driver_opts, link_local;
};

#define TO(kind, field) OPT_TO(kind, struct connect_opts, field)
static const struct opt connect_rows[] = {
	{"alias", 0, TO(OPT_CSV, o.aliases), "NAME",
	 "Further name of the container in the network"},
	{"driver-opt", 0, TO(OPT_STRS, driver_opts), "KEY=VALUE",
	 "Refused: a container's place in a network has no options"},
	{"gw-priority", 0, TO(OPT_INT, o.priority), "NUMBER",
	 "Above 0: the default route and published ports are this network's from now on"},
	{"ip", 0, TO(OPT_STR, o.ip), "ADDRESS", "Give it this IPv4 address"},
	{"ip6", 0, TO(OPT_STR, o.ip6), "ADDRESS", "Give it this IPv6 address"},
	{"link", 0, TO(OPT_STRS, o.links), "CONTAINER:ALIAS",
	 "Further name of another container that is in the network", COMPLETE_CONTAINER},
	{"link-local-ip", 0, TO(OPT_CSV, link_local), "ADDRESS",
	 "Refused: link-local addresses are the kernel's"},
	{"mac-address", 0, TO(OPT_STR, o.mac), "MAC", "Give its device this MAC address"},
	{0},
};
#undef TO

static int refuse(const char *flag, const char *value, const char *why, const char *hint,
		  struct err *e)
{
	err_fail(e, ERR_NETWORK_OPTION, "%s %.80s: %s", flag, value, why);
	return err_hint(e, "%s", hint);
}

static int connect_run(struct cli *c, void *opts, struct err *e)
{
	struct connect_opts *o = opts;
	scoped(home) h = {.fd = -1};
	int r = 0;

	if (o->driver_opts.n)
		r = refuse("--driver-opt", o->driver_opts.v[0],
			   "a container's place in a network has no options",
			   "options of the network itself are given to hoy network create", e);
	else if (o->link_local.n)
		r = refuse("--link-local-ip", o->link_local.v[0],
			   "the kernel gives the device its link-local address",
			   "--ip and --ip6 give the others", e);
	if (r == 0)
		r = home_open(&h, c->root, e);
	if (r == 0) {
		containers_recover(&h);
		r = network_connect(&h, c->args[0], c->args[1], &o->o, e);
		if (r < 0)
			hint_order(c, &h, e);
	}
	if (r < 0 && c->called == CALLED_DOCKER)
		e->exit = 1;
	return r;
}

const struct command cmd_network_connect = {
	.name = "network connect",
	.group = "Networks",
	.args = "NETWORK CONTAINER",
	.summary = "Bring a container into a network",
	.description =
		"Brings a container into one more network, at once if it runs. It gets a device "
		"there, and an address that stays its own until it is disconnected or removed. "
		"Only "
		"containers that were made with networks can be connected: not those of --network "
		"none, host or container:NAME.",
	.examples = "hoy network connect back web\n"
		    "hoy network connect --alias postgres --alias store back db",
	.opts = connect_rows,
	.opts_size = sizeof(struct connect_opts),
	.run = connect_run,
	.complete = COMPLETE_NETWORK,
	.complete_rest = COMPLETE_CONTAINER,
};

/* ---- disconnect */

struct disconnect_opts {
	bool force;
};

#define TO(kind, field) OPT_TO(kind, struct disconnect_opts, field)
static const struct opt disconnect_rows[] = {
	{"force", 'f', TO(OPT_BOOL, force), NULL,
	 "A container that is gone, or is not in the network, is no error"},
	{0},
};
#undef TO

static int disconnect_run(struct cli *c, void *opts, struct err *e)
{
	const struct disconnect_opts *o = opts;
	scoped(home) h = {.fd = -1};
	int r = home_open(&h, c->root, e);

	if (r == 0) {
		containers_recover(&h);
		r = network_disconnect(&h, c->args[0], c->args[1], o->force, e);
		if (r < 0)
			hint_order(c, &h, e);
	}
	if (r < 0 && c->called == CALLED_DOCKER)
		e->exit = 1;
	return r;
}

const struct command cmd_network_disconnect = {
	.name = "network disconnect",
	.group = "Networks",
	.args = "NETWORK CONTAINER",
	.summary = "Take a container out of a network",
	.description = "Takes a container out of a network, at once if it runs: its device goes "
		       "away, connections over it end, and its address is free again.",
	.examples = "hoy network disconnect bridge web",
	.opts = disconnect_rows,
	.opts_size = sizeof(struct disconnect_opts),
	.run = disconnect_run,
	.complete = COMPLETE_NETWORK,
	.complete_rest = COMPLETE_CONTAINER,
};

/* ---- reload */

struct reload_opts {
	bool all, latest;
};

#define TO(kind, field) OPT_TO(kind, struct reload_opts, field)
static const struct opt reload_rows[] = {
	{"all", 'a', TO(OPT_BOOL, all), NULL, "All running containers"},
	{"latest", 'l', TO(OPT_BOOL, latest), NULL, "The newest container"},
	{0},
};
#undef TO

static bool runs(const struct container *ct)
{
	return ct->status == CONTAINER_RUNNING && str_eq(ct->state.network, "bridge");
}

static int reload_one(struct cli *c, struct home *h, struct container *ct, const char *text,
		      void *opts, struct err *e)
{
	int r = network_reload(ct, e);

	if (r == 0)
		out_printf(&c->out, "%s\n", ct->id);
	return r;
}

static int reload_run(struct cli *c, void *opts, struct err *e)
{
	const struct reload_opts *o = opts;
	const struct each_which which = {.latest = o->latest};
	const struct each x = {.all = o->all, .which = &which, .wanted = runs, .fn = reload_one};

	return each_container(c, &x, opts, e);
}

const struct command cmd_network_reload = {
	.name = "network reload",
	.group = "Networks",
	.args = "[CONTAINER...]",
	.summary = "Have the networks of containers looked at again",
	.description =
		"The supervisor of a running container makes sure that it is in its networks, with "
		"its ports published, and mends what is not so. Firewalls of the host that are "
		"loaded again do not disturb hoy, so this is seldom needed.",
	.examples = "hoy network reload web\nhoy network reload -a",
	.opts = reload_rows,
	.opts_size = sizeof(struct reload_opts),
	.run = reload_run,
	.complete = COMPLETE_RUNNING,
};
