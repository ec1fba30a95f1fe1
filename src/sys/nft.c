#include <linux/netfilter/nfnetlink.h>
#include <sys/socket.h>

#include "base/base.h"
#include "sys/nft.h"

int nft_open(struct err *e)
{
	return nl_open(NETLINK_NETFILTER, e);
}

static void border(struct nl_batch *b, uint16_t type)
{
	struct nfgenmsg *g = nl_message(b, "nftables", type, 0, sizeof *g);

	g->nfgen_family = AF_UNSPEC;
	g->version = NFNETLINK_V0;
	g->res_id = __builtin_bswap16(NFNL_SUBSYS_NFTABLES);
}

void nft_begin(struct nl_batch *b)
{
	border(b, NFNL_MSG_BATCH_BEGIN);
}

/* Not every kernel acknowledges the end of a batch; all acknowledge what is in it. */
void nft_end(struct nl_batch *b)
{
	size_t at = b->at;

	border(b, NFNL_MSG_BATCH_END);
	b->at = at;
	b->n--;
}

static void message(struct nl_batch *b, const char *what, uint16_t type, uint16_t flags,
		    uint8_t family)
{
	struct nfgenmsg *g =
		nl_message(b, what, (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | type), flags, sizeof *g);

	g->nfgen_family = family;
	g->version = NFNETLINK_V0;
}

void nft_table(struct nl_batch *b, const char *what, uint8_t family, const char *table)
{
	message(b, what, NFT_MSG_NEWTABLE, NLM_F_CREATE, family);
	nl_put_text(b, NFTA_TABLE_NAME, table);
}

void nft_table_delete(struct nl_batch *b, const char *what, uint8_t family, const char *table)
{
	message(b, what, NFT_MSG_DELTABLE, 0, family);
	nl_put_text(b, NFTA_TABLE_NAME, table);
}

void nft_chain(struct nl_batch *b, const char *what, uint8_t family, const char *table,
	       const char *chain, int hook, int priority, int policy)
{
	size_t nest;

	message(b, what, NFT_MSG_NEWCHAIN, NLM_F_CREATE, family);
	nl_put_text(b, NFTA_CHAIN_TABLE, table);
	nl_put_text(b, NFTA_CHAIN_NAME, chain);
	if (hook < 0)
		return;
	nl_put_text(b, NFTA_CHAIN_TYPE, "filter");
	nest = nl_nest(b, NFTA_CHAIN_HOOK);
	nl_put_be32(b, NFTA_HOOK_HOOKNUM, (uint32_t)hook);
	nl_put_be32(b, NFTA_HOOK_PRIORITY, (uint32_t)priority);
	nl_nest_end(b, nest);
	nl_put_be32(b, NFTA_CHAIN_POLICY, (uint32_t)policy);
}

void nft_set(struct nl_batch *b, const char *what, uint8_t family, const char *table,
	     const char *set, uint32_t id, uint32_t type, uint32_t len)
{
	message(b, what, NFT_MSG_NEWSET, NLM_F_CREATE, family);
	nl_put_text(b, NFTA_SET_TABLE, table);
	nl_put_text(b, NFTA_SET_NAME, set);
	nl_put_be32(b, NFTA_SET_ID, id);
	nl_put_be32(b, NFTA_SET_KEY_TYPE, type);
	nl_put_be32(b, NFTA_SET_KEY_LEN, len);
}

void nft_element(struct nl_batch *b, const char *what, bool del, uint8_t family, const char *table,
		 const char *set, const void *key, uint32_t len)
{
	size_t list, item, value;

	message(b, what, del ? NFT_MSG_DELSETELEM : NFT_MSG_NEWSETELEM, del ? 0 : NLM_F_CREATE,
		family);
	nl_put_text(b, NFTA_SET_ELEM_LIST_TABLE, table);
	nl_put_text(b, NFTA_SET_ELEM_LIST_SET, set);
	list = nl_nest(b, NFTA_SET_ELEM_LIST_ELEMENTS);
	item = nl_nest(b, NFTA_LIST_ELEM);
	value = nl_nest(b, NFTA_SET_ELEM_KEY);
	nl_put(b, NFTA_DATA_VALUE, key, len);
	nl_nest_end(b, value);
	nl_nest_end(b, item);
	nl_nest_end(b, list);
}

struct elements {
	int (*fn)(const uint8_t *key, size_t n, void *arg);
	void *arg;
};

/* The value in the key of one element. */
static bool key_of(const struct nl_attr *item, struct nl_attr *ret)
{
	struct nl_attr key;
	size_t pos = 0, in = 0;

	while (nl_next(item->p, item->n, &pos, &key))
		if (key.type == NFTA_SET_ELEM_KEY && nl_next(key.p, key.n, &in, ret) &&
		    ret->type == NFTA_DATA_VALUE)
			return true;
	return false;
}

static int elements_of(uint16_t type, const uint8_t *p, size_t n, void *arg)
{
	const struct elements *v = arg;
	struct nl_attr a, item, value;
	size_t pos = NLMSG_ALIGN(sizeof(struct nfgenmsg));
	int r = 0;

	while (r == 0 && nl_next(p, n, &pos, &a)) {
		size_t in = 0;
		while (r == 0 && a.type == NFTA_SET_ELEM_LIST_ELEMENTS &&
		       nl_next(a.p, a.n, &in, &item))
			if (key_of(&item, &value))
				r = v->fn(value.p, value.n, v->arg);
	}
	return r;
}

int nft_elements(int fd, uint8_t family, const char *table, const char *set,
		 int (*fn)(const uint8_t *key, size_t n, void *arg), void *arg, struct err *e)
{
	autofree struct nl_batch *b = xmalloc(sizeof *b);
	struct elements v = {fn, arg};

	nl_reset(b);
	message(b, "list a set of nftables", NFT_MSG_GETSETELEM, NLM_F_DUMP, family);
	nl_put_text(b, NFTA_SET_ELEM_LIST_TABLE, table);
	nl_put_text(b, NFTA_SET_ELEM_LIST_SET, set);
	return nl_dump(fd, b, elements_of, &v, e);
}

struct nft_rule nft_rule(struct nl_batch *b, const char *what, uint8_t family, const char *table,
			 const char *chain)
{
	message(b, what, NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND, family);
	nl_put_text(b, NFTA_RULE_TABLE, table);
	nl_put_text(b, NFTA_RULE_CHAIN, chain);
	return (struct nft_rule){b, nl_nest(b, NFTA_RULE_EXPRESSIONS)};
}

void nft_rule_end(struct nft_rule *r)
{
	nl_nest_end(r->b, r->list);
}

/* An expression: a nest with its name and the nest of its own attributes. */
struct expr {
	struct nl_batch *b;
	size_t outer, inner;
};

static struct expr begin(struct nft_rule *r, const char *name)
{
	struct expr x = {.b = r->b, .outer = nl_nest(r->b, NFTA_LIST_ELEM)};

	nl_put_text(x.b, NFTA_EXPR_NAME, name);
	x.inner = nl_nest(x.b, NFTA_EXPR_DATA);
	return x;
}

static void end(struct expr *x)
{
	nl_nest_end(x->b, x->inner);
	nl_nest_end(x->b, x->outer);
}

static void put_value(struct nl_batch *b, uint16_t attr, const void *p, size_t n)
{
	size_t nest = nl_nest(b, attr);

	nl_put(b, NFTA_DATA_VALUE, p, n);
	nl_nest_end(b, nest);
}

void nft_meta(struct nft_rule *r, enum nft_meta_keys key, unsigned reg)
{
	struct expr x = begin(r, "meta");

	nl_put_be32(x.b, NFTA_META_KEY, key);
	nl_put_be32(x.b, NFTA_META_DREG, NFT_REG32_00 + reg);
	end(&x);
}

void nft_payload(struct nft_rule *r, enum nft_payload_bases base, uint32_t offset, uint32_t len,
		 unsigned reg)
{
	struct expr x = begin(r, "payload");

	nl_put_be32(x.b, NFTA_PAYLOAD_DREG, NFT_REG32_00 + reg);
	nl_put_be32(x.b, NFTA_PAYLOAD_BASE, base);
	nl_put_be32(x.b, NFTA_PAYLOAD_OFFSET, offset);
	nl_put_be32(x.b, NFTA_PAYLOAD_LEN, len);
	end(&x);
}

void nft_mask(struct nft_rule *r, const void *mask, uint32_t len)
{
	static const uint8_t zero[16];
	struct expr x = begin(r, "bitwise");

	nl_put_be32(x.b, NFTA_BITWISE_SREG, NFT_REG32_00);
	nl_put_be32(x.b, NFTA_BITWISE_DREG, NFT_REG32_00);
	nl_put_be32(x.b, NFTA_BITWISE_LEN, len);
	put_value(x.b, NFTA_BITWISE_MASK, mask, len);
	put_value(x.b, NFTA_BITWISE_XOR, zero, len);
	end(&x);
}

void nft_cmp(struct nft_rule *r, enum nft_cmp_ops op, const void *p, uint32_t len)
{
	struct expr x = begin(r, "cmp");

	nl_put_be32(x.b, NFTA_CMP_SREG, NFT_REG32_00);
	nl_put_be32(x.b, NFTA_CMP_OP, op);
	put_value(x.b, NFTA_CMP_DATA, p, len);
	end(&x);
}

void nft_lookup(struct nft_rule *r, const char *set, unsigned reg, bool invert)
{
	struct expr x = begin(r, "lookup");

	nl_put_text(x.b, NFTA_LOOKUP_SET, set);
	nl_put_be32(x.b, NFTA_LOOKUP_SREG, NFT_REG32_00 + reg);
	if (invert)
		nl_put_be32(x.b, NFTA_LOOKUP_FLAGS, NFT_LOOKUP_F_INV);
	end(&x);
}

void nft_socket_transparent(struct nft_rule *r)
{
	struct expr x = begin(r, "socket");

	nl_put_be32(x.b, NFTA_SOCKET_KEY, NFT_SOCKET_TRANSPARENT);
	nl_put_be32(x.b, NFTA_SOCKET_DREG, NFT_REG32_00);
	end(&x);
}

static void immediate(struct nft_rule *r, unsigned reg, const void *p, size_t n)
{
	struct expr x = begin(r, "immediate");

	nl_put_be32(x.b, NFTA_IMMEDIATE_DREG, NFT_REG32_00 + reg);
	put_value(x.b, NFTA_IMMEDIATE_DATA, p, n);
	end(&x);
}

void nft_set_mark(struct nft_rule *r, uint32_t mark)
{
	struct expr x;

	immediate(r, 0, &mark, sizeof mark);
	x = begin(r, "meta");
	nl_put_be32(x.b, NFTA_META_KEY, NFT_META_MARK);
	nl_put_be32(x.b, NFTA_META_SREG, NFT_REG32_00);
	end(&x);
}

void nft_tproxy(struct nft_rule *r, int family, const void *addr, uint16_t port)
{
	uint8_t be[2] = {(uint8_t)(port >> 8), (uint8_t)port};
	struct expr x;

	immediate(r, 0, addr, family == AF_INET6 ? 16 : 4);
	immediate(r, 4, be, sizeof be);
	x = begin(r, "tproxy");
	nl_put_be32(x.b, NFTA_TPROXY_FAMILY, family == AF_INET6 ? NFPROTO_IPV6 : NFPROTO_IPV4);
	nl_put_be32(x.b, NFTA_TPROXY_REG_ADDR, NFT_REG32_00);
	nl_put_be32(x.b, NFTA_TPROXY_REG_PORT, NFT_REG32_04);
	end(&x);
}

void nft_verdict(struct nft_rule *r, int verdict, const char *chain)
{
	struct expr x = begin(r, "immediate");
	size_t data, v;

	nl_put_be32(x.b, NFTA_IMMEDIATE_DREG, NFT_REG_VERDICT);
	data = nl_nest(x.b, NFTA_IMMEDIATE_DATA);
	v = nl_nest(x.b, NFTA_DATA_VERDICT);
	nl_put_be32(x.b, NFTA_VERDICT_CODE, (uint32_t)verdict);
	if (chain)
		nl_put_text(x.b, NFTA_VERDICT_CHAIN, chain);
	nl_nest_end(x.b, v);
	nl_nest_end(x.b, data);
	end(&x);
}
