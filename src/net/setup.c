#include <netinet/in.h>
#include <sys/socket.h>

#include "base/base.h"
#include "net/rules.h"
#include "net/setup.h"
#include "sys/rtnl.h"
#include "sys/tun.h"

enum { BUSY_TRIES = 500, BUSY_NS = 4000000 }; /* 2 s: a network process that dies may hold things */

void netns_close(struct netns_fds *f)
{
	int *v[] = {&f->ns,	  &f->tun,	&f->listen4,  &f->listen6,
		    &f->dns_udp4, &f->dns_tcp4, &f->dns_udp6, &f->dns_tcp6};

	for (size_t i = 0; i < countof(v); i++)
		fd_close(v[i]);
}

struct setting {
	const char *file, *value;
	bool maybe;	 /* where the kernel has it */
	bool six, plain; /* only with IPv6, only without; neither: always */
};

/* Most are inherited from the host's namespace, which may have anything; so devices are made after this. */
static const struct setting settings[] = {
	{"ipv4/ip_forward", "1", false, false, false},
	{"ipv4/conf/all/rp_filter", "0", false, false, false},
	{"ipv4/conf/default/rp_filter", "0", false, false, false},
	{"ipv4/ip_unprivileged_port_start", "0", false, false, false},
	/* A SYN on its way to the TUN device is dropped if N has a socket of the same pair of addresses: one that waits for its end
	 * (TIME_WAIT), whose port the container uses again. */
	{"ipv4/tcp_early_demux", "0", true, false, false},
	{"ipv6/conf/default/disable_ipv6", "0", false, true, false},
	{"ipv6/conf/all/disable_ipv6", "0", false, true, false},
	{"ipv6/conf/default/accept_dad", "0", false, true, false},
	{"ipv6/conf/default/accept_ra", "0", false, true, false},
	{"ipv6/conf/all/forwarding", "1", false, true, false},
	{"ipv6/conf/default/disable_ipv6", "1", true, false, true},
	{"bridge/bridge-nf-call-iptables", "0", true, false, false},
	{"bridge/bridge-nf-call-ip6tables", "0", true, false, false},
	{"bridge/bridge-nf-call-arptables", "0", true, false, false},
};

/* Ports of the bridge, which are made later, speak no IPv6 themselves. */
static const struct setting settings_after[] = {
	{"ipv6/conf/default/disable_ipv6", "1", false, true, false},
	/* The network process says in the gateway's name what did not arrive (net/tun.h). An internal network has no such device. */
	{"ipv4/conf/" N_TUN_NAME "/accept_local", "1", true, false, false},
};

static int write_settings(const struct netns_plan *p, const struct setting *v, size_t n,
			  struct err *e)
{
	autoclose int dir = open("/proc/sys/net", O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (dir < 0)
		return err_set(e, errno, "open /proc/sys/net");
	for (size_t i = 0; i < n; i++) {
		const struct setting *s = &v[i];
		if ((s->six && !p->sub6.ip.family) || (s->plain && p->sub6.ip.family))
			continue;
		autoclose int fd = openat(dir, s->file, O_WRONLY | O_CLOEXEC);
		if (fd < 0 && errno == ENOENT && s->maybe)
			continue;
		if (fd < 0 || write(fd, s->value, strlen(s->value)) < 0) {
			err_set(e, errno, "set /proc/sys/net/%s of the network to %s", s->file,
				s->value);
			return s->six ? err_hint(e, "does the kernel have IPv6?") : -e->code;
		}
	}
	return 0;
}

static void add_family(struct nl_batch *b, const struct ip_net *n, bool internal)
{
	int family = n->ip.family == 6 ? AF_INET6 : AF_INET;

	if (!n->ip.family)
		return;
	rtnl_address(b, "give the bridge its address", N_BRIDGE, family, n->ip.b, n->len);
	if (internal)
		return;
	rtnl_route(b, "route to the TUN device",
		   &(struct rtnl_route){.family = family, .index = N_TUN});
	rtnl_route(b, "route to transparent sockets",
		   &(struct rtnl_route){.family = family,
					.index = N_LOOPBACK,
					.table = RULES_TABLE,
					.local = true});
	rtnl_rule(b, "add a routing rule", family, RULES_MARK, RULES_TABLE);
}

static int add_devices(const struct netns_plan *p, struct nl_batch *b, struct err *e)
{
	autoclose int fd = rtnl_open(e);

	if (fd < 0)
		return fd;
	nl_reset(b);
	rtnl_link(b, "bring the loopback device up",
		  &(struct rtnl_link){.index = N_LOOPBACK, .up = true});
	rtnl_link(b, "make the bridge",
		  &(struct rtnl_link){.kind = "bridge",
				      .name = p->bridge,
				      .index = N_BRIDGE,
				      .mac = p->mac,
				      .mtu = p->mtu,
				      .up = true});
	nl_may(b, EEXIST);
	if (!p->internal)
		rtnl_link(b, "bring the TUN device up",
			  &(struct rtnl_link){.index = N_TUN, .mtu = p->mtu, .up = true});
	add_family(b, &p->sub4, p->internal);
	add_family(b, &p->sub6, p->internal);
	return nl_talk(fd, b, NULL, e);
}

static int add_rules(const struct netns_plan *p, bool fresh, struct nl_batch *b, struct err *e)
{
	autoclose int fd = nft_open(e);

	if (fd < 0)
		return fd;
	nl_reset(b);
	nft_begin(b);
	rules_inet(b, p, fresh);
	if (fresh) /* it holds the addresses of containers */
		rules_bridge(b);
	nft_end(b);
	return nl_talk(fd, b, NULL, e);
}

/* Waits for who is about to let go of it; not needed but after a crash. */
static bool try_again(int *tries)
{
	struct timespec t = {.tv_nsec = BUSY_NS};

	if (++*tries >= BUSY_TRIES)
		return false;
	nanosleep(&t, NULL);
	return true;
}

static int open_tun(int *ret, struct err *e)
{
	int tries = 0;

	do
		*ret = tun_open(N_TUN_NAME, N_TUN, e);
	while ((*ret == -EBUSY || *ret == -EEXIST) && try_again(&tries));
	return *ret < 0 ? *ret : 0;
}

static int open_bound(const struct ip *ip, int type, uint16_t port, bool transparent, struct err *e)
{
	bool six = ip->family == 6;
	struct sockaddr_in a4 = {.sin_family = AF_INET, .sin_port = htons(port)};
	struct sockaddr_in6 a6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
	autoclose int fd = socket(six ? AF_INET6 : AF_INET, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int one = 1, r, tries = 0;
	char text[IP_TEXT];

	memcpy(&a4.sin_addr, ip->b, 4);
	memcpy(&a6.sin6_addr, ip->b, 16);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) < 0 ||
	    (six && setsockopt(fd, SOL_IPV6, IPV6_V6ONLY, &one, sizeof one) < 0) ||
	    (transparent &&
	     setsockopt(fd, six ? SOL_IPV6 : SOL_IP, six ? IPV6_TRANSPARENT : IP_TRANSPARENT, &one,
			sizeof one) < 0))
		return err_set(e, errno, "make a socket for the network");
	do
		r = six ? bind(fd, (struct sockaddr *)&a6, sizeof a6)
			: bind(fd, (struct sockaddr *)&a4, sizeof a4);
	while (r < 0 && errno == EADDRINUSE && try_again(&tries));
	if (r < 0 || (type == SOCK_STREAM && listen(fd, 4096) < 0))
		return err_set(e, errno, "listen on %s port %u in the network", ip_text(ip, text),
			       port);
	return take_fd(fd);
}

static int open_family(const struct ip_net *n, bool internal, int *listener, int *udp, int *tcp,
		       struct err *e)
{
	struct ip loop = {.family = n->ip.family, .b = {127, 0, 0, 1}};

	if (!n->ip.family)
		return 0;
	if (loop.family == 6)
		loop = (struct ip){.family = 6, .b = {[15] = 1}};
	if (!internal && (*listener = open_bound(&loop, SOCK_STREAM, RULES_PORT, true, e)) < 0)
		return *listener;
	if ((*udp = open_bound(&n->ip, SOCK_DGRAM, 53, false, e)) < 0)
		return *udp;
	*tcp = open_bound(&n->ip, SOCK_STREAM, 53, false, e);
	return *tcp < 0 ? *tcp : 0;
}

static int setup(const struct netns_plan *p, bool fresh, struct netns_fds *f, struct err *e)
{
	autofree struct nl_batch *b = xmalloc(sizeof *b);
	int r = write_settings(p, settings, countof(settings), e);

	f->ns = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (r == 0 && f->ns < 0)
		r = err_set(e, errno, "open /proc/self/ns/net");
	if (r == 0 && !p->internal)
		r = open_tun(&f->tun, e);
	if (r == 0)
		r = add_devices(p, b, e);
	if (r == 0)
		r = write_settings(p, settings_after, countof(settings_after), e);
	if (r == 0)
		r = add_rules(p, fresh, b, e);
	if (r == 0)
		r = open_family(&p->sub4, p->internal, &f->listen4, &f->dns_udp4, &f->dns_tcp4, e);
	if (r == 0)
		r = open_family(&p->sub6, p->internal, &f->listen6, &f->dns_udp6, &f->dns_tcp6, e);
	return r;
}

int netns_setup(const struct network *n, bool fresh, struct netns_fds *ret, struct err *e)
{
	struct netns_plan p;
	int r = netns_plan(n, &p, e);

	*ret = NETNS_FDS_NONE;
	if (r == 0)
		r = setup(&p, fresh, ret, e);
	if (r < 0)
		netns_close(ret);
	return r;
}
