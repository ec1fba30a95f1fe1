#include <arpa/inet.h>

#include "base/base.h"
#include "net/addr.h"

static unsigned bits(const struct ip *ip)
{
	return ip->family == 6 ? 128 : 32;
}

int ip_parse(const char *text, struct ip *ret)
{
	memset(ret, 0, sizeof *ret);
	if (inet_pton(AF_INET, text, ret->b) == 1) {
		ret->family = 4;
		return 0;
	}
	memset(ret->b, 0, sizeof ret->b);
	if (inet_pton(AF_INET6, text, ret->b) != 1)
		return -EINVAL;
	ret->family = 6;
	return 0;
}

int ip_net_parse(const char *text, struct ip_net *ret)
{
	char addr[IP_TEXT];
	const char *slash = strchr(text, '/');
	unsigned len = 0;

	if (!slash || slash == text || (size_t)(slash - text) >= sizeof addr)
		return -EINVAL;
	memcpy(addr, text, (size_t)(slash - text));
	addr[slash - text] = 0;
	if (ip_parse(addr, &ret->ip) < 0)
		return -EINVAL;
	const char *p = slash + 1;
	if (!*p || (*p == '0' && p[1]))
		return -EINVAL;
	for (; *p; p++) {
		if (*p < '0' || *p > '9' || len > 128)
			return -EINVAL;
		len = len * 10 + (unsigned)(*p - '0');
	}
	if (len > bits(&ret->ip))
		return -EINVAL;
	ret->len = (uint8_t)len;
	return 0;
}

char *ip_text(const struct ip *ip, char buf[IP_TEXT])
{
	*buf = 0;
	if (ip->family)
		inet_ntop(ip->family == 6 ? AF_INET6 : AF_INET, ip->b, buf, IP_TEXT);
	return buf;
}

char *ip_net_text(const struct ip_net *n, char buf[IP_NET_TEXT])
{
	char addr[IP_TEXT];

	snprintf(buf, IP_NET_TEXT, "%s/%u", ip_text(&n->ip, addr), n->len);
	return buf;
}

bool ip_equal(const struct ip *a, const struct ip *b)
{
	return a->family == b->family && !memcmp(a->b, b->b, sizeof a->b);
}

int ip_compare(const struct ip *a, const struct ip *b)
{
	return memcmp(a->b, b->b, sizeof a->b);
}

struct ip_net ip_net_mask(const struct ip_net *n)
{
	struct ip_net m = *n;

	for (unsigned i = 0; i < bits(&n->ip) / 8; i++) {
		unsigned keep = n->len > i * 8 ? n->len - i * 8 : 0;
		m.ip.b[i] &= keep >= 8 ? 0xff : (uint8_t)(0xff00 >> keep);
	}
	return m;
}

struct ip ip_net_last(const struct ip_net *n)
{
	struct ip last = n->ip;

	for (unsigned i = 0; i < bits(&n->ip) / 8; i++) {
		unsigned keep = n->len > i * 8 ? n->len - i * 8 : 0;
		last.b[i] |= keep >= 8 ? 0 : (uint8_t)(0xff >> keep);
	}
	return last;
}

bool ip_net_has(const struct ip_net *n, const struct ip *ip)
{
	struct ip_net x = {*ip, n->len};

	if (ip->family != n->ip.family)
		return false;
	struct ip_net a = ip_net_mask(n), b = ip_net_mask(&x);
	return ip_equal(&a.ip, &b.ip);
}

bool ip_net_overlap(const struct ip_net *a, const struct ip_net *b)
{
	return a->len < b->len ? ip_net_has(a, &b->ip) : ip_net_has(b, &a->ip);
}

bool ip_add(struct ip *ip, uint64_t by)
{
	for (int i = (int)bits(ip) / 8 - 1; i >= 0; i--) {
		uint64_t sum = ip->b[i] + (by & 0xff);
		ip->b[i] = (uint8_t)sum;
		by = (by >> 8) + (sum >> 8);
	}
	return by == 0;
}

bool ip_is_loopback(const struct ip *ip)
{
	static const uint8_t one6[16] = {[15] = 1};

	return ip->family == 4 ? ip->b[0] == 127
			       : ip->family == 6 && !memcmp(ip->b, one6, sizeof one6);
}

bool ip_is_any(const struct ip *ip)
{
	static const uint8_t none[16];

	return ip->family && !memcmp(ip->b, none, sizeof none);
}

bool ip_is_link_local(const struct ip *ip)
{
	return ip->family == 4 ? ip->b[0] == 169 && ip->b[1] == 254
			       : ip->family == 6 && ip->b[0] == 0xfe && (ip->b[1] & 0xc0) == 0x80;
}

static int hex(char c)
{
	return c >= '0' && c <= '9'   ? c - '0'
	       : c >= 'a' && c <= 'f' ? c - 'a' + 10
	       : c >= 'A' && c <= 'F' ? c - 'A' + 10
				      : -1;
}

int mac_parse(const char *text, uint8_t ret[MAC_LEN])
{
	static const uint8_t none[MAC_LEN];

	for (int i = 0; i < MAC_LEN; i++, text += 3) {
		char end = i + 1 < MAC_LEN ? text[0] && text[1] ? text[2] : 0 : 0;
		if (hex(text[0]) < 0 || hex(text[1]) < 0)
			return -EINVAL;
		if (i + 1 < MAC_LEN ? end != ':' && end != '-' : text[2] != 0)
			return -EINVAL;
		ret[i] = (uint8_t)(hex(text[0]) << 4 | hex(text[1]));
	}
	return ret[0] & 1 || !memcmp(ret, none, sizeof none) ? -EINVAL : 0;
}

char *mac_text(const uint8_t mac[MAC_LEN], char buf[MAC_TEXT])
{
	snprintf(buf, MAC_TEXT, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3],
		 mac[4], mac[5]);
	return buf;
}

struct ip mac_link_local(const uint8_t mac[MAC_LEN])
{
	struct ip ip = {.family = 6, .b = {0xfe, 0x80, [11] = 0xff, [12] = 0xfe}};

	memcpy(ip.b + 8, mac, 3);
	memcpy(ip.b + 13, mac + 3, 3);
	ip.b[8] ^= 2;
	return ip;
}
