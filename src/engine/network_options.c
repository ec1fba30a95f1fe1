/* What --driver, --opt and their like may say. Every option has a meaning here, or a reason why it has none. */
#include <net/if.h>

#include "base/base.h"
#include "base/parse.h"
#include "engine/network.h"

enum { BRIDGE = 1, MACVLAN = 2, IPVLAN = 4, VLANS = MACVLAN | IPVLAN, ANY = 7 };
enum { MTU_MIN = 68, MTU_MIN6 = 1280, MTU_MAX = 65520 };

/* How a value is looked at. */
enum kind {
	WORDS, /* one of .words; others are refused with .reason */
	MTU,
	DEVICE, /* the name of a device: the bridge's, or the parent */
	IPV6,	/* true: as --ipv6 */
	NEVER,	/* no value has a meaning: .reason */
};

static const char one_host[] = "what leaves a network has the host's own address, always";
static const char first_route[] =
	"the default route of a container is that of its first network, or of the one with the "
	"highest gw-priority";

struct option {
	const char *name;
	unsigned drivers;
	enum kind kind;
	const char *words, *reason;
};

#define DOCKER "com.docker.network."
static const struct option options[] = {
	{"mtu", ANY, MTU},
	{DOCKER "driver.mtu", ANY, MTU},
	{"isolate", BRIDGE, WORDS, "true false strict 1 0",
	 "networks never reach each other here: the values are true, false and strict"},
	{"allow_host_loopback", BRIDGE, WORDS, "true false 1 0", "the values are true and false"},
	{"allow_link_local", BRIDGE, WORDS, "true false 1 0", "the values are true and false"},
	{DOCKER "bridge.name", BRIDGE, DEVICE},
	{DOCKER "bridge.enable_icc", BRIDGE, WORDS, "true false 1 0",
	 "the values are true and false"},
	{DOCKER "bridge.enable_ip_masquerade", BRIDGE, WORDS, "true 1", one_host},
	{DOCKER "bridge.gateway_mode_ipv4", BRIDGE, WORDS, "nat", one_host},
	{DOCKER "bridge.gateway_mode_ipv6", BRIDGE, WORDS, "nat", one_host},
	{DOCKER "bridge.default_bridge", BRIDGE, WORDS, "false 0", "bridge is the default network"},
	{DOCKER "bridge.inhibit_ipv4", BRIDGE, WORDS, "false 0",
	 "the gateway's address is where containers ask for names"},
	{DOCKER "bridge.host_binding_ipv4", BRIDGE, WORDS, "0.0.0.0",
	 "a port is bound where its own -p says: -p 127.0.0.1:8080:80"},
	{DOCKER "bridge.trusted_host_interfaces", BRIDGE, NEVER, NULL,
	 "the host does not route to containers: ports are published with -p"},
	{DOCKER "container_iface_prefix", ANY, WORDS, "eth",
	 "a device's name is given with --network NAME:interface_name="},
	{DOCKER "enable_ipv6", ANY, IPV6},
	{DOCKER "enable_ipv4", ANY, WORDS, "true 1", "use --ipv4=false"},
	{"vlan", BRIDGE, NEVER, NULL,
	 "the bridge lies in a namespace of the network, where no tagged frame comes"},
	{"vrf", BRIDGE, NEVER, NULL,
	 "the bridge lies in a namespace of the network, which has no VRF"},
	{"mode", BRIDGE, WORDS, "managed",
	 "a bridge of the host belongs to root, and no container of yours can be put on it"},
	{"metric", ANY, NEVER, NULL, first_route},
	{"no_default_route", ANY, WORDS, "false 0", first_route},
	{"mode", MACVLAN, WORDS, "bridge private vepa passthru",
	 "the modes of macvlan are bridge, private, vepa and passthru"},
	{"macvlan_mode", MACVLAN, WORDS, "bridge private vepa passthru",
	 "the modes of macvlan are bridge, private, vepa and passthru"},
	{"mode", IPVLAN, WORDS, "l2 l3 l3s", "the modes of ipvlan are l2, l3 and l3s"},
	{"ipvlan_mode", IPVLAN, WORDS, "l2 l3 l3s", "the modes of ipvlan are l2, l3 and l3s"},
	{"ipvlan_flag", IPVLAN, WORDS, "bridge", "the flag bridge is the only one here"},
	{"parent", VLANS, DEVICE},
	{"bclim", MACVLAN, NEVER, NULL, "the kernel's limit for broadcasts holds"},
};

static int refuse(const char *name, const char *value, const char *reason, struct err *e)
{
	err_fail(e, ERR_NETWORK_OPTION, "--opt %.80s=%.60s: %s", name, value, reason);
	return err_hint(e, "leave it out; hoy help network create lists what there is");
}

static bool word_in(const char *words, const char *s)
{
	size_t n = strlen(s);

	for (const char *p = strstr(words, s); p; p = strstr(p + 1, s))
		if ((p == words || p[-1] == ' ') && (p[n] == ' ' || !p[n]))
			return true;
	return false;
}

static bool is_true(const char *s)
{
	return !strcasecmp(s, "true") || !strcmp(s, "1") || !*s;
}

static int set_device(const char *what, const char *name, struct network *n, struct arena *a,
		      struct err *e)
{
	size_t len = strlen(name);

	if (!len || len >= IF_NAMESIZE || name[strcspn(name, "/ \t\n:%")] || !strcmp(name, ".") ||
	    !strcmp(name, "..") || !strcmp(name, "lo") || !strcmp(name, "all") ||
	    !strcmp(name, "default")) {
		err_fail(e, ERR_USAGE, "%s \"%.40s\" is not the name of a network device", what,
			 name);
		return err_hint(e, "at most 15 bytes, as in br0 or eth0");
	}
	if (n->interface && strcmp(n->interface, name) != 0)
		return err_fail(e, ERR_USAGE, "%s %s: the device is %s already", what, name,
				n->interface);
	n->interface = arena_strdup(a, name);
	return 0;
}

static int check_mtu(const char *name, const char *value, bool ipv6, struct err *e)
{
	uint64_t v, min = ipv6 ? MTU_MIN6 : MTU_MIN;

	if (parse_u64(value, MTU_MAX, &v) == 0 && v >= min)
		return 0;
	err_fail(e, ERR_NETWORK_OPTION, "--opt %s=%.40s: an MTU is a number from %d to %d%s", name,
		 value, (int)min, MTU_MAX, ipv6 ? " where there is IPv6" : "");
	return err_hint(e, "most networks outside have 1500");
}

static const struct option *find(const char *name, unsigned driver, bool *ret_elsewhere)
{
	*ret_elsewhere = false;
	for (size_t i = 0; i < countof(options); i++) {
		if (strcmp(options[i].name, name) != 0)
			continue;
		if (options[i].drivers & driver)
			return &options[i];
		*ret_elsewhere = true;
	}
	return NULL;
}

static const char *nearest(const char *name, unsigned driver)
{
	size_t least = str_too_far(name);
	const char *best = NULL;

	for (size_t i = 0; i < countof(options); i++) {
		size_t d = str_distance(name, options[i].name);
		if ((options[i].drivers & driver) && d < least) {
			least = d;
			best = options[i].name;
		}
	}
	return best;
}

static int set_option(const char *name, const char *value, unsigned driver, struct network *n,
		      struct arena *a, struct err *e)
{
	bool elsewhere;
	const struct option *o = find(name, driver, &elsewhere);

	if (!o) {
		const char *near = nearest(name, driver);
		err_fail(e, ERR_NETWORK_OPTION, "--opt %.80s: the driver %s has no such option%s",
			 name, n->driver, elsewhere ? " (another driver has)" : "");
		return near ? err_hint(e, "did you mean %s?", near)
			    : err_hint(e, "hoy help network create lists them");
	}
	switch (o->kind) {
	case WORDS:
		if (!*value || !word_in(o->words, value))
			return refuse(name, value, o->reason, e);
		break;
	case MTU:
		return 0; /* looked at when it is known whether there is IPv6 */
	case DEVICE:
		return set_device(name, value, n, a, e);
	case IPV6:
		n->ipv6 |= is_true(value);
		break;
	case NEVER:
		return refuse(name, value, o->reason, e);
	}
	return 0;
}

/* ---- what is not an option of a driver */

static int bad_driver(const char *driver, struct err *e)
{
	if (!strcmp(driver, "overlay")) {
		err_fail(e, ERR_NETWORK_OPTION,
			 "--driver overlay: hoy runs on one machine and has no cluster whose "
			 "machines a network could join");
		return err_hint(e, "bridge is the driver for containers on one machine");
	}
	if (!strcmp(driver, "host") || !strcmp(driver, "none") || !strcmp(driver, "null")) {
		const char *mode = !strcmp(driver, "host") ? "host" : "none";
		err_fail(e, ERR_NETWORK_OPTION, "--driver %s: there is one such network only, %s",
			 driver, mode);
		return err_hint(e, "hoy run --network %s", mode);
	}
	err_fail(e, ERR_NETWORK_OPTION, "--driver %.60s: there is no such driver", driver);
	return err_hint(e, "the drivers are bridge, macvlan and ipvlan");
}

static int check_ipam(const struct network_create_opts *o, bool bridge, struct err *e)
{
	const char *d = o->ipam_driver;

	if (o->ipam_options.n) {
		err_fail(e, ERR_NETWORK_OPTION,
			 "--ipam-opt %.80s: hoy's own choice of addresses "
			 "has no options",
			 o->ipam_options.v[0].k);
		return err_hint(e, "--subnet, --ip-range and --aux-address say which are given");
	}
	if (str_is_empty(d) || !strcmp(d, "host-local") || !strcmp(d, "default"))
		return 0;
	if (!strcmp(d, "dhcp")) {
		err_fail(e, ERR_NETWORK_OPTION, "--ipam-driver dhcp: hoy asks no DHCP server");
		return err_hint(e, "give the subnet, and a part of it that the server leaves "
				   "alone: --subnet 192.168.1.0/24 --ip-range 192.168.1.240/28");
	}
	if (!strcmp(d, "none") && !bridge)
		return 0;
	if (!strcmp(d, "none")) {
		err_fail(e, ERR_NETWORK_OPTION,
			 "--ipam-driver none: a bridge whose containers have no addresses leads "
			 "nowhere");
		return err_hint(e, "macvlan and ipvlan networks can be made so");
	}
	err_fail(e, ERR_NETWORK_OPTION, "--ipam-driver %.60s: there is no such driver", d);
	return err_hint(e, "host-local (also called default) is the one there is");
}

static int check_swarm(const struct network_create_opts *o, struct err *e)
{
	const char *what = o->ingress						  ? "--ingress"
			   : o->config_only					  ? "--config-only"
			   : !str_is_empty(o->config_from)			  ? "--config-from"
			   : str_is_empty(o->scope) || !strcmp(o->scope, "local") ? NULL
										  : "--scope";

	if (!what)
		return 0;
	err_fail(e, ERR_NETWORK_OPTION, "%s has a meaning in a swarm only, and hoy has none", what);
	return err_hint(e, "leave it out: the network is this machine's");
}

int network_options_set(const struct network_create_opts *o, struct network *n, struct arena *a,
			struct err *e)
{
	static const char *const names[] = {"bridge", "macvlan", "ipvlan"};
	unsigned driver = 0;
	int r = 0;

	n->driver = str_is_empty(o->driver) ? "bridge" : o->driver;
	for (size_t i = 0; i < countof(names); i++)
		if (!strcmp(n->driver, names[i])) {
			n->driver = names[i];
			driver = 1U << i;
		}
	if (!driver)
		return bad_driver(n->driver, e);
	r = check_swarm(o, e);
	if (r == 0)
		r = check_ipam(o, driver == BRIDGE, e);
	if (r == 0 && !str_is_empty(o->interface))
		r = set_device("--interface-name", o->interface, n, a, e);
	n->ipv6 = o->ipv6;
	for (size_t i = 0; i < o->options.n && r == 0; i++) {
		const struct pair *p = &o->options.v[i];
		r = set_option(p->k, p->v, driver, n, a, e);
		if (strcmp(p->k, "parent") != 0)
			pairs_set(a, &n->options, p->k, p->v);
	}
	for (size_t i = 0; i < o->labels.n; i++)
		pairs_set(a, &n->labels, o->labels.v[i].k, o->labels.v[i].v);
	return r;
}

int network_options_check_mtu(const struct network *n, struct err *e)
{
	int r = 0;

	for (size_t i = 0; i < n->options.n && r == 0; i++)
		if (!strcmp(n->options.v[i].k, "mtu") ||
		    !strcmp(n->options.v[i].k, DOCKER "driver.mtu"))
			r = check_mtu(n->options.v[i].k, n->options.v[i].v,
				      network_subnet(n, 6) != NULL, e);
	return r;
}
