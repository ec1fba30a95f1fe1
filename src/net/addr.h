/*
 * addr.h - IP addresses, prefixes and MAC addresses as values: text to bytes and back, with nothing of the system asked.
 */
#ifndef NET_ADDR_H
#define NET_ADDR_H

#include "base/base.h"

/* An address of either family; family 0: none. Bytes in network order, those of IPv4 in the first four, the rest zero, so that
 * two of them compare with memcmp. */
struct ip {
	uint8_t family; /* 0, 4 or 6 */
	uint8_t b[16];
};

/* ADDRESS/LENGTH. The bits behind the length are kept as they are. */
struct ip_net {
	struct ip ip;
	uint8_t len;
};

enum { IP_TEXT = 46, IP_NET_TEXT = 50, MAC_TEXT = 18, MAC_LEN = 6 };

/* Strict: no surrounding spaces, no leading zeros in IPv4 (inet_pton(3)), no zone. -EINVAL. */
int ip_parse(const char *text, struct ip *ret);
int ip_net_parse(const char *text, struct ip_net *ret);
char *ip_text(const struct ip *ip, char buf[IP_TEXT]); /* returns buf; "" for none */
char *ip_net_text(const struct ip_net *n, char buf[IP_NET_TEXT]);
bool ip_equal(const struct ip *a, const struct ip *b);
int ip_compare(const struct ip *a, const struct ip *b); /* as numbers; of one family */
bool ip_net_has(const struct ip_net *n, const struct ip *ip);
bool ip_net_overlap(const struct ip_net *a, const struct ip_net *b);
struct ip_net ip_net_mask(const struct ip_net *n); /* the bits behind the length cleared */
struct ip ip_net_last(const struct ip_net *n);	   /* all bits behind the length set */
/* *ip + by; false when that leaves the family's range. */
bool ip_add(struct ip *ip, uint64_t by);
bool ip_is_loopback(const struct ip *ip);
bool ip_is_any(const struct ip *ip);
bool ip_is_link_local(const struct ip *ip); /* 169.254/16, fe80::/10 */

/* "aa:bb:cc:dd:ee:ff" or with "-"; a multicast or zero address is -EINVAL. */
int mac_parse(const char *text, uint8_t ret[MAC_LEN]);
/* The link-local address that a device with this MAC gives itself (RFC 4291, modified EUI-64). */
struct ip mac_link_local(const uint8_t mac[MAC_LEN]);
char *mac_text(const uint8_t mac[MAC_LEN], char buf[MAC_TEXT]);

#endif
