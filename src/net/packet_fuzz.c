/*
 * Fuzz target: a row of packets as a container may write them. What is taken apart lies inside of what was read; answers to it are packets with right sums, which are
 * no answer to each other; fragments never become more than they were. Each packet has two bytes of length in front.
 */
#include <netinet/in.h>

#include "base/base.h"
#include "base/fuzz.h"
#include "net/packet_defrag.h"

/* What we have built is whole and right. */
static void check_built(const uint8_t *p, size_t n, struct packet *ret)
{
	FUZZ_CHECK(packet_parse(p, n, ret) == 0);
	FUZZ_CHECK(ret->len == n && !ret->fragment && packet_sum_right(ret));
}

static void answer(const struct packet *p)
{
	static uint8_t out[PACKET_MAX], again[PACKET_ERROR_MAX];
	const struct ip gw = p->src.family == 6 ? (struct ip){6, {0xfd, [15] = 1}}
						: (struct ip){4, {10, 88, 0, 1}};
	struct packet r;

	size_t n = packet_rst(out, p);
	if (n) {
		check_built(out, n, &r);
		FUZZ_CHECK(r.tcp_flags & TCP_RST && packet_rst(again, &r) == 0);
	}
	for (int why = WHY_NET; why <= WHY_TTL; why++) {
		n = packet_error(out, why, p->echo_id, &gw, p->data, p->len);
		if (!n)
			continue;
		check_built(out, n, &r);
		FUZZ_CHECK(ip_equal(&r.dst, &p->src) && n <= (gw.family == 6 ? 1280 : 576));
		FUZZ_CHECK(packet_error(again, why, 0, &gw, out, n) == 0);
	}
	if (p->proto == IPPROTO_UDP) {
		struct packet_to to = {p->src, p->dst, p->src_port, p->dst_port, p->ttl, p->tos};
		n = packet_udp_head(out, &to, p->body, p->body_len, true);
		if (n) {
			memcpy(out + n, p->body, p->body_len);
			check_built(out, n + p->body_len, &r);
			FUZZ_CHECK(r.body_len == p->body_len && r.src_port == p->src_port);
		}
	}
}

static void check(const struct packet *p, const uint8_t *d, size_t n)
{
	FUZZ_CHECK(p->data == d && p->len <= n && p->payload >= d &&
		   p->payload + p->payload_len == d + p->len);
	FUZZ_CHECK(p->src.family == p->dst.family && (p->src.family == 4 || p->src.family == 6));
	if (p->fragment) {
		FUZZ_CHECK(!p->body && p->frag_at + p->payload_len <= 65535);
		return;
	}
	if (p->body)
		FUZZ_CHECK(p->body > p->payload && p->body + p->body_len <= d + p->len);
	if (p->proto == IPPROTO_TCP || p->proto == IPPROTO_UDP)
		FUZZ_CHECK(p->src_port && p->dst_port);
	(void)packet_sum_right(p);
	answer(p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	scoped(defrag) d = {0};
	size_t total = 0, whole_len;
	struct packet p;

	for (int64_t now = 0; size >= 2; now += 10) {
		size_t n = (size_t)(data[0] << 8 | data[1]);
		data += 2;
		size -= 2;
		n = n < size ? n : size;
		/* In memory of its own length, so that one byte too far is seen. */
		autofree uint8_t *copy = xmalloc(n ? n : 1);
		memcpy(copy, data, n);
		data += n;
		size -= n;
		if (packet_parse(copy, n, &p) < 0)
			continue;
		check(&p, copy, n);
		if (!p.fragment)
			continue;
		total += p.payload_len;
		const uint8_t *whole = defrag_add(&d, &p, now, &whole_len);
		if (!whole)
			continue;
		FUZZ_CHECK(whole_len <= total + 40);
		if (packet_parse(whole, whole_len, &p) == 0)
			check(&p, whole, whole_len);
	}
	return 0;
}
