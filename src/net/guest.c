#include <linux/if_link.h>
#include <sys/socket.h>

#include "base/base.h"
#include "net/guest.h"
#include "sys/rtnl.h"

enum { BUSY_TRIES = 500, BUSY_NS = 4000000 }; /* 2 s */

static int family(const struct ip *ip)
{
	return ip->family == 6 ? AF_INET6 : AF_INET;
}

static void default_route(struct nl_batch *b, const struct ip *gw, int index)
{
	if (gw->family)
		rtnl_route(
			b, "add the default route",
			&(struct rtnl_route){.family = family(gw), .via = gw->b, .index = index});
}

static void fill(struct nl_batch *b, const struct guest_iface *v, int index, const uint8_t mac[6],
		 bool has_six)
{
	struct ip own = mac_link_local(mac);

	nl_reset(b);
	/* The link-local address is set here, to be usable at once; none where the network has no IPv6. */
	if (has_six)
		rtnl_link(b, "prepare the device",
			  &(struct rtnl_link){.index = index, .no_linklocal = true});
	rtnl_big(b, "let large packets through the device", index);
	rtnl_link(b, "bring the device up", &(struct rtnl_link){.index = index, .up = true});
	if (v->ip4.ip.family)
		rtnl_address(b, "set the IPv4 address", index, AF_INET, v->ip4.ip.b, v->ip4.len);
	if (v->ip6.ip.family)
		rtnl_address(b, "set the IPv6 address", index, AF_INET6, v->ip6.ip.b, v->ip6.len);
	if (v->ip6.ip.family)
		rtnl_address(b, "set the link-local address", index, AF_INET6, own.b, 64);
	default_route(b, &v->gw4, index);
	default_route(b, &v->gw6, index);
	for (unsigned i = 0; i < v->nroutes && i < GUEST_ROUTES; i++) {
		const struct guest_route *g = &v->routes[i];
		struct ip_net to = ip_net_mask(&g->to);
		rtnl_route(b, "add a route",
			   &(struct rtnl_route){.family = family(&to.ip),
						.to = to.ip.b,
						.len = to.len,
						.via = g->via.family ? g->via.b : NULL,
						.index = index,
						.metric = g->metric});
	}
}

int guest_configure(const struct guest_iface *v, struct err *e)
{
	autofree struct nl_batch *b = xmalloc(sizeof *b);
	autoclose int fd = rtnl_open(e);
	uint8_t mac[MAC_LEN];
	int index, r = 0, at;

	if (fd < 0)
		return fd;
	index = rtnl_index(fd, v->name);
	if (index > 0)
		index = rtnl_mac(fd, v->name, mac) < 0 ? -ENODEV : index;
	if (index < 0)
		return err_set(e, -index, "find the network device %s in the container", v->name);
	bool has_six = true;
	/* A macvlan's MAC may be that of a container which the kernel still clears away: then it is in use. */
	for (int tries = 0; tries < BUSY_TRIES; tries++) {
		fill(b, v, index, mac, has_six);
		r = nl_talk(fd, b, &at, e);
		if (r == -EAFNOSUPPORT && at == 0 && has_six && !v->ip6.ip.family)
			has_six = false; /* a kernel without IPv6 */
		else if (r == -EADDRINUSE)
			nanosleep(&(struct timespec){.tv_nsec = BUSY_NS}, NULL);
		else
			break;
	}
	if (r < 0)
		return err_context(e, "%s", v->name);
	return 0;
}
