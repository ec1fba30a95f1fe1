#include "base/base.h"
#include "cli/network.h"

#define TO(kind, field) OPT_TO(kind, struct network_create_opts, field)
#define SWARM		"Of swarms: refused, hoy has none"
static const struct opt create_rows[] = {
	{"attachable", 0, OPT_BOOL, .help = "Every container can be attached (it always can)",
	 .flags = OPT_IGNORED},
	{"aux-address", 0, TO(OPT_PAIRS, aux), "NAME=ADDRESS",
	 "An address of the subnet that no container gets"},
	{"config-from", 0, TO(OPT_STR, config_from), "NETWORK", SWARM},
	{"config-only", 0, TO(OPT_BOOL, config_only), NULL, SWARM},
	{"disable-dns", 0, TO(OPT_BOOL, disable_dns), NULL,
	 "Containers do not find each other by name"},
	{"dns", 0, TO(OPT_CSV, dns), "ADDRESS",
	 "Name server for what is no container's name; none: those of the host"},
	{"driver", 'd', TO(OPT_STR, driver), "DRIVER", "bridge, macvlan or ipvlan", COMPLETE_WORDS,
	 "bridge macvlan ipvlan"},
	{"gateway", 0, TO(OPT_CSV, gateways), "ADDRESS",
	 "Address of the gateway; none: the first one of the subnet"},
	{"ignore", 0, TO(OPT_BOOL, ignore), NULL, "A network of this name is no error"},
	{"ingress", 0, TO(OPT_BOOL, ingress), NULL, SWARM},
	{"interface-name", 0, TO(OPT_STR, interface), "NAME",
	 "Name of the bridge, or the parent device of macvlan and ipvlan"},
	{"internal", 0, TO(OPT_BOOL, internal), NULL,
	 "Nothing leads out: neither packets nor questions for names"},
	{"ip-range", 0, TO(OPT_CSV, ranges), "RANGE",
	 "Give containers addresses of this part only: ADDRESS/LENGTH or FIRST-LAST"},
	{"ipam-driver", 0, TO(OPT_STR, ipam_driver), "DRIVER",
	 "host-local; none (macvlan, ipvlan): containers get no addresses", COMPLETE_WORDS,
	 "host-local none"},
	{"ipam-opt", 0, TO(OPT_PAIRS, ipam_options), "KEY=VALUE",
	 "Refused: the choice of addresses has no options"},
	{"ipv4", 0, TO(OPT_BOOL, ipv4), NULL, "With --ipv4=false the network has IPv6 only"},
	{"ipv6", 0, TO(OPT_BOOL, ipv6), NULL, "IPv6 as well"},
	{"label", 0, TO(OPT_PAIRS, labels), "KEY=VALUE", "Label of the network"},
	{"opt", 'o', TO(OPT_PAIRS, options), "KEY=VALUE",
	 "Option of the driver: mtu, isolate, parent, mode and others", COMPLETE_WORDS,
	 "mtu= isolate=<true|false> allow_host_loopback=<true|false> "
	 "allow_link_local=<true|false> parent= mode= com.docker.network.driver.mtu= "
	 "com.docker.network.bridge.name= com.docker.network.bridge.enable_icc=<true|false>"},
	{"route", 0, TO(OPT_STRS, routes), "DESTINATION,GATEWAY[,METRIC]",
	 "Route that its containers get"},
	{"scope", 0, TO(OPT_STR, scope), "SCOPE", "local (of swarms, others: refused)",
	 COMPLETE_WORDS, "local"},
	{"subnet", 0, TO(OPT_CSV, subnets), "ADDRESS/LENGTH",
	 "Its subnet, one of each family; none: a free one is chosen"},
	{0},
};
#undef TO

static int create_run(struct cli *c, void *opts, struct err *e)
{
	struct network_create_opts *o = opts;
	scoped(home) h = {.fd = -1};
	struct network n;

	o->name = c->nargs ? c->args[0] : NULL;
	o->prefix = c->called == CALLED_PODMAN ? "podman" : "hoy";
	int r = home_open(&h, c->root, e);
	if (r == 0)
		r = network_create(&h, o, &n, &c->arena, e);
	if (r < 0 && c->called == CALLED_DOCKER)
		e->exit = 1;
	if (r == 0)
		out_printf(&c->out, "%s\n", c->called == CALLED_DOCKER ? n.id : n.name);
	return r;
}

static const struct network_create_opts create_defaults = {.ipv4 = true};

const struct command cmd_network_create = {
	.name = "network create",
	.group = "Networks",
	.args = "[NAME]",
	.summary = "Make a network",
	.description =
		"Makes a network and prints its name (called docker: its ID). Without NAME it is "
		"called hoy1, hoy2 and so on. A network takes no process and no device until a "
		"container in it runs.\n\n"
		"A bridge network gets a free /24 from 10.89.0.0 upwards, and with --ipv6 a /64 of "
		"a random private prefix; a subnet never overlaps another network of this store, "
		"or "
		"what the host has addresses in or routes to. Containers find each other "
		"by name, alias, short ID and hostname.\n\n"
		"Options (--opt) of the driver bridge: mtu (also com.docker.network.driver.mtu; "
		"65520 "
		"if not given), com.docker.network.bridge.name, "
		"com.docker.network.bridge.enable_icc=false (its containers do not reach each "
		"other), isolate (networks never reach each other, so every value is true), "
		"allow_host_loopback=true (host.containers.internal leads to what listens on the "
		"host's 127.0.0.1, which no container reaches otherwise), allow_link_local=true "
		"(169.254.0.0/16, where clouds keep the credentials of a machine, is reached as "
		"the host reaches it). "
		"Of macvlan and ipvlan: parent, mode, mtu. Others of podman and docker are refused "
		"with the reason, unless their value says what is so anyway.\n\n"
		"macvlan and ipvlan put containers beside the host into the network of a device of "
		"the host: only root may do that, and --subnet says what it is. The driver overlay "
		"is refused: it is for several machines. --attachable and --scope local are "
		"taken and change nothing.",
	.examples = "hoy network create web\n"
		    "hoy network create --subnet 10.90.0.0/24 --ip-range 10.90.0.128/25 back\n"
		    "# Dual-stack, and nothing leads out\n"
		    "hoy network create --ipv6 --internal vault",
	.opts = create_rows,
	.opts_size = sizeof(struct network_create_opts),
	.defaults = &create_defaults,
	.run = create_run,
};
