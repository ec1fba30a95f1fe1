#include "base/base.h"
#include "net/dns.h"
#include "runtime/names_text.h"

static const char begin_mark[] = "# Made by hoy, and again when the container's networks change:";
static const char end_mark[] = "# End of what hoy makes.";
static const char host_names[] = "host.containers.internal host.docker.internal";

enum { ASKED_SERVERS = 3 }; /* MAXNS of resolv.h: what the C libraries ask */

static bool on_host(const struct names_in *in)
{
	return str_eq(in->net->network, "host");
}

static bool has_endpoints(const struct names_in *in)
{
	return in->nets->n > 0;
}

/* ---- hosts */

struct word {
	const char *s;
	size_t n;
};

static bool next_word(const char **p, const char *end, struct word *ret)
{
	while (*p < end && (**p == ' ' || **p == '\t' || **p == '\r'))
		++*p;
	ret->s = *p;
	while (*p < end && **p != ' ' && **p != '\t' && **p != '\r' && **p != '#')
		++*p;
	ret->n = (size_t)(*p - ret->s);
	return ret->n > 0;
}

static bool same(const struct word *w, const char *name)
{
	return name && strlen(name) == w->n && !strncasecmp(w->s, name, w->n);
}

static bool in_list(const struct word *w, const char *list)
{
	for (const char *p = list, *end = list + strlen(list); p < end; p++) {
		struct word one = {p, strcspn(p, " ;:")};
		if (one.n == w->n && !strncasecmp(one.s, w->s, w->n))
			return true;
		p += one.n;
		if (*p == ':' || !*p)
			break;
	}
	return false;
}

/* Names that the container's own lines give a meaning to. */
static bool is_ours(const struct names_in *in, const struct word *w)
{
	const struct strs *extra = &in->c->extra_hosts;

	if (in_list(w, "localhost ip6-localhost ip6-loopback") || in_list(w, host_names) ||
	    same(w, in->c->hostname) || same(w, in->c->name) || same(w, in->net->hostname) ||
	    same(w, in->net->name))
		return true;
	/* What the machine calls itself is no name of the container. */
	if (!in->c->hosts_file && same(w, in->nodename))
		return true;
	for (size_t i = 0; i < extra->n; i++)
		if (in_list(w, extra->v[i]))
			return true;
	return false;
}

static void add_base_line(const struct names_in *in, const char *p, const char *end,
			  struct str *out)
{
	struct word addr, w;
	char text[IP_TEXT];
	struct ip ip;
	bool any = false;

	if (!next_word(&p, end, &addr) || addr.n >= sizeof text)
		return;
	memcpy(text, addr.s, addr.n);
	text[addr.n] = 0;
	if (ip_parse(text, &ip) < 0)
		return;
	while (next_word(&p, end, &w)) {
		if (is_ours(in, &w) || memchr(w.s, 0, w.n))
			continue;
		if (!any)
			str_add(out, text);
		any = true;
		str_addc(out, '\t');
		str_addn(out, w.s, w.n);
	}
	if (any)
		str_addc(out, '\n');
}

void names_add_base(const struct names_in *in, const char *base, size_t n, struct str *out)
{
	while (n) {
		const char *end = memchr(base, '\n', n);
		size_t len = end ? (size_t)(end - base) : n;
		add_base_line(in, base, base + len, out);
		base += len + (end ? 1 : 0);
		n -= len + (end ? 1 : 0);
	}
}

static void add_name(const char *name, struct str *line)
{
	struct word w = {name, name ? strlen(name) : 0};
	const char *p = str_cstr(line), *end = p + line->len;
	struct word have;

	if (!w.n)
		return;
	while (next_word(&p, end, &have)) /* once each */
		if (have.n == w.n && !strncasecmp(have.s, w.s, w.n))
			return;
	str_addc(line, line->len ? ' ' : '\t');
	str_add(line, name);
}

/* The names of one container: "\tbox.example.org box web". */
static void add_names(const struct container_config *c, struct str *line)
{
	if (!str_is_empty(c->domainname) && !str_is_empty(c->hostname)) {
		scoped(str) full = {0};
		str_addf(&full, "%s.%s", c->hostname, c->domainname);
		add_name(str_cstr(&full), line);
	}
	add_name(c->hostname, line);
	add_name(c->name, line);
}

static void add_own_names(const struct names_in *in, const struct strs *aliases, struct str *line)
{
	add_names(in->c, line);
	if (in->net != in->c)
		add_names(in->net, line);
	for (size_t i = 0; aliases && i < aliases->n; i++)
		add_name(aliases->v[i], line);
}

void names_block_text(const struct names_in *in, struct str *out)
{
	const struct names_net *v = in->nets->v;

	if (!has_endpoints(in))
		return;
	str_addf(out, "%s\n", begin_mark);
	for (size_t i = 0; i < in->nets->n; i++) {
		const char *const ips[] = {v[i].ip4, v[i].ip6};
		for (size_t k = 0; k < countof(ips); k++) {
			scoped(str) names = {0};
			if (str_is_empty(ips[k]))
				continue;
			add_own_names(in, &v[i].aliases, &names);
			str_addf(out, "%s%s\n", ips[k], str_cstr(&names));
		}
	}
	str_addf(out, "%s\n", end_mark);
}

/* "a;b:10.0.0.7" */
static void add_extra(const struct names_in *in, const char *text, const char *gateway,
		      struct str *out)
{
	size_t n = strcspn(text, ":");
	const char *ip = text[n] ? text + n + 1 : "";

	if (!strcmp(ip, "host-gateway"))
		ip = gateway;
	if (!*ip || !n)
		return;
	str_addf(out, "%s\t", ip);
	for (size_t i = 0; i < n; i++)
		str_addc(out, text[i] == ';' ? ' ' : text[i]);
	str_addc(out, '\n');
}

static bool user_defines(const struct names_in *in, const char *name)
{
	struct word w = {name, strlen(name)};

	for (size_t i = 0; i < in->c->extra_hosts.n; i++)
		if (in_list(&w, in->c->extra_hosts.v[i]))
			return true;
	return false;
}

/* The names of this machine, where there is a way to it. */
static void add_host_names(const struct names_in *in, const char *gateway, struct str *out)
{
	scoped(str) line = {0};

	if (!*gateway)
		return;
	if (!user_defines(in, "host.containers.internal"))
		add_name("host.containers.internal", &line);
	if (!user_defines(in, "host.docker.internal"))
		add_name("host.docker.internal", &line);
	if (line.len)
		str_addf(out, "%s%s\n", gateway, str_cstr(&line));
}

/* What slirp4netns has at the place'th address of its network. */
static const char *slirp_address(const struct container_config *c, unsigned place,
				 char buf[IP_TEXT])
{
	struct ip_net net = {0};

	ip_net_parse("10.0.2.0/24", &net);
	for (size_t i = 0; i < c->network_options.n; i++) {
		struct ip_net own;
		if (str_starts(c->network_options.v[i], "cidr=") &&
		    ip_net_parse(c->network_options.v[i] + 5, &own) == 0)
			net = ip_net_mask(&own);
	}
	ip_add(&net.ip, place);
	return ip_text(&net.ip, buf);
}

/* The address at which pasta answers questions. */
static const char *pasta_server(const struct container_config *c)
{
	const struct strs *o = &c->network_options;

	for (size_t i = 0; i < o->n; i++) {
		if (str_starts(o->v[i], "--dns-forward="))
			return o->v[i] + 14;
		if (!strcmp(o->v[i], "--dns-forward") && i + 1 < o->n)
			return o->v[i + 1];
	}
	return "169.254.1.1";
}

static const char *host_gateway(const struct names_in *in, char buf[IP_TEXT])
{
	const char *n = in->net->network;

	return str_eq(n, "host")						? "127.0.0.1"
	       : has_endpoints(in) || str_eq(n, "bridge") || str_eq(n, "pasta") ? NAMES_HOST_ADDRESS
	       : str_eq(n, "slirp4netns") ? slirp_address(in->net, 2, buf)
					  : "";
}

static bool mentions(const char *text, size_t n, const char *name)
{
	const char *end = text + n;

	for (const char *p = text; p < end;) {
		const char *nl = memchr(p, '\n', (size_t)(end - p));
		const char *stop = nl ? nl : end;
		struct word w;
		next_word(&p, stop, &w);
		while (w.n && next_word(&p, stop, &w))
			if (same(&w, name))
				return true;
		p = nl ? nl + 1 : end;
	}
	return false;
}

void names_hosts_text(const struct names_in *in, struct str *out)
{
	char buf[IP_TEXT];
	const char *gateway = host_gateway(in, buf);

	if (on_host(in) && in->base_len && !in->c->hosts_file) {
		str_addn(out, in->base, in->base_len); /* the same network: the same file */
		if (out->s[out->len - 1] != '\n')
			str_addc(out, '\n');
	} else {
		str_add(out, "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n");
		names_add_base(in, in->base, in->base_len, out);
	}
	for (size_t i = 0; i < in->c->extra_hosts.n; i++)
		add_extra(in, in->c->extra_hosts.v[i], gateway, out);
	add_host_names(in, gateway, out);
	if (has_endpoints(in)) {
		names_block_text(in, out);
	} else if (!mentions(str_cstr(out), out->len, in->c->hostname)) {
		scoped(str) names = {0};
		add_own_names(in, NULL, &names);
		str_addf(out, "127.0.1.1%s\n", str_cstr(&names));
	}
}

/* The start of a line that is just this mark; NULL: there is none. */
static const char *find_mark(const char *p, const char *end, const char *mark)
{
	size_t len = strlen(mark);

	while (p < end) {
		const char *nl = memchr(p, '\n', (size_t)(end - p));
		const char *stop = nl ? nl : end;
		if ((size_t)(stop - p) == len && !memcmp(p, mark, len))
			return p;
		p = nl ? nl + 1 : end;
	}
	return NULL;
}

void names_replace_block(const char *old, size_t n, const char *block, struct str *out)
{
	const char *end = old + n;
	const char *from = find_mark(old, end, begin_mark);
	const char *to = from ? find_mark(from, end, end_mark) : NULL;

	if (!to) { /* the user has taken a mark away: what is there is the user's */
		str_addn(out, old, n);
		if (n && old[n - 1] != '\n')
			str_addc(out, '\n');
		str_add(out, block);
		return;
	}
	to += strlen(end_mark);
	to += to < end; /* the end of the line */
	str_addn(out, old, (size_t)(from - old));
	str_add(out, block);
	str_addn(out, to, (size_t)(end - to));
}

/* ---- resolv.conf */

size_t names_order(struct names_net *v, size_t n, size_t *ret)
{
	size_t served = 0, last = n;

	for (size_t i = n; i-- > 0;) { /* the first one that is not internal, else the first */
		v[i].dns_not_last = true;
		if (v[i].served)
			served++;
		if (v[i].served && (last == n || !v[i].internal || v[last].internal))
			last = i;
	}
	if (last == n)
		return 0;
	v[last].dns_not_last = false;
	size_t at = served < ASKED_SERVERS ? served - 1 : ASKED_SERVERS - 1, k = 0;
	for (size_t i = 0; i < n; i++) {
		if (!v[i].served || i == last)
			continue;
		if (k == at)
			ret[k++] = last;
		ret[k++] = i;
	}
	if (k == at)
		ret[k++] = last;
	return k;
}

static bool is_own_loopback(const char *server)
{
	struct ip ip;

	return ip_parse(server, &ip) == 0 && ip_is_loopback(&ip);
}

void names_forward(const struct container_config *c, struct strs *ret, struct arena *a)
{
	for (size_t i = 0; i < c->dns.n; i++)
		if (strcmp(c->dns.v[i], "none") && !is_own_loopback(c->dns.v[i]))
			strs_add(a, ret, c->dns.v[i]);
}

static void add_server(const char *server, struct str *out)
{
	str_addf(out, "nameserver %s\n", server);
}

static void add_strs(const struct strs *l, struct str *out)
{
	for (size_t i = 0; i < l->n; i++)
		add_server(l->v[i], out);
}

/* Servers as they stand in a resolv.conf of the host; those on its loopback device cannot be asked from another network. */
static size_t add_host_servers(const struct resolv *r, bool loopback, struct str *out)
{
	size_t n = 0;

	for (size_t i = 0; i < r->nservers; i++) {
		const struct resolv_server *s = &r->servers[i];
		char text[IP_TEXT];
		if (!loopback && ip_is_loopback(&s->ip))
			continue;
		str_addf(out, "nameserver %s%s%s\n", ip_text(&s->ip, text), *s->zone ? "%" : "",
			 s->zone);
		n++;
	}
	return n;
}

static void add_net_servers(const struct names_in *in, struct str *out)
{
	struct names_net *v = in->nets->v;
	const struct strs *dns = &in->net->dns;
	size_t n = in->nets->n;
	autofree size_t *order = xcalloc(n + 1, sizeof *order);
	size_t k = names_order(v, n, order);
	bool names = false;

	for (size_t i = 0; i < n; i++)
		names |= v[i].served && v[i].dns;
	if (dns->n && !names) {
		add_strs(dns, out);
		return;
	}
	for (size_t i = 0; i < dns->n; i++)
		if (is_own_loopback(dns->v[i]))
			add_server(dns->v[i], out);
	for (size_t i = 0; i < k; i++)
		add_server(v[order[i]].gw4 ? v[order[i]].gw4 : v[order[i]].gw6, out);
	if (k)
		return;
	for (size_t i = 0; i < n; i++) {
		add_strs(&v[i].dns_servers, out);
		k += v[i].dns_servers.n;
	}
	if (!k && !add_host_servers(in->host, false, out))
		add_host_servers(in->behind, false, out);
}

static void add_servers(const struct names_in *in, struct str *out)
{
	const struct strs *dns = &in->net->dns;
	const char *n = in->net->network;
	char buf[IP_TEXT];

	if (has_endpoints(in))
		add_net_servers(in, out);
	else if (dns->n)
		add_strs(dns, out);
	else if (str_eq(n, "pasta"))
		add_server(pasta_server(in->net), out);
	else if (str_eq(n, "slirp4netns"))
		add_server(slirp_address(in->net, 3, buf), out);
	else
		add_host_servers(in->host, true, out);
}

static void add_search(const struct names_in *in, struct str *out)
{
	const struct names_net *v = in->nets->v;
	const struct strs *s = &in->net->dns_search;
	scoped(str) list = {0};
	bool names = false;

	for (size_t i = 0; i < in->nets->n; i++)
		names |= v[i].served && v[i].dns;
	if (names && !s->n)
		str_add(&list, " " DNS_DOMAIN);
	for (size_t i = 0; i < s->n; i++)
		if (strcmp(s->v[i], ".") != 0)
			str_addf(&list, " %s", s->v[i]);
	if (!s->n && *in->host->search)
		str_addf(&list, " %s", in->host->search);
	if (list.len)
		str_addf(out, "search%s\n", str_cstr(&list));
}

static void add_options(const struct names_in *in, struct str *out)
{
	const struct strs *o = &in->net->dns_options;

	if (!o->n && *in->host->options)
		str_addf(out, "options %s\n", in->host->options);
	if (!o->n)
		return;
	str_add(out, "options");
	for (size_t i = 0; i < o->n; i++)
		str_addf(out, " %s", o->v[i]);
	str_addc(out, '\n');
}

void names_resolv_text(const struct names_in *in, struct str *out)
{
	const struct container_config *n = in->net;
	bool flags = n->dns.n || n->dns_search.n || n->dns_options.n;
	bool own = has_endpoints(in) || str_eq(n->network, "pasta") ||
		   str_eq(n->network, "slirp4netns");

	if (!own && !flags) {
		str_addn(out, in->host_resolv, in->host_resolv_len);
		return;
	}
	add_search(in, out);
	add_servers(in, out);
	add_options(in, out);
}
