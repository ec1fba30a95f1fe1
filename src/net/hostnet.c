#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "base/base.h"
#include "net/hostnet.h"
#include "sys/rtnl.h"

enum {
	PREFIXES_MAX = 100000
}; /* a router with a full table has more; its default is what matters then */

struct list {
	struct ip_net *v;
	size_t n, room;
};

static void set_ip(struct ip *ip, uint8_t family, const uint8_t *p)
{
	*ip = (struct ip){.family = family == AF_INET6 ? 6 : 4};
	memcpy(ip->b, p, family == AF_INET6 ? 16 : 4);
}

static int add(const struct rtnl_entry *v, void *arg)
{
	struct list *l = arg;
	struct ip_net n = {.len = v->len};
	bool uses =
		v->type == RTM_NEWADDR || (v->rtype != RTN_LOCAL && v->rtype != RTN_BROADCAST &&
					   v->rtype != RTN_ANYCAST && v->rtype != RTN_MULTICAST);

	if (!uses || !v->addr || v->len < 2 || l->n == PREFIXES_MAX)
		return 0;
	set_ip(&n.ip, v->family, v->addr);
	n = ip_net_mask(&n);
	/* Each address has its route, so what was added last is most often the same. */
	for (size_t i = l->n; i > 0 && l->n - i < 64; i--)
		if (l->v[i - 1].len == n.len && ip_equal(&l->v[i - 1].ip, &n.ip))
			return 0;
	if (l->n == l->room) {
		l->room = l->room ? 2 * l->room : 32;
		l->v = xrealloc(l->v, l->room * sizeof *l->v);
	}
	l->v[l->n++] = n;
	return 0;
}

int hostnet_prefixes(struct ip_net **ret, size_t *n, struct err *e)
{
	autoclose int fd = rtnl_open(e);
	struct list l = {0};
	int r;

	*ret = NULL;
	*n = 0;
	if (fd < 0)
		return fd;
	r = rtnl_dump(fd, RTM_GETADDR, AF_UNSPEC, add, &l, e);
	if (r == 0)
		r = rtnl_dump(fd, RTM_GETROUTE, AF_UNSPEC, add, &l, e);
	if (r < 0) {
		free(l.v);
		return r;
	}
	*ret = l.v;
	*n = l.n;
	return 0;
}

/* The source of what would be sent to an address that nobody has and only a default route leads to: 192.88.99.1 (RFC 7526), 2000::1. connect(2) of a datagram socket sends
 * nothing. */
static int default_source(int family, struct ip *ret)
{
	struct sockaddr_in a4 = {
		.sin_family = AF_INET, .sin_port = htons(9), .sin_addr.s_addr = htonl(0xc0586301)};
	struct sockaddr_in6 a6 = {.sin6_family = AF_INET6,
				  .sin6_port = htons(9),
				  .sin6_addr.s6_addr = {0x20, [15] = 1}};
	struct sockaddr *a = family == 6 ? (struct sockaddr *)&a6 : (struct sockaddr *)&a4;
	socklen_t len = family == 6 ? sizeof a6 : sizeof a4;
	autoclose int fd = socket(a->sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || connect(fd, a, len) < 0 || getsockname(fd, a, &len) < 0)
		return -errno;
	if (family == 6)
		set_ip(ret, AF_INET6, a6.sin6_addr.s6_addr);
	else
		set_ip(ret, AF_INET, (const uint8_t *)&a4.sin_addr);
	return 0;
}

static int first_global(const struct rtnl_entry *v, void *arg)
{
	struct ip *ret = arg, ip;

	if (ret->family || v->scope != RT_SCOPE_UNIVERSE)
		return 0;
	set_ip(&ip, v->family, v->addr);
	if (!ip_is_loopback(&ip) && !ip_is_link_local(&ip))
		*ret = ip;
	return 0;
}

int hostnet_primary(int family, struct ip *ret)
{
	*ret = (struct ip){0};
	if (default_source(family, ret) == 0 && !ip_is_loopback(ret) && !ip_is_any(ret))
		return 0;
	autoclose int fd = rtnl_open(NULL);
	*ret = (struct ip){0};
	if (fd >= 0)
		rtnl_dump(fd, RTM_GETADDR, family == 6 ? AF_INET6 : AF_INET, first_global, ret,
			  NULL);
	return ret->family ? 0 : -EADDRNOTAVAIL;
}

bool hostnet_reaches(int family)
{
	struct ip ip;

	return default_source(family, &ip) == 0;
}
