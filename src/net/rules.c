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

#define TABLE  "hoy"
#define WHAT   "nftables rules of the network"
#define INET   NFPROTO_INET
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

void rules_inet(struct nl_batch *b, const struct netns_plan *p)
{
	struct nft_rule r;

	/* Deleting wants it to be there. */
	nft_table(b, WHAT, INET, TABLE);
	nft_table_delete(b, WHAT, INET, TABLE);
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
