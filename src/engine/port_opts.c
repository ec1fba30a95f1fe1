#include "base/base.h"
#include "base/parse.h"
#include "engine/port_opts.h"
#include "net/addr.h"

static const char *const protocols[] = {"tcp", "udp", "sctp"};

struct span {
	unsigned first, n;
};

/* The readers below return what is wrong with a text, as words, or NULL. */

static int bad(struct err *e, const char *flag, const char *text, const char *w)
{
	err_fail(e, ERR_USAGE, "--%s \"%.80s\": %s", flag, text, w);
	if (*flag == 'e')
		return err_hint(e, "as in 80, 53/udp or 8000-8010/tcp");
	return err_hint(e, "as in 8080:80, 127.0.0.1:8080:80, [::1]:8080:80, 53:53/udp, "
			   "8000-8010:8000-8010, or 80 for a random port of the host");
}

static const char *read_port(const char *s, size_t n, unsigned min, unsigned *ret)
{
	char buf[8];
	uint64_t v;

	if (!n)
		return "a port is empty";
	if (n >= sizeof buf)
		return "a port is a number from 1 to 65535";
	memcpy(buf, s, n);
	buf[n] = 0;
	if (parse_u64(buf, 65535, &v) < 0 || v < min)
		return "a port is a number from 1 to 65535";
	*ret = (unsigned)v;
	return NULL;
}

static const char *read_span(const char *s, size_t n, unsigned min, struct span *ret)
{
	const char *dash = memchr(s, '-', n);
	unsigned last;
	const char *w = read_port(s, dash ? (size_t)(dash - s) : n, min, &ret->first);

	ret->n = 1;
	if (w || !dash)
		return w;
	w = read_port(dash + 1, n - (size_t)(dash - s) - 1, 1, &last);
	if (w)
		return w;
	if (last < ret->first)
		return "a range ends before it begins";
	if (!ret->first)
		return "a port is a number from 1 to 65535";
	ret->n = last - ret->first + 1;
	return NULL;
}

/* Takes "/PROTOCOL" off the end of *n bytes. */
static const char *read_protocol(const char *s, size_t *n, enum port_protocol *ret)
{
	const char *slash = memrchr(s, '/', *n);
	size_t len = slash ? *n - (size_t)(slash - s) - 1 : 0;

	*ret = PORT_TCP;
	if (!slash)
		return NULL;
	*n = (size_t)(slash - s);
	for (*ret = 0; *ret < PORT_PROTOCOLS; ++*ret)
		if (strlen(protocols[*ret]) == len && !strncasecmp(protocols[*ret], slash + 1, len))
			return NULL;
	return len ? "the protocols are tcp and udp" : "the protocol is empty";
}

static const char *read_ip(const char *s, size_t n, bool brackets, struct arena *a,
			   const char **ret)
{
	char text[IP_TEXT];
	struct ip ip;

	if (!n)
		return "the address of the host is empty";
	if (n >= sizeof text)
		return "the address of the host is not an IP address";
	memcpy(text, s, n);
	text[n] = 0;
	if (brackets && strchr(text, '%'))
		return "an address with a zone cannot be published on";
	if (ip_parse(text, &ip) < 0 || (ip.family == 6) != brackets)
		return "the address of the host is not an IP address";
	*ret = arena_strdup(a, ip_text(&ip, text));
	return NULL;
}

/* One row of --publish, taken apart. */
struct row {
	const char *ip; /* NULL: every address */
	bool has_host;
	struct span host, container;
	enum port_protocol protocol;
};

/* [IP:][HOST]:CONTAINER, the address with its brackets; n bytes. */
static const char *read_row(const char *s, size_t n, struct row *r, struct arena *a)
{
	const char *end = s + n, *close = *s == '[' ? memchr(s, ']', n) : NULL, *colon;
	const char *w;

	if (*s == '[') {
		if (!close || close + 1 >= end || close[1] != ':')
			return "an address in brackets ends with ]:";
		w = read_ip(s + 1, (size_t)(close - s) - 1, true, a, &r->ip);
		s = close + 2;
		if (w)
			return w;
	}
	colon = memchr(s, ':', (size_t)(end - s));
	const char *second = colon ? memchr(colon + 1, ':', (size_t)(end - colon) - 1) : NULL;
	if (second && (close || memchr(second + 1, ':', (size_t)(end - second) - 1)))
		return "there are too many colons (an IPv6 address stands in brackets)";
	if (second) {
		w = read_ip(s, (size_t)(colon - s), false, a, &r->ip);
		if (w)
			return w;
		s = colon + 1;
		colon = second;
	}
	if (colon && colon > s) {
		w = read_span(s, (size_t)(colon - s), 0, &r->host);
		if (w)
			return w;
		r->has_host = r->host.first > 0;
	}
	if (colon)
		s = colon + 1;
	if (s == end)
		return "there is no port of the container";
	w = read_span(s, (size_t)(end - s), 1, &r->container);
	if (!w && r->has_host && r->host.n != r->container.n && r->container.n > 1)
		w = "the ranges are of different length";
	return w;
}

/* docker's target=80,published=8080,protocol=tcp. */
static const char *read_long(const char *text, struct row *r, struct arena *a)
{
	scoped(strv) parts = {0};
	bool target = false;
	const char *w = NULL;

	strv_split(&parts, text, ',');
	for (size_t i = 0; i < parts.n && !w; i++) {
		const char *eq = strchr(parts.v[i], '=');
		size_t k = eq ? (size_t)(eq - parts.v[i]) : 0, n = eq ? strlen(eq + 1) : 0;
		if (!k)
			return "it is not a list of KEY=VALUE";
		if (!strncmp(parts.v[i], "target=", k + 1) || !strncmp(parts.v[i], "dst=", k + 1)) {
			w = read_span(eq + 1, n, 1, &r->container);
			target = true;
		} else if (!strncmp(parts.v[i], "published=", k + 1) && n) {
			w = read_span(eq + 1, n, 0, &r->host);
			r->has_host = r->host.first > 0;
		} else if (!strncmp(parts.v[i], "host_ip=", k + 1)) {
			w = read_ip(eq + 1, n, strchr(eq, ':') != NULL, a, &r->ip);
		} else if (!strncmp(parts.v[i], "protocol=", k + 1)) {
			scoped(str) slashed = {0};
			str_addf(&slashed, "/%s", eq + 1);
			size_t len = slashed.len;
			w = read_protocol(str_cstr(&slashed), &len, &r->protocol);
		} else if (strncmp(parts.v[i], "published=", k + 1) &&
			   strncmp(parts.v[i], "mode=", k + 1)) {
			w = "the keys are target, published, protocol, host_ip and mode";
		}
	}
	if (!w && !target)
		w = "there is no port of the container (target=)";
	if (!w && r->has_host && r->host.n != r->container.n && r->container.n > 1)
		w = "the ranges are of different length";
	return w;
}

static int add(struct arena *a, struct bind_list *ports, const struct port *p, const char *text,
	       struct err *e)
{
	if (ports->n >= PORT_PUBLISH_MAX)
		return bad(e, "publish", text, "these are too many ports");
	*(struct port *)bind_append(a, ports, sizeof *p) = *p;
	return 0;
}

int port_opts_publish(struct arena *a, const char *text, struct bind_list *ports, struct err *e)
{
	struct row row = {0};
	size_t n = strlen(text);
	bool is_long = strchr(text, '=') != NULL;
	const char *w = is_long ? NULL : read_protocol(text, &n, &row.protocol);

	if (!w)
		w = is_long ? read_long(text, &row, a) : read_row(text, n, &row, a);
	if (w)
		return bad(e, "publish", text, w);
	if (row.protocol == PORT_SCTP) {
		err_fail(e, ERR_USAGE, "--publish \"%.80s\": sctp cannot be published", text);
		return err_hint(e, "hoy hands on tcp and udp; with --network host the program "
				   "listens on this machine's own ports");
	}
	struct port p = {row.ip, 0, row.container.first, 1, protocols[row.protocol]};
	if (row.has_host) {
		p.host_port = row.host.first;
		p.range = row.container.n;
		p.choice = row.host.n > row.container.n ? row.host.n : 0;
		return add(a, ports, &p, text, e);
	}
	for (unsigned i = 0; i < row.container.n; i++, p.container_port++) {
		int r = add(a, ports, &p, text, e);
		if (r < 0)
			return r;
	}
	return 0;
}

/* Would one address of the host be asked for by both? */
static bool same_host(const struct port *x, const struct port *y)
{
	const char *a = x->host_ip, *b = y->host_ip;

	if (str_is_empty(a) || str_is_empty(b) || !strcmp(a, b))
		return true;
	if ((strchr(a, ':') != NULL) != (strchr(b, ':') != NULL))
		return false;
	return !strcmp(a, "0.0.0.0") || !strcmp(b, "0.0.0.0") || !strcmp(a, "::") ||
	       !strcmp(b, "::");
}

static bool overlap(int64_t x, int64_t nx, int64_t y, int64_t ny)
{
	return x < y + ny && y < x + nx;
}

static bool same(const struct port *x, const struct port *y)
{
	return x->host_port == y->host_port && x->container_port == y->container_port &&
	       x->range == y->range &&
	       !strcmp(x->host_ip ? x->host_ip : "", y->host_ip ? y->host_ip : "");
}

int port_opts_check(struct bind_list *ports, struct err *e)
{
	struct port *p = ports->v;
	size_t n = 0;

	for (size_t i = 0; i < ports->n; i++) {
		bool again = false;
		for (size_t k = 0; k < n && !again && p[i].host_port && !p[i].choice; k++) {
			if (!p[k].host_port || p[k].choice ||
			    strcmp(p[k].protocol, p[i].protocol) ||
			    !overlap(p[k].host_port, p[k].range, p[i].host_port, p[i].range) ||
			    !same_host(&p[k], &p[i]))
				continue;
			again = same(&p[k], &p[i]);
			if (again)
				continue;
			err_fail(e, ERR_USAGE,
				 "--publish: port %" PRId64 "/%s of the host is to lead to two "
				 "ports of the container",
				 p[i].host_port > p[k].host_port ? p[i].host_port : p[k].host_port,
				 p[i].protocol);
			return err_hint(e, "give each another port of the host, or another address "
					   "of it");
		}
		if (!again)
			p[n++] = p[i];
	}
	ports->n = n;
	return 0;
}

/* ---- exposed ports */

static void set(struct port_set *s, enum port_protocol k, unsigned port)
{
	s->bits[k][port / 8] |= (uint8_t)(1 << port % 8);
}

bool port_set_has(const struct port_set *s, enum port_protocol k, unsigned port)
{
	return s->bits[k][port / 8] & 1 << port % 8;
}

int port_set_add(struct port_set *s, const char *text, const char *what, struct err *e)
{
	size_t n = strlen(text);
	enum port_protocol k;
	struct span v;
	const char *w = read_protocol(text, &n, &k);

	if (!w)
		w = read_span(text, n, 1, &v);
	if (w)
		return what ? bad(e, what, text, w) : -EINVAL;
	for (unsigned i = 0; i < v.n; i++)
		set(s, k, v.first + i);
	return 0;
}

void port_set_texts(const struct port_set *s, struct arena *a, struct strs *ret)
{
	for (enum port_protocol k = 0; k < PORT_PROTOCOLS; k++)
		for (unsigned p = 1, first; p < 65536; p++) {
			if (!port_set_has(s, k, p))
				continue;
			for (first = p; p < 65535 && port_set_has(s, k, p + 1);)
				p++;
			strs_add(a, ret,
				 first == p ? arena_printf(a, "%u/%s", p, protocols[k])
					    : arena_printf(a, "%u-%u/%s", first, p, protocols[k]));
		}
}

int port_opts_all(struct arena *a, const struct port_set *s, struct bind_list *ports, struct err *e)
{
	struct port_set taken = {0};
	const struct port *p = ports->v;

	for (size_t i = 0; i < ports->n; i++)
		for (int64_t k = 0; k < p[i].range; k++)
			set(&taken, !strcmp(p[i].protocol, "udp") ? PORT_UDP : PORT_TCP,
			    (unsigned)(p[i].container_port + k));
	for (enum port_protocol k = PORT_TCP; k <= PORT_UDP; k++)
		for (unsigned i = 1; i < 65536; i++) {
			struct port one = {NULL, 0, i, 1, protocols[k]};
			int r = port_set_has(s, k, i) && !port_set_has(&taken, k, i)
					? add(a, ports, &one, protocols[k], e)
					: 0;
			if (r < 0)
				return r;
		}
	return 0;
}
