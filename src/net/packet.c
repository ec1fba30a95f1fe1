#include <arpa/inet.h>
#include <netinet/in.h>

#include "base/base.h"
#include "net/packet.h"

enum { HEAD4 = 20, HEAD6 = 40, HEAD_UDP = 8, HEAD_TCP = 20, HEAD_ICMP = 8, HEAD_FRAG = 8 };
enum { EXTENSIONS_MAX = 8 };
enum { V4_DF = 0x4000, V4_MF = 0x2000, V4_OFFSET = 0x1fff };

static uint16_t get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static uint32_t get32(const uint8_t *p)
{
	return (uint32_t)get16(p) << 16 | get16(p + 2);
}

static void put16(uint8_t *p, size_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static void put32(uint8_t *p, uint32_t v)
{
	put16(p, v >> 16);
	put16(p + 2, v & 0xffff);
}

/* ---- checksums */

/* Sums of 32-bit words as they lie in memory: the order of bytes does not matter to the end (RFC 1071). */
uint64_t packet_sum(const void *p, size_t n, uint64_t sum)
{
	const uint8_t *b = p;
	uint32_t w;
	uint16_t h;

	for (; n >= 4; n -= 4, b += 4) {
		memcpy(&w, b, 4);
		sum += w;
	}
	if (n >= 2) {
		memcpy(&h, b, 2);
		sum += h;
		b += 2;
		n -= 2;
	}
	if (n) {
		h = 0;
		memcpy(&h, b, 1);
		sum += h;
	}
	return sum;
}

static uint16_t fold(uint64_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

uint16_t packet_sum_end(uint64_t sum)
{
	return (uint16_t)~fold(sum);
}

static size_t ip_bytes(const struct ip *ip)
{
	return ip->family == 6 ? 16 : 4;
}

/* The pseudo header of TCP, UDP and ICMPv6. */
static uint64_t pseudo(const struct ip *src, const struct ip *dst, uint8_t proto, size_t len)
{
	uint8_t tail[8] = {0};

	put32(tail, (uint32_t)len);
	tail[7] = proto;
	uint64_t sum = packet_sum(src->b, ip_bytes(src), 0);
	sum = packet_sum(dst->b, ip_bytes(dst), sum);
	return packet_sum(tail, sizeof tail, sum);
}

bool packet_sum_right(const struct packet *p)
{
	uint64_t sum = 0;
	size_t len = p->payload_len;

	if (p->fragment)
		return true;
	switch (p->proto) {
	case IPPROTO_UDP:
		if (!p->payload[6] && !p->payload[7])
			return p->src.family == 4; /* none was made */
		len = HEAD_UDP + p->body_len;
		/* fallthrough */
	case IPPROTO_TCP:
	case IPPROTO_ICMPV6:
		sum = pseudo(&p->src, &p->dst, p->proto, len);
		break;
	case IPPROTO_ICMP:
		break;
	default:
		return true;
	}
	return packet_sum_end(packet_sum(p->payload, len, sum)) == 0;
}

/* ---- taking apart */

static int parse_transport(struct packet *p)
{
	const uint8_t *h = p->payload;
	size_t n = p->payload_len, head = HEAD_UDP;

	switch (p->proto) {
	case IPPROTO_UDP:
		if (n < HEAD_UDP || get16(h + 4) < HEAD_UDP || get16(h + 4) > n)
			return -EINVAL;
		n = get16(h + 4);
		break;
	case IPPROTO_TCP:
		if (n < HEAD_TCP)
			return -EINVAL;
		head = (size_t)(h[12] >> 4) * 4;
		if (head < HEAD_TCP || head > n)
			return -EINVAL;
		p->tcp_seq = get32(h + 4);
		p->tcp_ack = get32(h + 8);
		p->tcp_flags = h[13] & 0x3f;
		break;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		if (n < HEAD_ICMP || (p->proto == IPPROTO_ICMP) != (p->src.family == 4))
			return -EINVAL;
		p->icmp_type = h[0];
		p->icmp_code = h[1];
		p->echo_id = get16(h + 4);
		p->echo_seq = get16(h + 6);
		break;
	default:
		return 0;
	}
	if (p->proto == IPPROTO_UDP || p->proto == IPPROTO_TCP) {
		p->src_port = get16(h);
		p->dst_port = get16(h + 2);
		if (!p->src_port || !p->dst_port)
			return -EINVAL;
	}
	p->body = h + head;
	p->body_len = n - head;
	return 0;
}

/* What a fragment says must fit into the largest packet there is, and only the last may have an odd length. */
static int check_fragment(const struct packet *p, size_t max)
{
	if (!p->payload_len || (p->more && p->payload_len % 8) || p->frag_at + p->payload_len > max)
		return -EINVAL;
	return 0;
}

static int parse4(const uint8_t *d, size_t len, struct packet *p)
{
	size_t head;

	if (len < HEAD4)
		return -EINVAL;
	head = (size_t)(d[0] & 15) * 4;
	p->len = get16(d + 2);
	if (head < HEAD4 || p->len < head || p->len > len ||
	    packet_sum_end(packet_sum(d, head, 0)) != 0)
		return -EINVAL;
	unsigned frag = get16(d + 6);
	p->tos = d[1];
	p->frag_id = get16(d + 4);
	p->df = frag & V4_DF;
	p->more = frag & V4_MF;
	p->frag_at = (frag & V4_OFFSET) * 8;
	p->fragment = p->more || p->frag_at;
	p->ttl = d[8];
	p->proto = d[9];
	p->src.family = p->dst.family = 4;
	memcpy(p->src.b, d + 12, 4);
	memcpy(p->dst.b, d + 16, 4);
	p->payload = d + head;
	p->payload_len = p->len - head;
	return p->fragment ? check_fragment(p, 65535 - head) : parse_transport(p);
}

/* Goes over IPv6's extension headers: *ret_at becomes the place of what follows them, p->proto what that is; or it ends at a fragment header, behind it. */
static int skip_extensions(const uint8_t *d, struct packet *p, size_t *ret_at)
{
	size_t at = HEAD6;

	for (int i = 0; i < EXTENSIONS_MAX; i++) {
		const uint8_t *x = d + at;
		size_t left = p->len - at;
		switch (p->proto) {
		case IPPROTO_HOPOPTS:
			if (i)
				return -EINVAL; /* only the first one may be */
			break;
		case IPPROTO_DSTOPTS:
			break;
		case IPPROTO_ROUTING:
			if (left < 8 || x[3])
				return -EINVAL; /* not there yet: it wants to be sent on */
			break;
		case IPPROTO_FRAGMENT:
			if (left < HEAD_FRAG || p->fragment)
				return -EINVAL;
			p->proto = x[0];
			p->frag_at = get16(x + 2) & 0xfff8U;
			p->more = x[3] & 1;
			p->frag_id = get32(x + 4);
			p->fragment = p->more || p->frag_at; /* else it is whole: RFC 6946 */
			p->df = false;
			at += HEAD_FRAG;
			if (p->fragment) {
				*ret_at = at;
				return 0;
			}
			continue;
		default:
			*ret_at = at;
			return 0;
		}
		if (left < 8 || left < ((size_t)x[1] + 1) * 8)
			return -EINVAL;
		p->proto = x[0];
		at += ((size_t)x[1] + 1) * 8;
	}
	return -EINVAL;
}

static int parse6(const uint8_t *d, size_t len, struct packet *p)
{
	size_t at;

	if (len < HEAD6)
		return -EINVAL;
	p->len = HEAD6 + (size_t)get16(d + 4);
	if (p->len > len)
		return -EINVAL;
	p->tos = (uint8_t)(d[0] << 4 | d[1] >> 4);
	p->proto = d[6];
	p->ttl = d[7];
	p->df = true;
	p->src.family = p->dst.family = 6;
	memcpy(p->src.b, d + 8, 16);
	memcpy(p->dst.b, d + 24, 16);
	int r = skip_extensions(d, p, &at);
	if (r < 0)
		return r;
	p->payload = d + at;
	p->payload_len = p->len - at;
	return p->fragment ? check_fragment(p, 65535 - (at - HEAD_FRAG - HEAD6))
			   : parse_transport(p);
}

int packet_parse(const uint8_t *data, size_t len, struct packet *ret)
{
	*ret = (struct packet){.data = data};
	if (!len)
		return -EINVAL;
	switch (data[0] >> 4) {
	case 4:
		return parse4(data, len, ret);
	case 6:
		return parse6(data, len, ret);
	default:
		return -EINVAL;
	}
}

/* ---- putting together */

/* The IP header in front of len bytes; its length. */
static size_t ip_head(uint8_t *out, const struct ip *src, const struct ip *dst, uint8_t ttl,
		      uint8_t tos, uint8_t proto, size_t len)
{
	static uint16_t id;

	if (src->family == 6) {
		out[0] = (uint8_t)(0x60 | tos >> 4);
		out[1] = (uint8_t)(tos << 4);
		put16(out + 2, 0);
		put16(out + 4, len);
		out[6] = proto;
		out[7] = ttl;
		memcpy(out + 8, src->b, 16);
		memcpy(out + 24, dst->b, 16);
		return HEAD6;
	}
	out[0] = 0x45;
	out[1] = tos;
	put16(out + 2, HEAD4 + len);
	put16(out + 4, ++id);
	put16(out + 6, 0);
	out[8] = ttl;
	out[9] = proto;
	put16(out + 10, 0);
	memcpy(out + 12, src->b, 4);
	memcpy(out + 16, dst->b, 4);
	uint16_t sum = packet_sum_end(packet_sum(out, HEAD4, 0));
	memcpy(out + 10, &sum, 2);
	return HEAD4;
}

static bool fits(const struct ip *src, size_t len)
{
	return src->family == 6 ? len <= 65535 : len <= 65535 - HEAD4;
}

size_t packet_udp_head(uint8_t out[PACKET_HEAD_MAX], const struct packet_to *to, const void *body,
		       size_t len, bool sum)
{
	size_t n = HEAD_UDP + len;

	if (!fits(&to->src, n))
		return 0;
	size_t at = ip_head(out, &to->src, &to->dst, to->ttl, to->tos, IPPROTO_UDP, n);
	uint8_t *u = out + at;
	put16(u, to->src_port);
	put16(u + 2, to->dst_port);
	put16(u + 4, n);
	put16(u + 6, 0);
	uint64_t s = pseudo(&to->src, &to->dst, IPPROTO_UDP, n);
	uint16_t v = fold(s);
	if (sum) {
		v = packet_sum_end(packet_sum(body, len, packet_sum(u, HEAD_UDP, s)));
		v = v ? v : 0xffff; /* 0 would say that there is none */
	}
	memcpy(u + 6, &v, 2);
	return at + HEAD_UDP;
}

size_t packet_echo_head(uint8_t out[PACKET_HEAD_MAX], const struct packet_to *to, bool reply,
			const void *body, size_t len)
{
	size_t n = HEAD_ICMP + len;
	bool six = to->src.family == 6;

	if (!fits(&to->src, n))
		return 0;
	uint8_t proto = six ? IPPROTO_ICMPV6 : IPPROTO_ICMP;
	size_t at = ip_head(out, &to->src, &to->dst, to->ttl, to->tos, proto, n);
	uint8_t *h = out + at;
	h[0] = six ? (reply ? 129 : 128) : (reply ? 0 : 8);
	h[1] = h[2] = h[3] = 0;
	put16(h + 4, to->src_port);
	put16(h + 6, to->dst_port);
	uint64_t s = six ? pseudo(&to->src, &to->dst, proto, n) : 0;
	uint16_t v = packet_sum_end(packet_sum(body, len, packet_sum(h, HEAD_ICMP, s)));
	memcpy(h + 2, &v, 2);
	return at + HEAD_ICMP;
}

size_t packet_rst(uint8_t out[PACKET_RST_MAX], const struct packet *p)
{
	uint8_t t[HEAD_TCP] = {0};

	if (p->proto != IPPROTO_TCP || p->fragment || p->tcp_flags & TCP_RST)
		return 0;
	put16(t, p->dst_port);
	put16(t + 2, p->src_port);
	t[12] = (HEAD_TCP / 4) << 4;
	t[13] = TCP_RST;
	if (p->tcp_flags & TCP_ACK) {
		put32(t + 4, p->tcp_ack);
	} else {
		size_t n = p->body_len + !!(p->tcp_flags & TCP_SYN) + !!(p->tcp_flags & TCP_FIN);
		put32(t + 8, p->tcp_seq + (uint32_t)n);
		t[13] |= TCP_ACK;
	}
	uint64_t s = pseudo(&p->dst, &p->src, IPPROTO_TCP, sizeof t);
	uint16_t v = packet_sum_end(packet_sum(t, sizeof t, s));
	memcpy(t + 16, &v, 2);
	size_t at = ip_head(out, &p->dst, &p->src, 64, 0, IPPROTO_TCP, sizeof t);
	memcpy(out + at, t, sizeof t);
	return at + sizeof t;
}

/* One host's address, such as an error may go to or be about. */
static bool ip_is_one(const struct ip *ip)
{
	if (ip_is_any(ip) || ip_is_loopback(ip))
		return false;
	return ip->family == 6 ? ip->b[0] != 0xff : ip->b[0] != 0 && ip->b[0] < 224;
}

/* The addresses of what an error is to be about; false: none may be sent. */
static bool may_err(const uint8_t *orig, size_t len, struct ip *src, struct ip *dst)
{
	const uint8_t *icmp = NULL;
	size_t head;

	*src = *dst = (struct ip){0};
	if (len >= HEAD4 && orig[0] >> 4 == 4) {
		head = (size_t)(orig[0] & 15) * 4;
		if (head < HEAD4 || len < head || get16(orig + 6) & V4_OFFSET)
			return false;
		src->family = dst->family = 4;
		memcpy(src->b, orig + 12, 4);
		memcpy(dst->b, orig + 16, 4);
		if (orig[9] == IPPROTO_ICMP) {
			icmp = orig + head;
			if (len == head || (*icmp != 8 && *icmp != 0 && *icmp != 13))
				return false;
		}
	} else if (len >= HEAD6 && orig[0] >> 4 == 6) {
		src->family = dst->family = 6;
		memcpy(src->b, orig + 8, 16);
		memcpy(dst->b, orig + 24, 16);
		if (orig[6] == IPPROTO_FRAGMENT &&
		    (len < HEAD6 + HEAD_FRAG || get16(orig + HEAD6 + 2) & 0xfff8U))
			return false;
		if (orig[6] == IPPROTO_ICMPV6 && (len == HEAD6 || orig[HEAD6] < 128))
			return false;
	} else {
		return false;
	}
	return ip_is_one(src) && ip_is_one(dst);
}

size_t packet_error_raw(uint8_t out[PACKET_ERROR_MAX], uint8_t type, uint8_t code, uint32_t rest,
			const struct ip *from, const uint8_t *orig, size_t orig_len)
{
	uint8_t icmp[PACKET_ERROR_MAX - HEAD6];
	struct ip src, dst;

	if (!may_err(orig, orig_len, &src, &dst) || from->family != src.family)
		return 0;
	bool six = src.family == 6;
	/* As much as fits into what every path carries: 576 bytes, or 1280. */
	size_t room = (six ? 1280 - HEAD6 : 576 - HEAD4) - HEAD_ICMP;
	size_t n = orig_len < room ? orig_len : room;
	icmp[0] = type;
	icmp[1] = code;
	icmp[2] = icmp[3] = 0;
	put32(icmp + 4, rest);
	memcpy(icmp + HEAD_ICMP, orig, n);
	n += HEAD_ICMP;
	uint8_t proto = six ? IPPROTO_ICMPV6 : IPPROTO_ICMP;
	uint64_t s = six ? pseudo(from, &src, proto, n) : 0;
	uint16_t v = packet_sum_end(packet_sum(icmp, n, s));
	memcpy(icmp + 2, &v, 2);
	size_t at = ip_head(out, from, &src, 64, six ? 0 : 0xc0, proto, n);
	memcpy(out + at, icmp, n);
	return at + n;
}

size_t packet_error(uint8_t out[PACKET_ERROR_MAX], enum packet_why why, uint32_t mtu,
		    const struct ip *from, const uint8_t *orig, size_t orig_len)
{
	static const uint8_t kinds[][4] = {
		[WHY_NET] = {3, 0, 1, 0},     [WHY_HOST] = {3, 1, 1, 3},
		[WHY_PORT] = {3, 3, 1, 4},    [WHY_PROHIBITED] = {3, 13, 1, 1},
		[WHY_TOO_BIG] = {3, 4, 2, 0}, [WHY_TTL] = {11, 0, 3, 0},
	};
	const uint8_t *k = kinds[why] + (from->family == 6 ? 2 : 0);

	if (why != WHY_TOO_BIG)
		mtu = 0;
	else if (from->family == 4 && mtu > 65535)
		mtu = 65535;
	return packet_error_raw(out, k[0], k[1], mtu, from, orig, orig_len);
}

size_t packet_piece6(uint8_t out[PACKET_HEAD_MAX], const uint8_t head[40], size_t len, uint32_t id,
		     size_t at, size_t mtu)
{
	size_t left = len - HEAD6 - at;
	size_t n = (mtu - HEAD6 - HEAD_FRAG) & ~(size_t)7;
	bool more = n < left;

	n = more ? n : left;
	memcpy(out, head, HEAD6);
	put16(out + 4, HEAD_FRAG + n);
	out[6] = IPPROTO_FRAGMENT;
	uint8_t *f = out + HEAD6;
	f[0] = head[6];
	f[1] = 0;
	put16(f + 2, at | more);
	put32(f + 4, id);
	return n;
}
