/* network create: what was asked for is checked as a whole; then, with the lock, a name and subnets that nobody has are taken. */
#include "base/base.h"
#include "base/parse.h"
#include "engine/network.h"
#include "net/parent.h"
#include "net/subnets.h"
#include "state/tell.h"

static int usage(struct err *e, const char *flag, const char *text, const char *why,
		 const char *hint)
{
	err_fail(e, ERR_USAGE, "%s %.80s: %s", flag, text, why);
	return err_hint(e, "%s", hint);
}

static const char ask_subnet[] =
	"give the subnet too: --subnet 10.90.0.0/24 --gateway 10.90.0.1 --ip-range 10.90.0.128/25";

/* ---- names */

/* Words that stand for something else where a network is named. */
static const char *const modes[] = {"host", "none",	   "private", "container",
				    "ns",   "slirp4netns", "pasta"};

static int check_name(const char *name, struct err *e)
{
	for (size_t i = 0; i < countof(modes); i++)
		if (!strcmp(name, modes[i])) {
			err_fail(e, ERR_NETWORK_EXISTS,
				 "no network can be called %s: --network %s means something else",
				 name, name);
			return err_hint(e, "choose another name");
		}
	return network_check_name(name, e);
}

/* The first free one of prefix1, prefix2 ... */
static const char *free_name(const struct home *h, const char *prefix, struct arena *a)
{
	for (unsigned i = 1;; i++) {
		autofree char *path = xasprintf("networks/%s%u", prefix, i);
		if (faccessat(h->fd, path, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
			return arena_strdup(a, path + strlen("networks/"));
	}
}

/* ---- subnets */

/* The subnet of n that an address lies in. */
static struct subnet *subnet_of(const struct network *n, const struct ip *ip)
{
	struct subnet *s = n->subnets.v;
	struct ip_net net;

	for (size_t i = 0; i < n->subnets.n; i++)
		if (ip_net_parse(s[i].subnet, &net) == 0 && ip_net_has(&net, ip))
			return &s[i];
	return NULL;
}

/* Prefixes that mean something else wherever they turn up. */
static bool is_special(const struct ip_net *net)
{
	static const char *const special[] = {"0.0.0.0/8",   "127.0.0.0/8", "169.254.0.0/16",
					      "224.0.0.0/3", "::/8",	    "fe80::/9",
					      "ff00::/8"};

	for (size_t i = 0; i < countof(special); i++) {
		struct ip_net s;
		if (ip_net_parse(special[i], &s) == 0 && s.ip.family == net->ip.family &&
		    ip_net_overlap(&s, net))
			return true;
	}
	return false;
}

static int add_subnet(const char *text, struct network *n, struct arena *a, struct err *e)
{
	char buf[IP_NET_TEXT];
	struct ip_net net;

	if (ip_net_parse(text, &net) < 0)
		return usage(e, "--subnet", text, "it is not of the form ADDRESS/LENGTH",
			     "as in 10.90.0.0/24, or fd12:3456:789a::/64");
	net = ip_net_mask(&net);
	if (network_subnet(n, net.ip.family))
		return usage(e, "--subnet", text, "there is one of this family already",
			     "a network has at most one IPv4 and one IPv6 subnet: make two "
			     "networks, and containers that are in both");
	if (net.len > (net.ip.family == 4 ? 30 : 126))
		return usage(e, "--subnet", text, "it has no room for containers",
			     "a /24 holds 253 of them");
	if (is_special(&net)) {
		err_fail(e, ERR_NETWORK_SUBNET,
			 "--subnet %s: these addresses are no network's (loopback, link-local, "
			 "multicast, unspecified)",
			 text);
		return err_hint(e, "private ones are 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16 and "
				   "fd00::/8");
	}
	struct subnet *s = bind_append(a, &n->subnets, sizeof *s);
	s->subnet = arena_strdup(a, ip_net_text(&net, buf));
	return 0;
}

static int add_gateway(const char *text, struct network *n, struct arena *a, struct err *e)
{
	char buf[IP_TEXT];
	struct ip_net net;
	struct ip ip;

	if (ip_parse(text, &ip) < 0)
		return usage(e, "--gateway", text, "it is not an address", "as in 10.90.0.1");
	struct subnet *s = subnet_of(n, &ip);
	if (!s || ip_net_parse(s->subnet, &net) < 0)
		return usage(e, "--gateway", text, "no --subnet that was given has it", ask_subnet);
	struct ip_net first = ip_net_mask(&net);
	struct ip last = ip_net_last(&net);
	if (ip_equal(&first.ip, &ip) || (ip.family == 4 && ip_equal(&last, &ip)))
		return usage(e, "--gateway", text,
			     "the first and the last address of a subnet are nobody's",
			     "usually it is the first one behind the network's own");
	if (s->gateway)
		return usage(e, "--gateway", text, "this subnet has a gateway already",
			     "one for each --subnet");
	s->gateway = arena_strdup(a, ip_text(&ip, buf));
	return 0;
}

static int add_range(const char *text, struct network *n, struct arena *a, struct err *e)
{
	static const char form[] = "as in 10.90.0.128/25, or 10.90.0.10-10.90.0.20";
	const char *dash = strchr(text, '-');
	char buf[IP_TEXT];
	struct ip_net net;
	struct ip first, last;

	if (dash) {
		if (ip_parse(arena_strndup(a, text, (size_t)(dash - text)), &first) < 0 ||
		    ip_parse(dash + 1, &last) < 0 || first.family != last.family)
			return usage(e, "--ip-range", text, "it is not a range", form);
	} else {
		if (ip_net_parse(text, &net) < 0)
			return usage(e, "--ip-range", text, "it is not a range", form);
		first = ip_net_mask(&net).ip;
		last = ip_net_last(&net);
		if (!ip_equal(&first, &last))
			ip_add(&first, 1); /* as podman does: the range's own name is not in it */
	}
	struct subnet *s = subnet_of(n, &first);
	if (!s || subnet_of(n, &last) != s)
		return usage(e, "--ip-range", text, "no --subnet that was given has it",
			     ask_subnet);
	if (ip_compare(&first, &last) > 0)
		return usage(e, "--ip-range", text, "it ends before it begins", form);
	if (s->range_start)
		return usage(e, "--ip-range", text, "this subnet has a range already",
			     "one for each --subnet");
	s->range_start = arena_strdup(a, ip_text(&first, buf));
	s->range_end = arena_strdup(a, ip_text(&last, buf));
	return 0;
}

static int add_aux(const struct pair *p, struct network *n, struct arena *a, struct err *e)
{
	char buf[IP_TEXT];
	struct ip ip;

	if (!*p->k || ip_parse(p->v, &ip) < 0)
		return usage(e, "--aux-address", *p->v ? p->v : p->k, "it is not NAME=ADDRESS",
			     "as in router=10.90.0.2");
	struct subnet *s = subnet_of(n, &ip);
	if (!s)
		return usage(e, "--aux-address", p->v, "no --subnet that was given has it",
			     ask_subnet);
	pairs_set(a, &s->reserved, p->k, ip_text(&ip, buf));
	return 0;
}

/* DESTINATION,GATEWAY[,METRIC] */
static int add_route(const char *text, struct network *n, struct arena *a, struct err *e)
{
	static const char form[] = "DESTINATION,GATEWAY[,METRIC], as in 10.20.0.0/16,10.90.0.5,100";
	char buf[IP_NET_TEXT], gw_buf[IP_TEXT];
	scoped(strv) parts = {0};
	struct ip_net to;
	struct ip gw;
	int64_t metric = 0;

	strv_split(&parts, text, ',');
	if (parts.n < 2 || parts.n > 3 || ip_net_parse(parts.v[0], &to) < 0 ||
	    ip_parse(parts.v[1], &gw) < 0 ||
	    (parts.n == 3 && parse_i64(parts.v[2], 0, UINT32_MAX, &metric) < 0))
		return usage(e, "--route", text, "it is not a route", form);
	if (gw.family != to.ip.family || !subnet_of(n, &gw))
		return usage(e, "--route", text, "its gateway lies in no subnet of this network",
			     "give a --subnet that has the gateway");
	if (n->routes.n >= NETWORK_ROUTES_MAX)
		return usage(e, "--route", text, "there are too many", "at most 8 in a network");
	to = ip_net_mask(&to);
	struct network_route *r = bind_append(a, &n->routes, sizeof *r);
	r->destination = arena_strdup(a, ip_net_text(&to, buf));
	r->gateway = arena_strdup(a, ip_text(&gw, gw_buf));
	r->metric = metric;
	return 0;
}

int network_add_dns(const char *flag, const char *text, struct network *n, struct arena *a,
		    struct err *e)
{
	char buf[IP_TEXT];
	struct ip ip;

	if (ip_parse(text, &ip) < 0 || ip_is_any(&ip))
		return usage(e, flag, text, "it is not the address of a name server",
			     "as in 9.9.9.9");
	if (strs_has(&n->dns_servers, ip_text(&ip, buf)))
		return 0;
	if (n->dns_servers.n >= NETWORK_DNS_MAX)
		return usage(e, flag, text, "there are too many", "at most 8 in a network");
	strs_add(a, &n->dns_servers, buf);
	return 0;
}

static int each(const struct strs *l,
		int (*fn)(const char *, struct network *, struct arena *, struct err *),
		struct network *n, struct arena *a, struct err *e)
{
	int r = 0;

	for (size_t i = 0; i < l->n && r == 0; i++)
		r = fn(l->v[i], n, a, e);
	return r;
}

static int check_dns(const struct network_create_opts *o, struct network *n, struct arena *a,
		     struct err *e)
{
	bool bridge = !strcmp(n->driver, "bridge");
	int r = 0;

	n->dns = bridge && !o->disable_dns;
	if (o->dns.n && o->disable_dns)
		return usage(e, "--dns", o->dns.v[0], "it excludes --disable-dns",
			     "hoy run --dns gives name servers to one container");
	if (o->dns.n && !bridge)
		return usage(e, "--dns", o->dns.v[0],
			     "hoy has no name server in networks of this driver",
			     "hoy run --dns gives name servers to one container");
	for (size_t i = 0; i < o->dns.n && r == 0; i++)
		r = network_add_dns("--dns", o->dns.v[i], n, a, e);
	return r;
}

/* What was given; the rest is chosen when the lock is held. */
static int set_given(const struct network_create_opts *o, struct network *n, struct arena *a,
		     struct err *e)
{
	int r = each(&o->subnets, add_subnet, n, a, e);

	if (r == 0)
		r = each(&o->gateways, add_gateway, n, a, e);
	if (r == 0)
		r = each(&o->ranges, add_range, n, a, e);
	for (size_t i = 0; i < o->aux.n && r == 0; i++)
		r = add_aux(&o->aux.v[i], n, a, e);
	if (r == 0)
		r = check_dns(o, n, a, e);
	n->internal = o->internal;
	n->ipv6 |= network_subnet(n, 6) != NULL;
	if (r < 0 || o->ipv4)
		return r;
	if (network_subnet(n, 4))
		return usage(e, "--subnet", network_subnet(n, 4)->subnet,
			     "it excludes --ipv4=false", "leave one of them out");
	return n->ipv6 ? 0
		       : usage(e, "--ipv4=false", "", "a network without IPv4 needs IPv6",
			       "add --ipv6");
}

static bool no_addresses(const struct network_create_opts *o)
{
	return o->ipam_driver && !strcmp(o->ipam_driver, "none");
}

static int check_overlap(const struct network *n, const struct bind_list *taken, struct err *e)
{
	const struct subnet *s = n->subnets.v;
	struct ip_net net;

	for (size_t i = 0; i < n->subnets.n; i++) {
		if (ip_net_parse(s[i].subnet, &net) < 0)
			continue;
		const struct subnet_taken *t = subnets_overlap(taken, &net);
		char text[IP_NET_TEXT];
		if (!t)
			continue;
		err_fail_code(e, ERR_NETWORK_SUBNET, EADDRINUSE,
			      "the subnet %s overlaps %s of %.200s", s[i].subnet,
			      ip_net_text(&t->net, text), t->who);
		return err_hint(e, "choose another one, or none: then a free one is taken");
	}
	return 0;
}

static int choose(const struct home *h, const struct network_create_opts *o, struct network *n,
		  const struct bind_list *taken, struct arena *a, struct err *e)
{
	bool none = n->subnets.n == 0;
	char text[IP_NET_TEXT];
	struct ip_net net;
	int r = 0;

	if (o->ipv4 && !network_subnet(n, 4) && (none || o->ipv6)) {
		r = subnets_choose4(taken, false, &net, e);
		if (r == 0)
			r = add_subnet(ip_net_text(&net, text), n, a, e);
	}
	if (r == 0 && n->ipv6 && !network_subnet(n, 6)) {
		r = subnets_choose6(h, taken, &net, e);
		if (r == 0)
			r = add_subnet(ip_net_text(&net, text), n, a, e);
	}
	return r;
}

/* The first address behind the network's own. */
static void default_gateways(struct network *n, struct arena *a)
{
	struct subnet *s = n->subnets.v;
	char text[IP_TEXT];
	struct ip_net net;

	for (size_t i = 0; i < n->subnets.n; i++)
		if (!s[i].gateway && ip_net_parse(s[i].subnet, &net) == 0) {
			ip_add(&net.ip, 1);
			s[i].gateway = arena_strdup(a, ip_text(&net.ip, text));
		}
}

static int set_subnets(const struct home *h, const struct network_create_opts *o, struct network *n,
		       struct arena *a, struct err *e)
{
	bool bridge = !strcmp(n->driver, "bridge");
	struct bind_list taken = {0};
	int r = 0;

	if (no_addresses(o) && n->subnets.n)
		return usage(e, "--ipam-driver", "none", "it excludes --subnet",
			     "leave one of them out");
	if (!bridge && !n->subnets.n && !no_addresses(o)) {
		err_fail(e, ERR_NETWORK_SUBNET,
			 "a network of the driver %s needs the subnet of what %s leads to",
			 n->driver, n->interface ? n->interface : "its parent");
		return err_hint(e, "--subnet 192.168.1.0/24 --gateway 192.168.1.1 --ip-range "
				   "192.168.1.240/28, a part that nobody else gives away");
	}
	if (bridge) { /* the others are meant to be where the host is */
		r = networks_taken(h, &taken, a, e);
		if (r < 0)
			return r;
		subnets_add_host(&taken, a);
		r = check_overlap(n, &taken, e);
		if (r == 0)
			r = choose(h, o, n, &taken, a, e);
	}
	if (r == 0)
		default_gateways(n, a);
	if (r == 0)
		r = each(&o->routes, add_route, n, a, e);
	return r < 0 ? r : network_options_check_mtu(n, e);
}

/* ---- all of it */

static int exists(const struct network_create_opts *o, const char *name, struct err *e)
{
	err_fail_code(e, ERR_NETWORK_EXISTS, EEXIST, "there is a network %s already", name);
	return err_hint(e, "hoy network inspect %s shows it; --ignore takes it as it is", o->name);
}

int network_create(const struct home *h, const struct network_create_opts *o, struct network *ret,
		   struct arena *a, struct err *e)
{
	bool dflt = o->name && network_is_default(o->name);
	struct network n = {0};
	int r = o->name && !dflt ? check_name(o->name, e) : 0;

	if (r == 0 && dflt)
		return o->ignore ? network_find(h, o->name, true, ret, a, e)
				 : exists(o, NETWORK_DEFAULT, e);
	if (r == 0)
		r = network_options_set(o, &n, a, e);
	if (r == 0)
		r = set_given(o, &n, a, e);
	if (r < 0)
		return r;
	autoclose int lock = networks_lock(h, e);
	if (lock < 0)
		return lock;
	n.name = o->name ? arena_strdup(a, o->name) : free_name(h, o->prefix, a);
	r = network_read(h, n.name, ret, a, e);
	if (r != -ENOENT)
		return r < 0 || o->ignore ? r : exists(o, n.name, e);
	/* Who may not have it at all need not hear what is missing. */
	r = parent_is(&n) ? parent_check(&n, e) : 0;
	if (r == 0)
		r = set_subnets(h, o, &n, a, e);
	if (!n.interface && !strcmp(n.driver, "bridge"))
		n.interface = "br0";
	if (r == 0)
		r = network_make(h, &n, a, e);
	if (r == 0)
		network_tell(h, "create", n.id, n.name, NULL);
	*ret = n;
	return r;
}
