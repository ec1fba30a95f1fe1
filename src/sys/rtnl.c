#include <linux/fib_rules.h>
#include <linux/if_addr.h>
#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <sys/ioctl.h>

#include "base/base.h"
#include "sys/rtnl.h"

/* IFLA_GSO_IPV4_MAX_SIZE of newer headers. */
enum { ATTR_GSO_IPV4_MAX_SIZE = 63 };

static size_t addr_len(int family)
{
	return family == AF_INET6 ? 16 : 4;
}

int rtnl_open(struct err *e)
{
	return nl_open(NETLINK_ROUTE, e);
}

int rtnl_index(int fd, const char *name)
{
	struct ifreq r = {0};

	if (strlen(name) >= sizeof r.ifr_name)
		return -ENODEV;
	memcpy(r.ifr_name, name, strlen(name));
	return ioctl(fd, SIOCGIFINDEX, &r) < 0 ? -errno : r.ifr_ifindex;
}

int rtnl_mac(int fd, const char *name, uint8_t ret[6])
{
	struct ifreq r = {0};

	if (strlen(name) >= sizeof r.ifr_name)
		return -ENODEV;
	memcpy(r.ifr_name, name, strlen(name));
	if (ioctl(fd, SIOCGIFHWADDR, &r) < 0)
		return -errno;
	memcpy(ret, r.ifr_hwaddr.sa_data, 6);
	return 0;
}

static void put_peer(struct nl_batch *b, const struct rtnl_peer *p)
{
	struct ifinfomsg i = {.ifi_index = p->index};
	size_t nest = nl_nest(b, VETH_INFO_PEER);

	/* The nest begins with a header of its own. */
	if (!b->full && b->len + sizeof i <= NL_ROOM) {
		memcpy(b->buf + b->len, &i, sizeof i);
		b->len += sizeof i;
	} else {
		b->full = true;
	}
	nl_put_text(b, IFLA_IFNAME, p->name);
	if (p->mac)
		nl_put(b, IFLA_ADDRESS, p->mac, 6);
	if (p->mtu)
		nl_put_u32(b, IFLA_MTU, p->mtu);
	if (p->pid)
		nl_put_u32(b, IFLA_NET_NS_PID, (uint32_t)p->pid);
	else
		nl_put_u32(b, IFLA_NET_NS_FD, (uint32_t)p->ns);
	nl_nest_end(b, nest);
}

static void put_kind(struct nl_batch *b, const struct rtnl_link *l)
{
	size_t info = nl_nest(b, IFLA_LINKINFO), data;

	nl_put_text(b, IFLA_INFO_KIND, l->kind);
	data = nl_nest(b, IFLA_INFO_DATA);
	if (!strcmp(l->kind, "veth")) {
		put_peer(b, l->peer);
	} else if (!strcmp(l->kind, "macvlan")) {
		nl_put_u32(b, IFLA_MACVLAN_MODE, l->mode);
	} else if (!strcmp(l->kind, "ipvlan")) {
		nl_put_u16(b, IFLA_IPVLAN_MODE, (uint16_t)l->mode);
		nl_put_u16(b, IFLA_IPVLAN_FLAGS, l->flags);
	} else if (!strcmp(l->kind, "vlan")) {
		nl_put_u16(b, IFLA_VLAN_ID, l->vlan);
	} else if (!strcmp(l->kind, "bridge")) {
		nl_put_u32(b, IFLA_BR_FORWARD_DELAY, 0);
		nl_put_u8(b, IFLA_BR_MCAST_SNOOPING, 0);
	}
	nl_nest_end(b, data);
	nl_nest_end(b, info);
}

void rtnl_link(struct nl_batch *b, const char *what, const struct rtnl_link *l)
{
	struct ifinfomsg *i = nl_message(b, what, RTM_NEWLINK,
					 l->kind ? NLM_F_CREATE | NLM_F_EXCL : 0, sizeof *i);

	i->ifi_index = l->index;
	if (l->up || l->down) {
		i->ifi_flags = l->up ? IFF_UP : 0;
		i->ifi_change = IFF_UP;
	}
	if (l->name)
		nl_put_text(b, IFLA_IFNAME, l->name);
	if (l->mac)
		nl_put(b, IFLA_ADDRESS, l->mac, 6);
	if (l->mtu)
		nl_put_u32(b, IFLA_MTU, l->mtu);
	if (l->master)
		nl_put_u32(b, IFLA_MASTER, (uint32_t)l->master);
	if (l->parent)
		nl_put_u32(b, IFLA_LINK, (uint32_t)l->parent);
	if (l->netns)
		nl_put_u32(b, IFLA_NET_NS_FD, (uint32_t)l->netns);
	if (l->no_linklocal) {
		size_t spec = nl_nest(b, IFLA_AF_SPEC), six = nl_nest(b, AF_INET6);
		nl_put_u8(b, IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_NONE);
		nl_nest_end(b, six);
		nl_nest_end(b, spec);
	}
	if (l->kind)
		put_kind(b, l);
}

void rtnl_big(struct nl_batch *b, const char *what, int index)
{
	struct ifinfomsg *i = nl_message(b, what, RTM_NEWLINK, 0, sizeof *i);

	i->ifi_index = index;
	nl_put_u32(b, IFLA_GSO_MAX_SIZE, RTNL_BIG);
	nl_put_u32(b, ATTR_GSO_IPV4_MAX_SIZE, RTNL_BIG);
	nl_may(b, EINVAL);
}

void rtnl_link_delete(struct nl_batch *b, const char *what, int index)
{
	struct ifinfomsg *i = nl_message(b, what, RTM_DELLINK, 0, sizeof *i);

	i->ifi_index = index;
}

void rtnl_port(struct nl_batch *b, const char *what, int index, bool isolated)
{
	struct ifinfomsg *i = nl_message(b, what, RTM_SETLINK, 0, sizeof *i);
	size_t nest;

	i->ifi_family = AF_BRIDGE;
	i->ifi_index = index;
	nest = nl_nest(b, IFLA_PROTINFO);
	nl_put_u8(b, IFLA_BRPORT_LEARNING, 0);
	nl_put_u8(b, IFLA_BRPORT_UNICAST_FLOOD, 0);
	if (isolated)
		nl_put_u8(b, IFLA_BRPORT_ISOLATED, 1);
	nl_nest_end(b, nest);
}

void rtnl_fdb(struct nl_batch *b, const char *what, int port, const uint8_t mac[6])
{
	struct ndmsg *m =
		nl_message(b, what, RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE, sizeof *m);

	m->ndm_family = AF_BRIDGE;
	m->ndm_ifindex = port;
	m->ndm_flags = NTF_MASTER;
	m->ndm_state = NUD_NOARP;
	nl_put(b, NDA_LLADDR, mac, 6);
}

static void address(struct nl_batch *b, const char *what, uint16_t type, uint16_t flags, int index,
		    int family, const void *addr, uint8_t len)
{
	struct ifaddrmsg *m = nl_message(b, what, type, flags, sizeof *m);

	m->ifa_family = (uint8_t)family;
	m->ifa_prefixlen = len;
	m->ifa_index = (uint32_t)index;
	if (family == AF_INET6)
		m->ifa_flags = IFA_F_NODAD;
	nl_put(b, IFA_LOCAL, addr, addr_len(family));
	if (family == AF_INET && len < 31 && type == RTM_NEWADDR) {
		uint32_t all;
		memcpy(&all, addr, 4);
		all |= __builtin_bswap32(len ? 0xffffffffU >> len : 0xffffffffU);
		nl_put(b, IFA_BROADCAST, &all, 4);
	}
}

void rtnl_address(struct nl_batch *b, const char *what, int index, int family, const void *addr,
		  uint8_t len)
{
	address(b, what, RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, index, family, addr, len);
}

void rtnl_address_delete(struct nl_batch *b, const char *what, int index, int family,
			 const void *addr, uint8_t len)
{
	address(b, what, RTM_DELADDR, 0, index, family, addr, len);
}

void rtnl_route(struct nl_batch *b, const char *what, const struct rtnl_route *r)
{
	struct rtmsg *m =
		nl_message(b, what, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, sizeof *m);

	m->rtm_family = (uint8_t)r->family;
	m->rtm_dst_len = r->to ? r->len : 0;
	m->rtm_table = r->table && r->table < 256 ? (uint8_t)r->table : RT_TABLE_MAIN;
	m->rtm_protocol = RTPROT_STATIC;
	m->rtm_type = r->local ? RTN_LOCAL : RTN_UNICAST;
	m->rtm_scope = r->local ? RT_SCOPE_HOST : r->via ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK;
	if (r->family == AF_INET6)
		m->rtm_scope = RT_SCOPE_UNIVERSE;
	if (r->table > 255)
		nl_put_u32(b, RTA_TABLE, r->table);
	if (r->to)
		nl_put(b, RTA_DST, r->to, addr_len(r->family));
	if (r->via)
		nl_put(b, RTA_GATEWAY, r->via, addr_len(r->family));
	if (r->index)
		nl_put_u32(b, RTA_OIF, (uint32_t)r->index);
	if (r->metric)
		nl_put_u32(b, RTA_PRIORITY, r->metric);
}

void rtnl_rule(struct nl_batch *b, const char *what, int family, uint32_t mark, uint32_t table)
{
	struct fib_rule_hdr *m =
		nl_message(b, what, RTM_NEWRULE, NLM_F_CREATE | NLM_F_EXCL, sizeof *m);

	nl_may(b, EEXIST);
	m->family = (uint8_t)family;
	m->table = (uint8_t)table;
	m->action = FR_ACT_TO_TBL;
	nl_put_u32(b, FRA_PRIORITY, table);
	nl_put_u32(b, FRA_FWMARK, mark);
	nl_put_u32(b, FRA_FWMASK, 0xffffffff);
}

struct links {
	int (*fn)(int index, void *arg);
	void *arg;
};

static int link_found(uint16_t type, const uint8_t *p, size_t n, void *arg)
{
	const struct links *v = arg;
	struct ifinfomsg i;

	if (type != RTM_NEWLINK || n < sizeof i)
		return 0;
	memcpy(&i, p, sizeof i);
	return v->fn(i.ifi_index, v->arg);
}

int rtnl_each_link(int fd, int (*fn)(int index, void *arg), void *arg, struct err *e)
{
	autofree struct nl_batch *b = xmalloc(sizeof *b);
	struct links v = {fn, arg};

	nl_reset(b);
	nl_message(b, "list the devices", RTM_GETLINK, NLM_F_DUMP, sizeof(struct ifinfomsg));
	return nl_dump(fd, b, link_found, &v, e);
}

struct way {
	int index;
	uint8_t *src;
};

static int way_found(uint16_t type, const uint8_t *p, size_t n, void *arg)
{
	size_t pos = NLMSG_ALIGN(sizeof(struct rtmsg));
	struct way *w = arg;
	struct nl_attr a;

	while (type == RTM_NEWROUTE && nl_next(p, n, &pos, &a)) {
		if (a.type == RTA_OIF)
			w->index = (int)nl_u32(&a);
		if (a.type == RTA_PREFSRC && a.n <= 16)
			memcpy(w->src, a.p, a.n);
	}
	return 0;
}

int rtnl_route_to(int fd, int family, const void *addr, int *ret_index, uint8_t ret_src[16],
		  struct err *e)
{
	autofree struct nl_batch *b = xmalloc(sizeof *b);
	struct way w = {0, ret_src};
	struct rtmsg *m;
	int r;

	nl_reset(b);
	m = nl_message(b, "look a route up", RTM_GETROUTE, NLM_F_ACK, sizeof *m);
	m->rtm_family = (uint8_t)family;
	m->rtm_dst_len = (uint8_t)(8 * addr_len(family));
	nl_put(b, RTA_DST, addr, addr_len(family));
	memset(ret_src, 0, 16);
	r = nl_dump(fd, b, way_found, &w, e);
	*ret_index = w.index;
	return r;
}
