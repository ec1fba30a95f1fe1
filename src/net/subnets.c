#include "base/base.h"
#include "base/rand.h"
#include "net/hostnet.h"
#include "net/subnets.h"

const struct subnet_taken *subnets_overlap(const struct bind_list *taken, const struct ip_net *net)
{
	const struct subnet_taken *t = taken->v;

	for (size_t i = 0; i < taken->n; i++)
		if (t[i].net.ip.family == net->ip.family && ip_net_overlap(&t[i].net, net))
			return &t[i];
	return NULL;
}

/* The first free net of *n's length from *n on, up to the end of within. Jumps over what it meets. */
static bool search(const struct bind_list *taken, const struct ip_net *within, struct ip_net *n)
{
	for (;;) {
		if (!ip_net_has(within, &n->ip))
			return false;
		const struct subnet_taken *t = subnets_overlap(taken, n);
		if (!t)
			return true;
		struct ip_net here = t->net.len < n->len ? t->net : *n;
		n->ip = ip_net_last(&here);
		if (!ip_add(&n->ip, 1))
			return false;
	}
}

struct pool {
	const char *first, *within;
};

static bool from_pools(const struct bind_list *taken, const struct pool *p, size_t n,
		       struct ip_net *ret)
{
	for (size_t i = 0; i < n; i++) {
		struct ip_net within;
		if (ip_net_parse(p[i].first, ret) == 0 && ip_net_parse(p[i].within, &within) == 0 &&
		    search(taken, &within, ret))
			return true;
	}
	return false;
}

int subnets_choose4(const struct bind_list *taken, bool dflt, struct ip_net *ret, struct err *e)
{
	static const struct pool large[] = {
		{"10.88.0.0/16", "10.88.0.0/16"},
		{"10.128.0.0/16", "10.128.0.0/9"},
		{"172.20.0.0/16", "172.16.0.0/12"},
	};
	static const struct pool small[] = {
		{"10.89.0.0/24", "10.0.0.0/8"},
		{"172.20.0.0/24", "172.16.0.0/12"},
		{"192.168.100.0/24", "192.168.0.0/16"},
		{"10.1.0.0/24", "10.0.0.0/8"},
	};

	if (dflt && from_pools(taken, large, countof(large), ret))
		return 0;
	if (from_pools(taken, small, countof(small), ret))
		return 0;
	err_fail_code(
		e, ERR_NETWORK_SUBNET, EADDRNOTAVAIL,
		"no private IPv4 subnet is free: the host's routes and other networks take all");
	return err_hint(e, "say which one to use: hoy network create --subnet 10.200.0.0/24 NAME");
}

/* ---- IPv6 */

enum { ULA_LEN = 48 };
static const char ula_link[] = "networks/.ula";

static bool ula_read(const struct home *h, struct ip_net *ret)
{
	char text[IP_NET_TEXT];
	ssize_t n = readlinkat(h->fd, ula_link, text, sizeof text - 1);

	text[n > 0 ? n : 0] = 0;
	return n > 0 && ip_net_parse(text, ret) == 0 && ret->ip.family == 6 &&
	       ret->len == ULA_LEN && ret->ip.b[0] == 0xfd;
}

/* The prefix of this store: drawn by the first network that needs it. */
static int ula(const struct home *h, struct ip_net *ret, struct err *e)
{
	char text[IP_NET_TEXT];

	if (ula_read(h, ret))
		return 0;
	uint64_t r = rand_u64();
	*ret = (struct ip_net){{.family = 6, .b = {0xfd}}, ULA_LEN};
	memcpy(ret->ip.b + 1, &r, 5);
	unlinkat(h->fd, ula_link, 0);
	if (symlinkat(ip_net_text(ret, text), h->fd, ula_link) < 0)
		return err_set(e, errno, "write %s/%s", h->path, ula_link);
	return 0;
}

int subnets_choose6(const struct home *h, const struct bind_list *taken, struct ip_net *ret,
		    struct err *e)
{
	struct ip_net within;
	int r = ula(h, &within, e);

	if (r < 0)
		return r;
	*ret = (struct ip_net){within.ip, 64};
	if (search(taken, &within, ret))
		return 0;
	err_fail_code(e, ERR_NETWORK_SUBNET, EADDRNOTAVAIL, "no IPv6 subnet is free");
	return err_hint(e, "say which one to use: --subnet fd12:3456:789a:1::/64");
}

void subnets_add_host(struct bind_list *taken, struct arena *a)
{
	autofree struct ip_net *v = NULL;
	size_t n = 0;

	if (hostnet_prefixes(&v, &n, NULL) < 0)
		return;
	for (size_t i = 0; i < n; i++) {
		struct subnet_taken *t = bind_append(a, taken, sizeof *t);
		*t = (struct subnet_taken){v[i], "the host"};
	}
}
