#include <sys/utsname.h>

#include "base/base.h"
#include "net/plan.h"
#include "runtime/names_text.h"

enum { HOSTS_MAX = 1 << 20, JOINS_MAX = 8 };

#define AT(field) offsetof(struct names, field)
const struct bind_field names_fields[] = {
	{"Hosts", BIND_STR, AT(hosts)},
	{"ResolvConf", BIND_STR, AT(resolv_conf)},
	{"Hostname", BIND_STR, AT(hostname)},
	{"ImageHosts", BIND_BOOL, AT(image_hosts)},
	{0},
};
#undef AT

/* Everything that a text is made of. */
struct sources {
	struct names_in in;
	struct bind_list nets;
	struct container_config other;
	struct str base, host_resolv;
	struct resolv host, behind;
	struct utsname un;
};

static void sources_free(struct sources *s)
{
	str_free(&s->base);
	str_free(&s->host_resolv);
}

static const char *gateway(const struct network *n, int family)
{
	const struct subnet *v = n->subnets.v;

	for (size_t i = 0; i < n->subnets.n; i++)
		if ((strchr(v[i].subnet, ':') ? 6 : 4) == family)
			return v[i].gateway;
	return NULL;
}

int names_nets(const struct home *h, int container_dir, struct bind_list *ret, struct arena *a,
	       struct err *e)
{
	struct endpoints eps;
	int r = endpoints_read(container_dir, &eps, a, e);
	const struct endpoint *ep = eps.v.v;

	for (size_t i = 0; i < eps.v.n && r == 0; i++) {
		struct network n = {0};
		r = network_find(h, ep[i].network, false, &n, a, e);
		if (r < 0)
			break;
		const char *ip6 = netns_has_ipv6() ? ep[i].ip6 : NULL;
		struct names_net *v = bind_append(a, ret, sizeof *v);
		*v = (struct names_net){.network = ep[i].network,
					.ip4 = ep[i].ip4,
					.ip6 = ip6,
					.gw4 = ep[i].ip4 ? gateway(&n, 4) : NULL,
					.gw6 = ip6 ? gateway(&n, 6) : NULL,
					.aliases = ep[i].aliases,
					.dns_servers = n.dns_servers,
					.dns = n.dns,
					.internal = n.internal};
		v->served = str_eq(n.driver, "bridge") && (v->gw4 || v->gw6);
	}
	size_t *order = arena_alloc(a, (ret->n + 1) * sizeof *order);
	names_order(ret->v, ret->n, order);
	return r;
}

/* A file of the host, links followed; one that is not there, or too long, is like an empty one. */
static void read_host_file(const char *path, struct str *out)
{
	autoclose int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0 || fd_read_all(fd, out, HOSTS_MAX) < 0)
		str_reset(out);
}

/* The container whose network is used: c itself, or the one at the end of the chain of --network container:. */
static int find_net(const struct home *h, const struct container_config *c, int container_dir,
		    struct sources *s, struct arena *a, struct err *e)
{
	autoclose int other = -1;
	char path[100];

	s->in.net = c;
	for (int i = 0; i < JOINS_MAX && str_starts(s->in.net->network, "container:"); i++) {
		snprintf(path, sizeof path, "containers/%.64s", s->in.net->network + 10);
		fd_close(&other);
		other = openat(h->fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (other < 0)
			return err_set(e, errno, "open the container whose network is joined");
		int r = config_read(other, &s->other, a, e);
		if (r < 0)
			return r;
		s->in.net = &s->other;
	}
	return names_nets(h, other < 0 ? container_dir : other, &s->nets, a, e);
}

static const char *base_file(const struct container_config *c)
{
	if (!c->hosts_file)
		return "/etc/hosts";
	return c->hosts_file[0] == '/' ? c->hosts_file : NULL;
}

/* --network ns:/run/netns/NAME may have a file of its own (ip-netns(8)). */
static void read_resolv(const struct container_config *c, struct str *out)
{
	const char *slash = str_starts(c->network, "ns:") ? strrchr(c->network, '/') : NULL;

	if (slash && slash[1]) {
		autofree char *own = xasprintf("/etc/netns/%s/resolv.conf", slash + 1);
		read_host_file(own, out);
	}
	if (!out->len)
		read_host_file(RESOLV_PATH, out);
}

static int sources_read(const struct home *h, const struct container_config *c, int container_dir,
			struct sources *s, struct arena *a, struct err *e)
{
	int r = find_net(h, c, container_dir, s, a, e);

	if (r < 0)
		return r;
	const char *base = base_file(c);
	if (base && !c->no_hosts)
		read_host_file(base, &s->base);
	read_resolv(s->in.net, &s->host_resolv);
	resolv_parse(str_cstr(&s->host_resolv), s->host_resolv.len, &s->host);
	if (s->nets.n) /* it is needed by few of these */
		resolv_read(RESOLV_PATH_BEHIND, &s->behind);
	uname(&s->un);
	s->in.c = c;
	s->in.nets = &s->nets;
	s->in.base = str_cstr(&s->base);
	s->in.base_len = s->base.len;
	s->in.nodename = s->un.nodename;
	s->in.host_resolv = str_cstr(&s->host_resolv);
	s->in.host_resolv_len = s->host_resolv.len;
	s->in.host = &s->host;
	s->in.behind = &s->behind;
	return 0;
}

static bool keeps_resolv(const struct container_config *c)
{
	return c->dns.n && !strcmp(c->dns.v[0], "none");
}

/* The text may travel as JSON (runtime/launch.c): no NUL bytes, and UTF-8 only, whatever the host's files are. */
static const char *keep(const struct str *text, struct arena *a)
{
	scoped(str) out = {0};
	uint32_t c;

	str_reserve(&out, text->len + 1);
	for (size_t i = 0, n; i < text->len; i += n) {
		n = str_utf8_next(text->s + i, text->len - i, &c);
		if (n && c)
			str_addn(&out, text->s + i, n);
		else
			str_addc(&out, '?');
		n = n ? n : 1;
	}
	return arena_strdup(a, str_cstr(&out));
}

int names_make(const struct home *h, const struct container_config *c, int container_dir,
	       struct names *ret, struct arena *a, struct err *e)
{
	scoped(sources) s = {0};
	scoped(str) hosts = {0};
	scoped(str) resolv = {0};
	int r = sources_read(h, c, container_dir, &s, a, e);

	*ret = (struct names){0};
	if (r < 0)
		return r;
	if (!c->no_hosts) {
		names_hosts_text(&s.in, &hosts);
		ret->hosts = keep(&hosts, a);
		ret->image_hosts = str_eq(c->hosts_file, "image");
	}
	if (!keeps_resolv(c)) {
		names_resolv_text(&s.in, &resolv);
		ret->resolv_conf = keep(&resolv, a);
	}
	if (!c->no_hostname)
		ret->hostname = arena_printf(a, "%s\n", c->hostname);
	return 0;
}

/* In one write, and then cut: who reads meanwhile sees at worst old lines behind the new ones. */
static int rewrite(int fd, const struct str *text, struct err *e)
{
	size_t done = 0;

	while (done < text->len) {
		ssize_t n = pwrite(fd, text->s + done, text->len - done, (off_t)done);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_set(e, errno, "rewrite the container's /etc/hosts");
		done += (size_t)n;
	}
	return ftruncate(fd, (off_t)text->len) < 0
		       ? err_set(e, errno, "rewrite the container's /etc/hosts")
		       : 0;
}

static int rewrite_hosts(const struct names_in *in, int fd, struct err *e)
{
	scoped(str) old = {0};
	scoped(str) block = {0};
	scoped(str) text = {0};

	if (lseek(fd, 0, SEEK_SET) < 0 || fd_read_all(fd, &old, HOSTS_MAX) < 0)
		return 0; /* the container made it too long for anybody */
	names_block_text(in, &block);
	names_replace_block(str_cstr(&old), old.len, str_cstr(&block), &text);
	return rewrite(fd, &text, e);
}

int names_update_hosts(const struct home *h, const struct container_config *c, int container_dir,
		       int hosts, int resolv_conf, struct err *e)
{
	scoped(sources) s = {0};
	scoped(arena) a = {0};
	int r = sources_read(h, c, container_dir, &s, &a, e);

	if (r == 0 && hosts >= 0)
		r = rewrite_hosts(&s.in, hosts, e);
	if (r == 0 && resolv_conf >= 0) {
		scoped(str) text = {0};
		names_resolv_text(&s.in, &text);
		r = rewrite(resolv_conf, &text, e);
	}
	return r;
}
