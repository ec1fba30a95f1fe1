/*
 * How it works. The device in N has an index and a name that follow from the endpoint's address, which is leased to it alone: so what is left of
 * an earlier container with this address is found without asking (and is removed), and the elements of the rules' sets are the same again.
 */
#include "base/base.h"
#include "net/link.h"
#include "net/rules.h"
#include "sys/nft.h"
#include "sys/rtnl.h"

enum { INDEX4 = 0x10000, INDEX6 = 0x40000000 };

/* Addresses are given in turn, so every 64th container clears up behind those that ended. */
enum { SWEEP_EVERY = 64 };

struct port_link {
	int index;
	char name[16];
	uint8_t mac[MAC_LEN];
	struct ip ip4, ip6;
	struct netns_plan plan;
};

/* The number of an address in its subnet; for networks with IPv6 only, 30 bits of a hash (FNV-1a) of the address. */
static int index_of(const struct port_link *l)
{
	uint32_t v = 0, h = 2166136261U;

	if (l->ip4.family) {
		for (int i = 0; i < 4; i++)
			v = v << 8 | l->ip4.b[i];
		if (l->plan.sub4.len)
			v &= l->plan.sub4.len > 31 ? 0 : 0xffffffffU >> l->plan.sub4.len;
		return INDEX4 + (int)(v & 0x0fffffff);
	}
	for (int i = 0; i < 16; i++)
		h = (h ^ l->ip6.b[i]) * 16777619U;
	return INDEX6 | (int)(h & 0x3fffffff);
}

static int take_apart(const struct network *n, const struct endpoint *ep, struct port_link *ret,
		      struct err *e)
{
	int r = netns_plan(n, &ret->plan, e);

	ret->ip4.family = ret->ip6.family = 0;
	if (r < 0)
		return r;
	if ((ep->ip4 && ip_parse(ep->ip4, &ret->ip4) < 0) ||
	    (ep->ip6 && ip_parse(ep->ip6, &ret->ip6) < 0) || !ep->mac ||
	    mac_parse(ep->mac, ret->mac) < 0 || !ep->ifname)
		return err_set(e, EINVAL, "the record of an endpoint in network %s is broken",
			       n->name);
	if (!memcmp(ret->mac, ret->plan.mac, MAC_LEN))
		return err_set(e, EADDRINUSE, "network %s: %s is the MAC address of the gateway",
			       n->name, ep->mac);
	if (!ret->plan.sub6.ip.family)
		ret->ip6.family = 0;
	ret->index = index_of(ret);
	snprintf(ret->name, sizeof ret->name, "v%x", (unsigned)ret->index);
	return 0;
}

/* The device comes up last: by then nothing that the container sends can teach the bridge anything. */
static int make_device(int rtnl, const struct port_link *l, const char *ifname, pid_t pid,
		       struct nl_batch *b, struct err *e)
{
	struct rtnl_peer peer = {.name = ifname, .mac = l->mac, .mtu = l->plan.mtu, .pid = pid};

	nl_reset(b);
	rtnl_link_delete(b, "remove a device that was left over", l->index);
	nl_may(b, ENODEV);
	rtnl_link(b, "make the veth pair",
		  &(struct rtnl_link){.kind = "veth",
				      .name = l->name,
				      .index = l->index,
				      .master = N_BRIDGE,
				      .mtu = l->plan.mtu,
				      .peer = &peer});
	rtnl_port(b, "set the port up", l->index, l->plan.isolate);
	rtnl_fdb(b, "tell the bridge where the container is", l->index, l->mac);
	rtnl_big(b, "let large packets through the port", l->index);
	/* A bridge takes what its ports do, so it is told when it has one. */
	rtnl_big(b, "let large packets through the bridge", N_BRIDGE);
	rtnl_link(b, "bring the port up", &(struct rtnl_link){.index = l->index, .up = true});
	return nl_talk(rtnl, b, NULL, e);
}

static int change_rules(int nfnl, const struct port_link *l, bool del, struct nl_batch *b,
			struct err *e)
{
	nl_reset(b);
	nft_begin(b);
	rules_port(b, del, l->index, l->mac, &l->ip4, &l->ip6);
	nft_end(b);
	return nl_talk(nfnl, b, NULL, e);
}

int link_make(int rtnl, int nfnl, const struct network *n, const struct endpoint *ep, pid_t pid,
	      struct err *e)
{
	autofree struct nl_batch *b = xmalloc(sizeof *b);
	struct port_link l = {0};
	int r = take_apart(n, ep, &l, e);

	nl_words(rtnl);
	nl_words(nfnl);
	if (r == 0)
		r = make_device(rtnl, &l, ep->ifname, pid, b, e);
	if (r == 0)
		r = change_rules(nfnl, &l, false, b, e);
	if (r < 0 && l.index) {
		nl_reset(b);
		rtnl_link_delete(b, "", l.index);
		nl_talk(rtnl, b, NULL, NULL);
	}
	if (r == 0 && l.index % SWEEP_EVERY == 0)
		rules_sweep(rtnl, nfnl, NULL);
	if (r == -EEXIST && e)
		err_hint(e, "the container has another device of the name %s", ep->ifname);
	if (r == -ESRCH) /* nobody is there whose device it could be */
		r = err_fail_code(e, ERR_CONTAINER_NOT_RUNNING, ESRCH,
				  "the container ended while it was being connected");
	return r < 0 ? err_context(e, "network %s", n->name) : 0;
}

void link_remove(int rtnl, int nfnl, const struct network *n, const struct endpoint *ep)
{
	autofree struct nl_batch *b = xmalloc(sizeof *b);
	struct port_link l = {0};

	if (take_apart(n, ep, &l, NULL) < 0)
		return;
	nl_reset(b);
	rtnl_link_delete(b, "", l.index);
	nl_talk(rtnl, b, NULL, NULL);
	change_rules(nfnl, &l, true, b, NULL);
}
