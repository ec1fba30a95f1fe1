/*
 * nft.h - nftables requests: tables, chains, sets and rules, added to a batch (sys/netlink.h) between nft_begin() and nft_end(); the kernel makes
 * all of it true at once, or nothing.
 *
 * A rule is a row of small expressions, as in its list by nft(8) with --debug=netlink: one loads something into a register (nft_meta,
 * nft_payload), the next compares it (nft_cmp), looks it up (nft_lookup) or acts (nft_verdict). The first one that does not match ends the rule. A
 * concatenated key is loaded piece by piece: reg counts 4 bytes, and each piece begins a new one. Source:
 * linux/netfilter/nf_tables.h.
 */
#ifndef SYS_NFT_H
#define SYS_NFT_H

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include "sys/netlink.h"

int nft_open(struct err *e); /* a socket for nl_talk() */

void nft_begin(struct nl_batch *b);
void nft_end(struct nl_batch *b);

/* family: NFPROTO_INET, NFPROTO_BRIDGE. */
void nft_table(struct nl_batch *b, const char *what, uint8_t family, const char *table);
void nft_table_delete(struct nl_batch *b, const char *what, uint8_t family, const char *table);
/* type "filter"; hook NF_INET_* or NF_BR_*; policy NF_ACCEPT or NF_DROP. hook < 0: a chain that rules jump to. */
void nft_chain(struct nl_batch *b, const char *what, uint8_t family, const char *table,
	       const char *chain, int hook, int priority, int policy);
/* A hash set of keys of len bytes. id: unique in this batch. */
void nft_set(struct nl_batch *b, const char *what, uint8_t family, const char *table,
	     const char *set, uint32_t id, uint32_t type, uint32_t len);
/* One element. Adding what is there and deleting what is not are no errors. */
void nft_element(struct nl_batch *b, const char *what, bool del, uint8_t family, const char *table,
		 const char *set, const void *key, uint32_t len);

/* Calls fn for the key of each element of a set. */
int nft_elements(int fd, uint8_t family, const char *table, const char *set,
		 int (*fn)(const uint8_t *key, size_t n, void *arg), void *arg, struct err *e);

struct nft_rule {
	struct nl_batch *b;
	size_t list;
};
struct nft_rule nft_rule(struct nl_batch *b, const char *what, uint8_t family, const char *table,
			 const char *chain);
void nft_rule_end(struct nft_rule *r);

void nft_meta(struct nft_rule *r, enum nft_meta_keys key, unsigned reg);
void nft_payload(struct nft_rule *r, enum nft_payload_bases base, uint32_t offset, uint32_t len,
		 unsigned reg);
void nft_mask(struct nft_rule *r, const void *mask, uint32_t len); /* register 0 &= mask */
void nft_cmp(struct nft_rule *r, enum nft_cmp_ops op, const void *p, uint32_t len); /* register 0 */
void nft_lookup(struct nft_rule *r, const char *set, unsigned reg, bool invert);
void nft_socket_transparent(struct nft_rule *r); /* 1 in register 0 if it is */
void nft_set_mark(struct nft_rule *r, uint32_t mark);
/* To a transparent listener at this address of this namespace. AF_INET or AF_INET6. */
void nft_tproxy(struct nft_rule *r, int family, const void *addr, uint16_t port);
void nft_verdict(struct nft_rule *r, int verdict, const char *chain); /* chain: for NFT_JUMP */

#endif
