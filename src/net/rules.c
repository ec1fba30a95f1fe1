/*
 * How it works. Hook prerouting, before the routing decision:
 *   from the TUN, a SYN		-> the transparent listener, mark
 *   not from the bridge		-> as routed
 *   to the bridge's own subnets	-> as routed
 *   a SYN				-> as routed: into the TUN
 *   of a transparent socket		-> mark (also an ICMP error about what such a socket sent)
 *   anything else			-> as routed: into the TUN
 */
#include <sys/socket.h>

#include "base/base.h"
#include "net/rules.h"
#include "sys/rtnl.h"

#define TABLE  "hoy"
#define WHAT   "nftables rules of the network"
#define INET   NFPROTO_INET
#define BRIDGE NFPROTO_BRIDGE
#define MANGLE (-150) /* NF_IP_PRI_MANGLE */

enum { TCP_FLAGS = 13, TCP_FIN = 1, TCP_SYN = 2, TCP_RST = 4, TCP_ACK = 16 };

static void match_meta(struct nft_rule *r, enum nft_meta_keys key, enum nft_cmp_ops op,
		       const void *p, uint32_t n)
{
	nft_meta(r, key, 0);
	nft_cmp(r, op, p, n);
}

static void match_device(struct nft_rule *r, enum nft_meta_keys key, enum nft_cmp_ops op, int index)
{
	match_meta(r, key, op, &index, sizeof index);
}

static void match_family(struct nft_rule *r, uint8_t family)
{
	match_meta(r, NFT_META_NFPROTO, NFT_CMP_EQ, &family, 1);
}

static void match_syn(struct nft_rule *r)
{
	static const uint8_t tcp = 6, mask = TCP_FIN | TCP_SYN | TCP_RST | TCP_ACK, syn = TCP_SYN;

	match_meta(r, NFT_META_L4PROTO, NFT_CMP_EQ, &tcp, 1);
	nft_payload(r, NFT_PAYLOAD_TRANSPORT_HEADER, TCP_FLAGS, 1, 0);
	nft_mask(r, &mask, 1);
	nft_cmp(r, NFT_CMP_EQ, &syn, 1);
}

static void to_listener(struct nl_batch *b, int family)
{
	static const uint8_t loop4[4] = {127, 0, 0, 1}, loop6[16] = {[15] = 1};
	struct nft_rule r = nft_rule(b, WHAT " (tproxy)", INET, TABLE, "pre");
	bool six = family == AF_INET6;

	match_device(&r, NFT_META_IIF, NFT_CMP_EQ, N_TUN);
	match_family(&r, six ? NFPROTO_IPV6 : NFPROTO_IPV4);
	match_syn(&r);
	nft_set_mark(&r, RULES_MARK);
	nft_tproxy(&r, family, six ? loop6 : loop4, RULES_PORT);
	nft_verdict(&r, NF_ACCEPT, NULL);
	nft_rule_end(&r);
}

static void own_subnet(struct nl_batch *b, const struct ip_net *n)
{
	struct nft_rule r = nft_rule(b, WHAT, INET, TABLE, "pre");
	bool six = n->ip.family == 6;
	struct ip_net all = {.len = n->len}, net = ip_net_mask(n);
	struct ip mask;

	all.ip.family = n->ip.family;
	mask = ip_net_last(&all); /* the bits behind the length */
	for (size_t i = 0; i < 16; i++)
		mask.b[i] = (uint8_t)~mask.b[i];
	match_family(&r, six ? NFPROTO_IPV6 : NFPROTO_IPV4);
	nft_payload(&r, NFT_PAYLOAD_NETWORK_HEADER, six ? 24 : 16, six ? 16 : 4, 0);
	nft_mask(&r, mask.b, six ? 16 : 4);
	nft_cmp(&r, NFT_CMP_EQ, net.ip.b, six ? 16 : 4);
	nft_verdict(&r, NF_ACCEPT, NULL);
	nft_rule_end(&r);
}

static void outbound(struct nl_batch *b, const struct netns_plan *p)
{
	static const uint8_t yes = 1;
	struct nft_rule r;

	nft_chain(b, WHAT, INET, TABLE, "pre", NF_INET_PRE_ROUTING, MANGLE, NF_ACCEPT);
	if (p->sub4.ip.family)
		to_listener(b, AF_INET);
	if (p->sub6.ip.family)
		to_listener(b, AF_INET6);
	r = nft_rule(b, WHAT, INET, TABLE, "pre");
	match_device(&r, NFT_META_IIF, NFT_CMP_NEQ, N_BRIDGE);
	nft_verdict(&r, NF_ACCEPT, NULL);
	nft_rule_end(&r);
	if (p->sub4.ip.family)
		own_subnet(b, &p->sub4);
	if (p->sub6.ip.family)
		own_subnet(b, &p->sub6);
	r = nft_rule(b, WHAT, INET, TABLE, "pre");
	match_syn(&r);
	nft_verdict(&r, NF_ACCEPT, NULL);
	nft_rule_end(&r);
	r = nft_rule(b, WHAT " (socket)", INET, TABLE, "pre");
	nft_socket_transparent(&r);
	nft_cmp(&r, NFT_CMP_EQ, &yes, 1);
	nft_set_mark(&r, RULES_MARK);
	nft_verdict(&r, NF_ACCEPT, NULL);
	nft_rule_end(&r);
}

void rules_inet(struct nl_batch *b, const struct netns_plan *p, bool fresh)
{
	struct nft_rule r;

	if (!fresh) { /* deleting wants it to be there */
		nft_table(b, WHAT, INET, TABLE);
		nft_table_delete(b, WHAT, INET, TABLE);
	}
	nft_table(b, WHAT, INET, TABLE);
	if (!p->internal)
		outbound(b, p);
	if (!p->isolate)
		return;
	/* What one container sends to another by way of the gateway. */
	nft_chain(b, WHAT, INET, TABLE, "fwd", NF_INET_FORWARD, 0, NF_ACCEPT);
	r = nft_rule(b, WHAT, INET, TABLE, "fwd");
	match_device(&r, NFT_META_IIF, NFT_CMP_EQ, N_BRIDGE);
	match_device(&r, NFT_META_OIF, NFT_CMP_EQ, N_BRIDGE);
	nft_verdict(&r, NF_DROP, NULL);
	nft_rule_end(&r);
}

/* ---- the bridge */

/* Offsets in frames: RFC 894, 826, 791, 8200, 4861, 768. */
enum { ETH_SOURCE = 6, ETH_TYPE = 12 };
enum { ARP_FIXED = 0, ARP_SENDER_MAC = 8, ARP_SENDER_IP = 14 };
enum { IP4_SOURCE = 12, IP6_SOURCE = 8, ND_TARGET = 8 };
enum { ND_ROUTER = 134, ND_ADVERTISEMENT = 136, ND_REDIRECT = 137 };

/* A key is pieces that each begin a new 4 bytes: device 4, MAC 6 (8), address. */
enum { KEY_MAC = 1, KEY_IP = 3, KEY4_LEN = 16, KEY6_LEN = 28 };
/* How nft(8) would write the types of the keys: iface_index . ether_addr . ipv4_addr */
enum { KEY4_TYPE = 20 << 12 | 9 << 6 | 7, KEY6_TYPE = 20 << 12 | 9 << 6 | 8 };

static struct nft_rule bridge_rule(struct nl_batch *b, const char *chain)
{
	return nft_rule(b, WHAT, BRIDGE, TABLE, chain);
}

static void match_type(struct nft_rule *r, uint16_t type)
{
	uint8_t be[2] = {(uint8_t)(type >> 8), (uint8_t)type};

	nft_payload(r, NFT_PAYLOAD_LL_HEADER, ETH_TYPE, 2, 0);
	nft_cmp(r, NFT_CMP_EQ, be, 2);
}

static void match_l4(struct nft_rule *r, uint8_t proto, uint32_t offset, uint16_t value,
		     uint32_t len)
{
	uint8_t be[2] = {(uint8_t)(value >> 8), (uint8_t)value};

	match_meta(r, NFT_META_L4PROTO, NFT_CMP_EQ, &proto, 1);
	nft_payload(r, NFT_PAYLOAD_TRANSPORT_HEADER, offset, len, 0);
	nft_cmp(r, NFT_CMP_EQ, be + 2 - len, len);
}

/* Is (device, MAC at mac_base/mac, address at base/offset) the port's own? */
static void match_own(struct nft_rule *r, bool six, enum nft_payload_bases mac_base, uint32_t mac,
		      enum nft_payload_bases base, uint32_t offset, bool invert)
{
	nft_meta(r, NFT_META_IIF, 0);
	nft_payload(r, mac_base, mac, MAC_LEN, KEY_MAC);
	nft_payload(r, base, offset, six ? 16 : 4, KEY_IP);
	nft_lookup(r, six ? "own6" : "own4", 0, invert);
}

static void finish(struct nft_rule *r, int verdict)
{
	nft_verdict(r, verdict, NULL);
	nft_rule_end(r);
}

static void bridge_four(struct nl_batch *b)
{
	static const uint8_t arp[6] = {0, 1, 8, 0, 6, 4}; /* Ethernet, IPv4, and their lengths */
	struct nft_rule r = bridge_rule(b, "pre");

	match_type(&r, 0x0800);
	match_l4(&r, 17, 0, 67, 2); /* a DHCP server */
	finish(&r, NF_DROP);
	r = bridge_rule(b, "pre");
	match_type(&r, 0x0800);
	nft_meta(&r, NFT_META_L4PROTO, 0); /* no match where the header is broken */
	match_own(&r, false, NFT_PAYLOAD_LL_HEADER, ETH_SOURCE, NFT_PAYLOAD_NETWORK_HEADER,
		  IP4_SOURCE, false);
	finish(&r, NF_ACCEPT);
	r = bridge_rule(b, "pre");
	match_type(&r, 0x0806);
	nft_payload(&r, NFT_PAYLOAD_NETWORK_HEADER, ARP_FIXED, sizeof arp, 0);
	nft_cmp(&r, NFT_CMP_EQ, arp, sizeof arp);
	match_own(&r, false, NFT_PAYLOAD_LL_HEADER, ETH_SOURCE, NFT_PAYLOAD_NETWORK_HEADER,
		  ARP_SENDER_IP, false);
	match_own(&r, false, NFT_PAYLOAD_NETWORK_HEADER, ARP_SENDER_MAC, NFT_PAYLOAD_NETWORK_HEADER,
		  ARP_SENDER_IP, false);
	finish(&r, NF_ACCEPT);
}

static void bridge_six(struct nl_batch *b)
{
	static const uint8_t never[] = {ND_ROUTER, ND_REDIRECT};
	struct nft_rule r;

	for (size_t i = 0; i < countof(never); i++) {
		r = bridge_rule(b, "six");
		match_l4(&r, 58, 0, never[i], 1);
		finish(&r, NF_DROP);
	}
	r = bridge_rule(b, "six");
	match_l4(&r, 58, 0, ND_ADVERTISEMENT, 1);
	match_own(&r, true, NFT_PAYLOAD_LL_HEADER, ETH_SOURCE, NFT_PAYLOAD_TRANSPORT_HEADER,
		  ND_TARGET, true);
	finish(&r, NF_DROP);
	r = bridge_rule(b, "six");
	match_l4(&r, 17, 0, 547, 2); /* a DHCPv6 server */
	finish(&r, NF_DROP);
	r = bridge_rule(b, "six");
	nft_meta(&r, NFT_META_L4PROTO, 0);
	match_own(&r, true, NFT_PAYLOAD_LL_HEADER, ETH_SOURCE, NFT_PAYLOAD_NETWORK_HEADER,
		  IP6_SOURCE, false);
	finish(&r, NF_ACCEPT);
}

void rules_bridge(struct nl_batch *b)
{
	struct nft_rule r;

	nft_table(b, WHAT " (bridge)", BRIDGE, TABLE);
	nft_set(b, WHAT, BRIDGE, TABLE, "own4", 1, KEY4_TYPE, KEY4_LEN);
	nft_set(b, WHAT, BRIDGE, TABLE, "own6", 2, KEY6_TYPE, KEY6_LEN);
	nft_chain(b, WHAT, BRIDGE, TABLE, "six", -1, 0, 0);
	nft_chain(b, WHAT, BRIDGE, TABLE, "pre", NF_INET_PRE_ROUTING, -300, NF_DROP);
	bridge_four(b);
	r = bridge_rule(b, "pre");
	match_type(&r, 0x86dd);
	nft_verdict(&r, NFT_JUMP, "six");
	nft_rule_end(&r);
	bridge_six(b);
}

static void port_key(struct nl_batch *b, bool del, int index, const uint8_t mac[MAC_LEN],
		     const struct ip *ip)
{
	bool six = ip->family == 6;
	uint8_t key[KEY6_LEN] = {0};

	if (!ip->family)
		return;
	memcpy(key, &index, sizeof index);
	memcpy(key + 4 * KEY_MAC, mac, MAC_LEN);
	memcpy(key + 4 * KEY_IP, ip->b, six ? 16 : 4);
	nft_element(b, "allow the addresses of the container", del, BRIDGE, TABLE,
		    six ? "own6" : "own4", key, six ? KEY6_LEN : KEY4_LEN);
	nl_may(b, del ? ENOENT : EEXIST);
}

void rules_port(struct nl_batch *b, bool del, int index, const uint8_t mac[MAC_LEN],
		const struct ip *ip4, const struct ip *ip6)
{
	struct ip local = mac_link_local(mac);

	port_key(b, del, index, mac, ip4);
	port_key(b, del, index, mac, ip6);
	if (ip6->family)
		port_key(b, del, index, mac, &local);
}

/* ---- ports that are gone */

struct key {
	bool six, gone;
	int index;
	uint8_t b[KEY6_LEN];
};

struct sweep {
	struct key *v;
	size_t n, room;
	bool six;
	int *links;
	size_t nlinks, links_room;
};

static int take_key(const uint8_t *key, size_t n, void *arg)
{
	struct sweep *s = arg;
	struct key *k;

	if (n != (s->six ? KEY6_LEN : KEY4_LEN))
		return 0;
	if (s->n == s->room) {
		s->room = s->room ? 2 * s->room : 64;
		s->v = xrealloc(s->v, s->room * sizeof *s->v);
	}
	k = &s->v[s->n++];
	*k = (struct key){.six = s->six};
	memcpy(k->b, key, n);
	memcpy(&k->index, key, sizeof k->index);
	return 0;
}

static int take_link(int index, void *arg)
{
	struct sweep *s = arg;

	if (s->nlinks == s->links_room) {
		s->links_room = s->links_room ? 2 * s->links_room : 64;
		s->links = xrealloc(s->links, s->links_room * sizeof *s->links);
	}
	s->links[s->nlinks++] = index;
	return 0;
}

static bool is_there(const struct sweep *s, int index)
{
	for (size_t i = 0; i < s->nlinks; i++)
		if (s->links[i] == index)
			return true;
	return false;
}

/* Deletes those that are gone, or adds again those that are not. */
static int change_keys(struct sweep *s, bool del, int nfnl, struct err *e)
{
	autofree struct nl_batch *b = xmalloc(sizeof *b);
	int r = 0;

	for (size_t i = 0; i < s->n && r == 0;) {
		unsigned n = 0;
		nl_reset(b);
		nft_begin(b);
		for (; i < s->n && n < NL_MESSAGES / 2; i++) {
			struct key *k = &s->v[i];
			if (is_there(s, k->index) ? del || !k->gone : !del)
				continue;
			k->gone = del;
			nft_element(b, "forget containers that are gone", del, BRIDGE, TABLE,
				    k->six ? "own6" : "own4", k->b, k->six ? KEY6_LEN : KEY4_LEN);
			n++;
		}
		nft_end(b);
		if (n)
			r = nl_talk(nfnl, b, NULL, e);
	}
	return r;
}

int rules_sweep(int rtnl, int nfnl, struct err *e)
{
	struct sweep s = {0};
	int r = nft_elements(nfnl, BRIDGE, TABLE, "own4", take_key, &s, e);

	s.six = true;
	if (r == 0)
		r = nft_elements(nfnl, BRIDGE, TABLE, "own6", take_key, &s, e);
	/* In this order: what was allowed then had its device before. */
	if (r == 0)
		r = rtnl_each_link(rtnl, take_link, &s, e);
	if (r == 0)
		r = change_keys(&s, true, nfnl, e);
	/* One that came back at just this moment has to be allowed again. */
	s.nlinks = 0;
	if (r == 0)
		r = rtnl_each_link(rtnl, take_link, &s, e);
	if (r == 0)
		r = change_keys(&s, false, nfnl, e);
	free(s.v);
	free(s.links);
	return r;
}
