#include <net/if.h>

#include "base/base.h"
#include "base/parse.h"
#include "engine/network_opts.h"
#include "engine/port_opts.h"
#include "engine/usernet_opts.h"
#include "net/lease.h"
#include "runtime/namespaces.h"

static int bad(struct err *e, const char *text, const char *why)
{
	err_fail(e, ERR_USAGE, "--network \"%.100s\": %s", text, why);
	return err_hint(e, "none, host, a network's name (with :ip=ADDRESS,alias=NAME...), "
			   "container:NAME, ns:PATH, pasta or slirp4netns");
}

/* ---- texts */

static int take_ip(const char *flag, const char *text, int family, const char **ret,
		   struct arena *a, struct err *e)
{
	char buf[IP_TEXT];
	struct ip ip;

	if (ip_parse(text, &ip) < 0 || (family && ip.family != family)) {
		err_fail(e, ERR_USAGE, "%s \"%.80s\" is not an IP%s address", flag, text,
			 family == 4   ? "v4"
			 : family == 6 ? "v6"
				       : "");
		return err_hint(e, "as in %s", family == 6 ? "fd00::12" : "10.89.0.12");
	}
	if (ip_is_any(&ip) || ip_is_loopback(&ip) || ip_is_link_local(&ip)) {
		err_fail(e, ERR_USAGE, "%s %s: a container cannot have this address", flag, text);
		return err_hint(e, "it takes one of the network's subnet: hoy network inspect "
				   "shows it");
	}
	*ret = arena_strdup(a, ip_text(&ip, buf));
	return 0;
}

static int take_mac(const char *flag, const char *text, const char **ret, struct arena *a,
		    struct err *e)
{
	uint8_t mac[MAC_LEN];
	char buf[MAC_TEXT];

	if (mac_parse(text, mac) < 0) {
		err_fail(e, ERR_USAGE, "%s \"%.40s\" is not the MAC address of a device", flag,
			 text);
		return err_hint(e, "as in 92:d0:c6:0a:29:33; the first byte is even");
	}
	*ret = arena_strdup(a, mac_text(mac, buf));
	return 0;
}

static int take_alias(const char *flag, const char *text, struct strs *to, struct arena *a,
		      struct err *e)
{
	size_t n = strlen(text);

	if (!n || n > 253 || text[0] == '-' || text[0] == '.' ||
	    text[strspn(text,
			"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._")]) {
		err_fail(e, ERR_USAGE, "%s \"%.80s\" is not a name", flag, text);
		return err_hint(e, "letters, digits, '-', '_' and '.'");
	}
	if (!strs_has(to, text))
		strs_add(a, to, text);
	return 0;
}

static int take_ifname(const char *text, const char **ret, struct arena *a, struct err *e)
{
	size_t n = strlen(text);
	bool ok = n && n < IF_NAMESIZE && strcmp(text, ".") && strcmp(text, "..") &&
		  strcmp(text, "lo");

	for (size_t i = 0; i < n && ok; i++)
		ok = text[i] > ' ' && text[i] < 0x7f && !strchr("/:%", text[i]);
	if (!ok) {
		err_fail(e, ERR_USAGE, "\"%.40s\" is not the name of a network device", text);
		return err_hint(e, "at most 15 letters and digits, as in eth0");
	}
	*ret = arena_strdup(a, text);
	return 0;
}

/* An option of one network: podman's words, and docker's for the same. */
static int take_option(const char *whole, const char *opt, struct network_ask *ask, struct arena *a,
		       struct err *e)
{
	const char *eq = strchr(opt, '='), *value = eq ? eq + 1 : "";
	const char *name = arena_strndup(a, opt, eq ? (size_t)(eq - opt) : strlen(opt));

	if (!eq || !*value)
		return bad(e, whole, "an option of a network is KEY=VALUE");
	if (!strcmp(name, "ip")) {
		const char *text;
		int r = take_ip("--network ip", value, 0, &text, a, e);
		if (r == 0)
			*(strchr(text, ':') ? &ask->ip6 : &ask->ip4) = text;
		return r;
	}
	if (!strcmp(name, "ip6"))
		return take_ip("--network ip6", value, 6, &ask->ip6, a, e);
	if (!strcmp(name, "mac") || !strcmp(name, "mac-address"))
		return take_mac("--network mac", value, &ask->mac, a, e);
	if (!strcmp(name, "alias"))
		return take_alias("--network alias", value, &ask->aliases, a, e);
	if (!strcmp(name, "interface_name"))
		return take_ifname(value, &ask->ifname, a, e);
	if (!strcmp(name, "driver-opt") && str_starts(value, "com.docker.network.endpoint.ifname="))
		return take_ifname(strchr(value, '=') + 1, &ask->ifname, a, e);
	if (!strcmp(name, "host_interface_name")) {
		const char
			*ignored; /* the other end of the cable is in the network's own namespace */
		return take_ifname(value, &ignored, a, e);
	}
	if (!strcmp(name, "gw-priority"))
		return parse_i64(value, INT32_MIN, INT32_MAX, &ask->priority) == 0
			       ? 0
			       : bad(e, whole, "gw-priority is a number");
	if (!strcmp(name, "link-local-ip")) {
		bad(e, whole, "link-local addresses cannot be given");
		return err_hint(e, "the kernel gives the device its link-local IPv6 address");
	}
	err_fail(e, ERR_USAGE, "--network \"%.100s\": there is no option \"%.40s\"", whole, name);
	return err_hint(e, "the options are ip, ip6, mac, alias, interface_name, "
			   "host_interface_name and gw-priority");
}

static int take_options(const char *whole, const char *list, struct network_ask *ask,
			struct arena *a, struct err *e)
{
	scoped(strv) parts = {0};
	int r = 0;

	strv_split(&parts, list, ',');
	for (size_t i = 0; i < parts.n && r == 0; i++)
		r = take_option(whole, parts.v[i], ask, a, e);
	return r;
}

static struct network_ask *find_ask(struct network_plan *p, const char *name)
{
	struct network_ask *v = p->asks.v;

	for (size_t i = 0; i < p->asks.n; i++)
		if (!strcmp(v[i].name, name))
			return &v[i];
	return NULL;
}

static int add_ask(struct network_plan *p, const char *whole, const char *name,
		   struct network_ask **ret, struct arena *a, struct err *e)
{
	bool dflt = network_is_default(name) || !strcmp(name, "private");

	if (!*name)
		return bad(e, whole, "the name is empty");
	name = dflt ? NETWORK_DEFAULT : arena_strdup(a, name);
	if (find_ask(p, name)) {
		err_fail(e, ERR_USAGE, "--network %s is given twice", name);
		return err_hint(e, "a container has one device in a network; --network-alias gives "
				   "it further names");
	}
	*ret = bind_append(a, &p->asks, sizeof **ret);
	(*ret)->name = name;
	p->mode = "bridge";
	return 0;
}

/* docker's name=NAME,KEY=VALUE... */
static int take_csv(const char *text, struct network_plan *p, struct arena *a, struct err *e)
{
	scoped(strv) parts = {0};
	struct network_ask *ask = NULL;
	int r = 0;

	strv_split(&parts, text, ',');
	for (size_t i = 0; i < parts.n && !ask && r == 0; i++)
		if (str_starts(parts.v[i], "name="))
			r = add_ask(p, text, parts.v[i] + 5, &ask, a, e);
	if (r == 0 && !ask)
		return bad(e, text, "the list has no name=NAME");
	for (size_t i = 0; i < parts.n && r == 0; i++)
		if (!str_starts(parts.v[i], "name="))
			r = take_option(text, parts.v[i], ask, a, e);
	return r;
}

static bool is_word(const char *text, const char *word, const char **ret_rest)
{
	size_t n = strlen(word);

	if (strncmp(text, word, n) != 0 || (text[n] && text[n] != ':'))
		return false;
	*ret_rest = text[n] ? text + n + 1 : NULL;
	return true;
}

/* The modes that are no networks. False: it is none of them. */
static bool take_mode(const char *text, struct network_plan *p, struct arena *a, int *ret,
		      struct err *e)
{
	static const char *const words[] = {"none", "host", "pasta", "slirp4netns"};
	const char *rest;

	*ret = 0;
	for (size_t i = 0; i < countof(words); i++) {
		scoped(strv) parts = {0};
		if (!is_word(text, words[i], &rest))
			continue;
		p->mode = words[i];
		if (rest && i < 2)
			*ret = bad(e, text, "this mode has no options");
		if (rest)
			strv_split(&parts, rest, ',');
		for (size_t k = 0; k < parts.n; k++)
			if (*parts.v[k])
				strs_add(a, &p->options, parts.v[k]);
		return true;
	}
	if (is_word(text, "container", &rest) && rest) {
		p->mode = arena_strdup(a, text);
		*ret = *rest ? 0 : bad(e, text, "no container is named");
		return true;
	}
	if (is_word(text, "ns", &rest) && rest) {
		p->mode = arena_strdup(a, text);
		*ret = *rest == '/' ? 0 : bad(e, text, "the path is not absolute");
		return true;
	}
	return false;
}

static int take_network(const char *text, struct network_plan *p, struct arena *a, struct err *e)
{
	const char *colon = strchr(text, ':'), *eq = strchr(text, '=');
	struct network_ask *ask;
	scoped(strv) names = {0};
	int r = 0;

	if (eq && (!colon || eq < colon))
		return take_csv(text, p, a, e);
	if (colon) {
		const char *name = arena_strndup(a, text, (size_t)(colon - text));
		r = add_ask(p, text, name, &ask, a, e);
		return r < 0 ? r : take_options(text, colon + 1, ask, a, e);
	}
	strv_split(&names, text, ','); /* podman's older way to give several */
	for (size_t i = 0; i < names.n && r == 0; i++)
		r = add_ask(p, text, names.v[i], &ask, a, e);
	return r;
}

/* --ip and its like: of the one network that there is. */
static int take_flags(const struct network_opts *o, struct network_plan *p, struct arena *a,
		      struct err *e)
{
	const char *flag = !str_is_empty(o->ip)	   ? "ip"
			   : !str_is_empty(o->ip6) ? "ip6"
			   : !str_is_empty(o->mac) ? "mac-address"
						   : NULL;
	const char *other = flag	   ? flag
			    : o->aliases.n ? "network-alias"
			    : o->links.n   ? "link"
					   : NULL;
	struct network_ask *v = p->asks.v;
	int r = 0;

	if (o->link_local.n) {
		err_fail(e, ERR_USAGE, "--link-local-ip %.60s cannot be given", o->link_local.v[0]);
		return err_hint(e, "the kernel gives the device its link-local IPv6 address; "
				   "--ip and --ip6 set the others");
	}
	if (other && strcmp(p->mode, "bridge") != 0) {
		err_fail(e, ERR_USAGE, "--%s and --network %.60s exclude each other", other,
			 p->mode);
		return err_hint(e, "only in a network that hoy makes has a container an address "
				   "and names of its own");
	}
	if (flag && p->asks.n != 1) {
		err_fail(e, ERR_USAGE,
			 "--%s with several networks: it is not said which one it "
			 "is for",
			 flag);
		return err_hint(e, "write it behind the network: --network %s:%s=...", v[0].name,
				strcmp(flag, "mac-address") ? flag : "mac");
	}
	for (size_t i = 0; i < o->aliases.n && r == 0; i++)
		for (size_t k = 0; k < p->asks.n && r == 0; k++)
			r = take_alias("--network-alias", o->aliases.v[i], &v[k].aliases, a, e);
	if (r == 0 && !str_is_empty(o->ip))
		r = take_ip("--ip", o->ip, 4, &v->ip4, a, e);
	if (r == 0 && !str_is_empty(o->ip6))
		r = take_ip("--ip6", o->ip6, 6, &v->ip6, a, e);
	if (r == 0 && !str_is_empty(o->mac))
		r = take_mac("--mac-address", o->mac, &v->mac, a, e);
	return r;
}

int network_opts_parse(const struct network_opts *o, struct network_plan *ret, struct arena *a,
		       struct err *e)
{
	struct network_ask *ask;
	int r = 0;

	*ret = (struct network_plan){0};
	for (size_t i = 0; i < o->networks.n && r == 0; i++) {
		const char *text = o->networks.v[i];
		bool had = ret->mode != NULL;
		if (!*text) /* as if it were not there */
			continue;
		bool mode = take_mode(text, ret, a, &r, e);
		if (r == 0 && !mode && had && !ret->asks.n)
			r = bad(e, text, "it cannot be combined with the one before it");
		if (r == 0 && mode && had)
			r = bad(e, text, "it cannot be one of several networks");
		if (r == 0 && !mode)
			r = take_network(text, ret, a, e);
	}
	if (r == 0 && !ret->mode)
		r = add_ask(ret, NETWORK_DEFAULT, NETWORK_DEFAULT, &ask, a, e);
	if (r == 0 && ret->options.n)
		r = usernet_opts_check(ret->mode, &ret->options, e);
	return r < 0 ? r : take_flags(o, ret, a, e);
}

/* ---- what they name */

/* container:NAME becomes the namespace of a container that has one. */
static int set_container(const struct home *h, const char *name, struct container_config *c,
			 struct arena *a, struct err *e)
{
	struct container other;
	int r = container_open(h, name, &other, e);

	if (r == 0)
		r = container_load_config(&other, e);
	if (r == 0 && ns_is_host(&other.config, NS_NET)) {
		err_fail(e, ERR_NAMESPACE, "container %s uses the host's network itself", name);
		r = err_hint(e, "--network host is the same");
	} else if (r == 0 && !ns_is_own(&other.config, NS_NET)) {
		c->network = arena_strdup(a, other.config.network); /* that one's */
	} else if (r == 0) {
		c->network = arena_printf(a, "container:%s", other.id);
	}
	container_free(&other);
	return r;
}

static void by_priority(const struct network_ask *v, size_t n, size_t *order)
{
	for (size_t i = 0; i < n; i++) {
		size_t at = i;
		for (; at > 0 && v[order[at - 1]].priority < v[i].priority; at--)
			order[at] = order[at - 1];
		order[at] = i;
	}
}

static int name_devices(struct endpoints *l, struct arena *a, struct err *e)
{
	struct endpoint *v = l->v.v;

	for (size_t i = 0; i < l->v.n; i++)
		for (size_t k = 0; k < i; k++)
			if (v[i].ifname && str_eq(v[i].ifname, v[k].ifname)) {
				err_fail(e, ERR_USAGE, "--network: two devices are to be called %s",
					 v[i].ifname);
				return err_hint(e, "give each interface_name= once");
			}
	for (size_t i = 0; i < l->v.n; i++)
		if (!v[i].ifname)
			v[i].ifname = endpoints_free_device(l, a);
	return 0;
}

static int set_endpoints(const struct home *h, const struct network_plan *p,
			 struct container_config *c, struct network_made *ret, struct arena *a,
			 const char **ret_note, struct err *e)
{
	const struct network_ask *v = p->asks.v;
	size_t n = p->asks.n, *order = arena_alloc(a, n * sizeof *order);

	ret->endpoints = arena_alloc(a, sizeof *ret->endpoints);
	ret->networks = arena_alloc(a, n * sizeof *ret->networks);
	by_priority(v, n, order);
	for (size_t i = 0; i < n; i++) {
		const struct network_ask *k = &v[order[i]];
		struct network *net = &ret->networks[i];
		/* The default one is made only when all the rest is known to be right. */
		*net = (struct network){.name = NETWORK_DEFAULT, .id = NETWORK_DEFAULT_ID};
		int r = strcmp(k->name, NETWORK_DEFAULT)
				? network_find(h, k->name, false, net, a, e)
				: 0;
		if (r < 0)
			return r;
		for (size_t j = 0; j < i; j++)
			if (!strcmp(ret->networks[j].name, net->name))
				return err_fail(e, ERR_USAGE, "--network %s is given twice",
						net->name);
		if (k->aliases.n && !net->dns)
			*ret_note = arena_printf(
				a, "aliases have no effect in the network %s: it resolves no names",
				net->name);
		struct endpoint *ep = bind_append(a, &ret->endpoints->v, sizeof *ep);
		*ep = (struct endpoint){.network = net->name,
					.network_id = net->id,
					.ifname = k->ifname,
					.ip4 = k->ip4,
					.ip6 = k->ip6,
					.mac = k->mac,
					.fixed4 = k->ip4,
					.fixed6 = k->ip6,
					.fixed_mac = k->mac,
					.aliases = k->aliases};
	}
	if (strcmp(ret->networks->name, NETWORK_DEFAULT) != 0)
		c->network_mode = ret->networks->name;
	return name_devices(ret->endpoints, a, e);
}

/* The address of another container's endpoint in a network that this one will be in too, or NULL. */
static const struct endpoint *shared_endpoint(const struct endpoints *theirs,
					      const struct endpoints *ours)
{
	const struct endpoint *t = theirs->v.v, *o = ours->v.v;

	for (size_t i = 0; i < ours->v.n; i++)
		for (size_t k = 0; k < theirs->v.n; k++)
			if (!strcmp(t[k].network, o[i].network))
				return &t[k];
	return NULL;
}

/* --link CONTAINER[:NAME]: lines of /etc/hosts, which work in the default network too. An address stays as long as its container does. */
static int set_link(const struct home *h, const char *text, struct container_config *c,
		    const struct endpoints *ours, struct arena *a, struct err *e)
{
	const char *colon = strchr(text, ':');
	const char *name = arena_strndup(a, text, colon ? (size_t)(colon - text) : strlen(text));
	struct strs alias = {0};
	struct container other;
	struct endpoints theirs = {0};
	int r = take_alias("--link", colon ? colon + 1 : name, &alias, a, e);

	if (r < 0)
		return r;
	r = container_open(h, name, &other, e);
	if (r == 0)
		r = endpoints_read(other.dir, &theirs, a, e);
	const struct endpoint *at = r == 0 ? shared_endpoint(&theirs, ours) : NULL;
	if (r == 0 && !at) {
		err_fail(e, ERR_USAGE,
			 "--link %.80s: the two containers are in no network together", text);
		r = err_hint(e, "put this one into a network of that one with --network");
	}
	if (r == 0) {
		const char *names =
			str_eq(alias.v[0], other.state.name)
				? alias.v[0]
				: arena_printf(a, "%s;%s", alias.v[0], other.state.name);
		if (at->ip4)
			strs_add(a, &c->extra_hosts, arena_printf(a, "%s:%s", names, at->ip4));
		if (at->ip6)
			strs_add(a, &c->extra_hosts, arena_printf(a, "%s:%s", names, at->ip6));
		strs_add(a, &c->links, arena_printf(a, "%s:%s", other.state.name, alias.v[0]));
	}
	container_free(&other);
	return r;
}

int network_opts_set(const struct home *h, const struct network_opts *o, struct container_config *c,
		     struct network_made *ret, struct arena *a, const char **ret_note,
		     struct err *e)
{
	struct network_plan p;
	int r = network_opts_parse(o, &p, a, e);

	*ret = (struct network_made){0};
	*ret_note = NULL;
	if (r < 0)
		return r;
	c->network = p.mode;
	c->network_options = p.options;
	if (str_starts(p.mode, "container:"))
		return set_container(h, p.mode + 10, c, a, e);
	if (str_starts(p.mode, "ns:") && access(p.mode + 3, F_OK) < 0)
		return err_set(e, errno, "--network %s", p.mode);
	r = strcmp(c->network, "bridge") ? 0 : set_endpoints(h, &p, c, ret, a, ret_note, e);
	for (size_t i = 0; i < o->links.n && r == 0; i++)
		r = set_link(h, o->links.v[i], c, ret->endpoints, a, e);
	return r;
}

/* ---- ports */

int network_opts_ports(const struct network_opts *o, const struct strs *image,
		       struct container_config *c, struct arena *a, const char **ret_note,
		       struct err *e)
{
	struct port_set *set = arena_alloc(a, sizeof *set);
	bool own = ns_is_own(c, NS_NET) && strcmp(c->network, "none") != 0;
	int r = 0;

	*ret_note = NULL;
	for (size_t i = 0; i < image->n; i++)
		port_set_add(set, image->v[i], NULL,
			     NULL); /* another engine's word for it: skipped */
	for (size_t i = 0; i < o->expose.n && r == 0; i++)
		r = port_set_add(set, o->expose.v[i], "expose", e);
	for (size_t i = 0; i < o->publish.n && r == 0; i++)
		r = port_opts_publish(a, o->publish.v[i], &c->ports, e);
	if (r == 0)
		r = port_opts_check(&c->ports, e);
	if (r == 0 && o->publish_all)
		r = port_opts_all(a, set, &c->ports, e);
	port_set_texts(set, a, &c->exposed);
	c->publish_all = o->publish_all;
	if (r == 0 && c->ports.n && !own) {
		*ret_note = arena_printf(a,
					 "ports are not published: the network of the container is "
					 "%s",
					 !strcmp(c->network, "none") ? "none"
					 : ns_is_host(c, NS_NET)     ? "the host's"
								     : "another's");
		c->ports = (struct bind_list){0};
		c->publish_all = false;
	}
	return r;
}

/* ---- addresses */

static void drop(const struct home *h, const char *id, const struct endpoint *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		leases_drop(h, id, &v[i]);
}

int network_opts_take(const struct home *h, const struct container_config *c,
		      struct network_made *v, int dir, struct arena *a, struct err *e)
{
	struct endpoint *ep = v->endpoints ? v->endpoints->v.v : NULL;
	size_t n = v->endpoints ? v->endpoints->v.n : 0;

	for (size_t i = 0; i < n; i++) {
		struct network *net = &v->networks[i];
		int r = net->version ? 0 : network_find(h, net->name, true, net, a, e);
		if (r == 0)
			r = leases_take(h, net, c->id, &ep[i], a, e);
		if (r < 0) {
			drop(h, c->id, ep, i);
			return r;
		}
	}
	int r = n ? endpoints_write(dir, v->endpoints, e) : 0;
	if (r < 0)
		drop(h, c->id, ep, n);
	return r;
}
