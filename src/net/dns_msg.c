#include "base/base.h"
#include "base/parse.h"
#include "net/dns_msg.h"

enum {
	FLAG_QR = 0x8000,
	FLAG_OPCODE = 0x7800,
	FLAG_AA = 0x0400,
	FLAG_TC = 0x0200,
	FLAG_RD = 0x0100,
	FLAG_RA = 0x0080,
	FLAG_CD = 0x0010,
	FLAG_RCODE = 0x000f,
	EDNS_DO = 0x8000,
	EDNS_EDE = 15,
	CLASS_IN = 1,
	OPT_BYTES = 11,
	EDE_TEXT = 120,
	LABEL_MAX = 63,
	END_ROOM = OPT_BYTES + 6 + EDE_TEXT,
	OUR_UDP_SIZE = 4096,
};

static uint16_t get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static void put16(uint8_t *p, unsigned v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

uint16_t dns_id(const uint8_t *msg)
{
	return get16(msg);
}

void dns_set_id(uint8_t *msg, uint16_t id)
{
	put16(msg, id);
}

unsigned dns_rcode_of(const uint8_t *msg)
{
	return msg[3] & FLAG_RCODE;
}

bool dns_is_cut(const uint8_t *msg)
{
	return get16(msg + 2) & FLAG_TC;
}

/* Steps over a name at *at. Pointers lead to before where the name, or the part that led there, began: so they end. */
static bool skip_name(const uint8_t *msg, size_t n, size_t *at)
{
	size_t p = *at, start = *at, total = 0;
	bool jumped = false;

	for (;;) {
		if (p >= n)
			return false;
		unsigned c = msg[p];
		if ((c & 0xc0) == 0xc0) {
			if (p + 2 > n)
				return false;
			size_t to = get16(msg + p) & 0x3fff;
			if (!jumped)
				*at = p + 2;
			jumped = true;
			if (to >= start || to < DNS_HEADER)
				return false;
			n = start; /* all that it leads to stands before */
			p = start = to;
			continue;
		}
		if (c > LABEL_MAX)
			return false;
		total += c + 1;
		if (total > DNS_NAME_WIRE || p + c + 1 > n)
			return false;
		p += c + 1;
		if (!c)
			break;
	}
	if (!jumped)
		*at = p;
	return true;
}

struct record {
	uint16_t type, class;
	uint32_t ttl;
	size_t data, data_len;
	bool root; /* its name is "." */
};

static bool next_record(const uint8_t *msg, size_t n, size_t *at, struct record *ret)
{
	ret->root = *at < n && !msg[*at];
	if (!skip_name(msg, n, at) || n - *at < 10)
		return false;
	const uint8_t *p = msg + *at;
	ret->type = get16(p);
	ret->class = get16(p + 2);
	ret->ttl = (uint32_t)get16(p + 4) << 16 | get16(p + 6);
	ret->data_len = get16(p + 8);
	ret->data = *at + 10;
	if (ret->data_len > n - ret->data)
		return false;
	*at = ret->data + ret->data_len;
	return true;
}

size_t dns_whole(const uint8_t *msg, size_t n)
{
	size_t at = DNS_HEADER, records = 0;
	struct record rec;

	if (n < DNS_HEADER)
		return 0;
	for (unsigned i = get16(msg + 4); i > 0; i--) {
		if (!skip_name(msg, n, &at) || n - at < 4)
			return 0;
		at += 4;
	}
	for (int i = 6; i < DNS_HEADER; i += 2)
		records += get16(msg + i);
	for (; records > 0; records--)
		if (!next_record(msg, n, &at, &rec))
			return 0;
	return at;
}

/* The name of a question stands at the start: there is nothing that it could point back to. */
static bool read_name(const uint8_t *msg, size_t n, size_t *at, struct dns_question *ret)
{
	size_t p = *at, total = 0, len = 0;

	ret->plain = true;
	for (;; total++) {
		if (p >= n || msg[p] > LABEL_MAX)
			return false;
		size_t c = msg[p++];
		total += c;
		if (total >= DNS_NAME_WIRE || p + c > n)
			return false;
		if (!c)
			break;
		if (len)
			ret->name[len++] = '.';
		for (size_t i = 0; i < c; i++) {
			uint8_t b = msg[p + i];
			if (b <= ' ' || b >= 0x7f || b == '.' || b == '\\')
				ret->plain = false;
			ret->name[len++] = (char)(b >= 'A' && b <= 'Z' ? b - 'A' + 'a' : b);
		}
		p += c;
	}
	ret->name[ret->plain ? len : 0] = 0;
	*at = p;
	return true;
}

/* The records behind the question: one OPT at most, and it is the only thing that we look at. */
static int read_rest(const uint8_t *msg, size_t n, size_t at, struct dns_question *ret)
{
	struct record rec;
	int r = 0;

	for (unsigned i = get16(msg + 10); i > 0; i--) {
		if (!next_record(msg, n, &at, &rec))
			return DNS_FORMERR;
		if (rec.type != DNS_TYPE_OPT)
			continue;
		if (ret->edns || !rec.root)
			return DNS_FORMERR;
		ret->edns = true;
		ret->dnssec = rec.ttl & EDNS_DO;
		if (rec.class > DNS_UDP_SIZE)
			ret->udp_size = rec.class;
		if (rec.ttl >> 16 & 0xff)
			r = DNS_BADVERS;
	}
	return at == n ? r : DNS_FORMERR;
}

int dns_question_parse(const uint8_t *msg, size_t n, struct dns_question *ret)
{
	size_t at = DNS_HEADER;

	memset(ret, 0, sizeof *ret);
	ret->udp_size = DNS_UDP_SIZE;
	if (n < DNS_HEADER || get16(msg + 2) & FLAG_QR)
		return -1;
	ret->id = get16(msg);
	if (get16(msg + 2) & FLAG_OPCODE)
		return DNS_NOTIMP;
	if (get16(msg + 4) != 1 || get16(msg + 6) || get16(msg + 8) ||
	    !read_name(msg, n, &at, ret) || n - at < 4)
		return DNS_FORMERR;
	ret->type = get16(msg + at);
	ret->class = get16(msg + at + 2);
	int r = read_rest(msg, n, at + 4, ret);
	if (r == DNS_FORMERR)
		return r;
	ret->end = at + 4;
	if (r)
		return r;
	return ret->class != CLASS_IN || ret->type == DNS_AXFR || ret->type == DNS_IXFR ||
			       ret->type == DNS_TYPE_OPT
		       ? DNS_REFUSED
		       : 0;
}

static uint8_t lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c - 'A' + 'a') : c;
}

bool dns_is_answer(const uint8_t *answer, size_t n, const uint8_t *msg,
		   const struct dns_question *q, uint16_t id)
{
	if (n < DNS_HEADER || get16(answer) != id || !(get16(answer + 2) & FLAG_QR) ||
	    get16(answer + 2) & FLAG_OPCODE)
		return false;
	if (!get16(answer + 4)) /* some leave it out with an error */
		return dns_rcode_of(answer) != DNS_OK && dns_rcode_of(answer) != DNS_NXDOMAIN;
	if (get16(answer + 4) != 1 || n < q->end)
		return false;
	for (size_t i = DNS_HEADER; i < q->end - 4; i++) /* the lengths of labels have no case */
		if (lower(answer[i]) != lower(msg[i]))
			return false;
	return !memcmp(answer + q->end - 4, msg + q->end - 4, 4);
}

void dns_reply_start(struct dns_reply *r, const struct dns_question *q, const uint8_t *msg,
		     uint8_t *buf, size_t limit, unsigned rcode)
{
	unsigned asked = get16(msg + 2);
	unsigned flags = FLAG_QR | FLAG_RA | (asked & (FLAG_OPCODE | FLAG_RD | FLAG_CD));

	if (rcode == DNS_OK || rcode == DNS_NXDOMAIN)
		flags |= FLAG_AA;
	*r = (struct dns_reply){.buf = buf, .limit = limit, .q = q, .rcode = rcode};
	memset(buf, 0, DNS_HEADER);
	put16(buf, q->id);
	put16(buf + 2, flags | (rcode & FLAG_RCODE));
	r->len = DNS_HEADER;
	if (!q->end)
		return;
	put16(buf + 4, 1);
	memcpy(buf + DNS_HEADER, msg + DNS_HEADER, q->end - DNS_HEADER);
	r->len = q->end;
}

/* The head of a record for the name that was asked for, with room for n bytes; NULL if there is none. */
static uint8_t *add_record(struct dns_reply *r, unsigned type, uint32_t ttl, size_t n)
{
	uint8_t *p = r->buf + r->len;

	if (r->len + 12 + n + END_ROOM > r->limit || r->answers == UINT16_MAX) {
		r->cut = true;
		return NULL;
	}
	put16(p, 0xc000 | DNS_HEADER);
	put16(p + 2, type);
	put16(p + 4, CLASS_IN);
	put16(p + 6, ttl >> 16);
	put16(p + 8, ttl);
	put16(p + 10, (unsigned)n);
	r->len += 12 + n;
	r->answers++;
	return p + 12;
}

void dns_reply_address(struct dns_reply *r, const struct ip *ip, uint32_t ttl)
{
	size_t n = ip->family == 6 ? 16 : 4;
	uint8_t *p = add_record(r, ip->family == 6 ? DNS_AAAA : DNS_A, ttl, n);

	if (p)
		memcpy(p, ip->b, n);
}

void dns_reply_name(struct dns_reply *r, const char *name, uint32_t ttl)
{
	uint8_t wire[DNS_NAME_WIRE];
	size_t len = 0;

	for (const char *p = name;;) {
		size_t n = strcspn(p, ".");
		if (!n || n > LABEL_MAX || len + n + 2 > sizeof wire)
			return;
		wire[len++] = (uint8_t)n;
		memcpy(wire + len, p, n);
		len += n;
		p += n;
		if (!*p || !*++p)
			break;
	}
	wire[len++] = 0;
	uint8_t *p = add_record(r, DNS_PTR, ttl, len);
	if (p)
		memcpy(p, wire, len);
}

size_t dns_reply_end(struct dns_reply *r, enum dns_ede code, const char *why)
{
	size_t text = why ? strlen(why) : 0;

	put16(r->buf + 6, r->answers);
	if (r->cut)
		put16(r->buf + 2, get16(r->buf + 2) | FLAG_TC);
	if (!r->q->edns)
		return r->len;
	if (text > EDE_TEXT)
		text = EDE_TEXT;
	uint8_t *p = r->buf + r->len;
	p[0] = 0;
	put16(p + 1, DNS_TYPE_OPT);
	put16(p + 3, OUR_UDP_SIZE);
	p[5] = (uint8_t)(r->rcode >> 4);
	p[6] = 0;
	put16(p + 7, r->q->dnssec ? EDNS_DO : 0);
	put16(p + 9, text ? (unsigned)text + 6 : 0);
	r->len += OPT_BYTES;
	put16(r->buf + 10, 1);
	if (!text)
		return r->len;
	put16(p + 11, EDNS_EDE);
	put16(p + 13, (unsigned)text + 2);
	put16(p + 15, code);
	memcpy(p + 17, why, text);
	r->len += 6 + text;
	return r->len;
}

size_t dns_cut(uint8_t *answer, size_t n, const struct dns_question *q, size_t limit)
{
	if (n <= limit)
		return n;
	unsigned flags = get16(answer + 2);
	struct dns_reply r = {.buf = answer, .len = q->end, .limit = limit, .q = q, .cut = true};
	memset(answer + 4, 0, 8);
	put16(answer + 4, 1);
	put16(answer + 2, flags);
	return dns_reply_end(&r, DNS_EDE_OTHER, NULL);
}

static int ptr4(const char *p, struct ip *ret)
{
	for (int i = 3; i >= 0; i--) {
		uint64_t v;
		char part[4] = {0};
		size_t n = strcspn(p, ".");
		if (!n || n > 3 || p[n] != '.')
			return -EINVAL;
		memcpy(part, p, n);
		if (parse_u64(part, 255, &v) < 0)
			return -EINVAL;
		ret->b[i] = (uint8_t)v;
		p += n + 1;
	}
	ret->family = 4;
	return strcmp(p, "in-addr.arpa") == 0 ? 0 : -EINVAL;
}

int dns_ptr_parse(const char *name, struct ip *ret)
{
	static const char hex[] = "0123456789abcdef";

	memset(ret, 0, sizeof *ret);
	if (str_ends(name, ".in-addr.arpa"))
		return ptr4(name, ret);
	if (strlen(name) != 32 * 2 + 8 || strcmp(name + 64, "ip6.arpa") != 0)
		return -EINVAL;
	for (int i = 0; i < 32; i++) {
		const char *at = name[2 * i] ? strchr(hex, name[2 * i]) : NULL;
		if (!at || name[2 * i + 1] != '.')
			return -EINVAL;
		unsigned v = (unsigned)(at - hex);
		ret->b[15 - i / 2] |= (uint8_t)(i % 2 ? v << 4 : v);
	}
	ret->family = 6;
	return 0;
}
