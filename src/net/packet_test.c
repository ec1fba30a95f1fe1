/* Unit tests of packets: what is taken apart, what is refused, what is built, and fragments. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <netinet/in.h>

#include "base/base.h"
#include "net/dgram.h"
#include "net/packet_defrag.h"

static struct packet_to to4 = {{4, {10, 88, 0, 2}}, {4, {192, 0, 2, 1}}, 1234, 53, 61, 0xb8};
static const struct packet_to to6 = {
	{6, {0xfd, [15] = 2}}, {6, {0x20, 1, 0xd, 0xb8, [15] = 1}}, 1234, 53, 61, 0xb8};

static uint8_t buf[PACKET_MAX];

/* A datagram with this body length; its length. */
static size_t datagram(const struct packet_to *to, size_t n)
{
	uint8_t head[PACKET_HEAD_MAX];

	for (size_t i = 0; i < n; i++)
		buf[i] = (uint8_t)(i * 7);
	size_t h = packet_udp_head(head, to, buf, n, true);
	assert_true(h > 0);
	memmove(buf + h, buf, n);
	memcpy(buf, head, h);
	return h + n;
}

static void fix4(uint8_t *p)
{
	p[10] = p[11] = 0;
	uint16_t v = packet_sum_end(packet_sum(p, (p[0] & 15) * 4U, 0));
	memcpy(p + 10, &v, 2);
}

static void datagrams(void **state)
{
	const struct packet_to *to[] = {&to4, &to6};
	struct packet p;

	for (size_t i = 0; i < 2; i++)
		for (size_t n = 0; n < 300; n++) {
			size_t len = datagram(to[i], n);
			assert_int_equal(packet_parse(buf, len, &p), 0);
			assert_true(packet_sum_right(&p));
			assert_true(ip_equal(&p.src, &to[i]->src) && ip_equal(&p.dst, &to[i]->dst));
			assert_int_equal(p.src_port, 1234);
			assert_int_equal(p.dst_port, 53);
			assert_int_equal(p.ttl, 61);
			assert_int_equal(p.tos, 0xb8);
			assert_int_equal(p.body_len, n);
			assert_ptr_equal(p.body + n, buf + len);
			assert_int_equal(p.df, i == 1);
			buf[len - 1] ^= 1;
			assert_int_equal(packet_parse(buf, len, &p), 0);
			assert_false(packet_sum_right(&p));
		}
	/* Cut off anywhere. */
	for (size_t i = 0; i < 2; i++) {
		size_t len = datagram(to[i], 40);
		for (size_t n = 0; n < len; n++)
			assert_int_equal(packet_parse(buf, n, &p), -EINVAL);
	}
	/* More was read than the packet has. */
	size_t len = datagram(&to4, 40);
	assert_int_equal(packet_parse(buf, len + 20, &p), 0);
	assert_int_equal(p.len, len);
	assert_int_equal(p.body_len, 40);
	assert_int_equal(packet_udp_head(buf, &to4, buf, 65508, false), 0);
	assert_int_equal(packet_udp_head(buf, &to4, buf, 65507, false), 28);
	assert_int_equal(packet_udp_head(buf, &to6, buf, 65528, false), 0);
}

static void lies(void **state)
{
	static const struct {
		size_t at;
		uint8_t v;
	} bad[] = {{0, 0x55}, {0, 0x44}, {0, 0x4f}, {3, 19}, {3, 27},
		   {24, 1},   {25, 7},	 {25, 60},  {21, 0}};
	struct packet p;

	for (size_t i = 0; i < countof(bad); i++) {
		size_t len = datagram(&to4, 20);
		buf[bad[i].at] = bad[i].v;
		if (bad[i].at == 21)
			buf[20] = 0; /* source port 0 */
		if ((buf[0] & 15) >= 5 && bad[i].at < 20)
			fix4(buf);
		assert_int_equal(packet_parse(buf, len, &p), -EINVAL);
	}
	size_t len = datagram(&to4, 20);
	buf[8]++; /* the header's sum is wrong */
	assert_int_equal(packet_parse(buf, len, &p), -EINVAL);
	len = datagram(&to4, 20);
	buf[26] = buf[27] = 0; /* a sum of 0: none was made */
	assert_int_equal(packet_parse(buf, len, &p), 0);
	assert_true(packet_sum_right(&p));
	len = datagram(&to6, 20);
	buf[46] = buf[47] = 0; /* in IPv6 there must be one */
	assert_int_equal(packet_parse(buf, len, &p), 0);
	assert_false(packet_sum_right(&p));
}

/* An IPv6 packet with these extension headers (chain: the first one's number) in front of a datagram. */
static size_t with_extensions(uint8_t first, const uint8_t *ext, size_t n)
{
	size_t len = datagram(&to6, 8);

	memmove(buf + 40 + n, buf + 40, len - 40);
	memcpy(buf + 40, ext, n);
	buf[6] = first;
	buf[4] = 0;
	buf[5] = (uint8_t)(len - 40 + n);
	return len + n;
}

static void extensions(void **state)
{
	static const uint8_t hop[] = {17, 0, 1, 4, 0, 0, 0, 0}, dst[] = {17, 1, 1, 12, [15] = 0},
			     both[] = {60, 0, 1, 4, 0, 0, 0, 0, 17, 0, 1, 4, 0, 0, 0, 0},
			     hop_twice[] = {0, 0, 1, 4, 0, 0, 0, 0, 17, 0, 1, 4, 0, 0, 0, 0},
			     arrived[] = {17, 2, 0, 0, [23] = 1},
			     source_route[] = {17, 2, 0, 1, [23] = 1},
			     too_long[] = {17, 9, 0, 0, 0, 0, 0, 0},
			     whole[] = {17, 0, 0, 0, 1, 2, 3, 4},
			     none[] = {59, 0, 1, 4, 0, 0, 0, 0};
	static const struct {
		uint8_t first;
		const uint8_t *p;
		size_t n;
		int want;
	} cases[] = {
		{0, hop, sizeof hop, 0},
		{60, dst, sizeof dst, 0},
		{0, both, sizeof both, 0},
		{0, hop_twice, sizeof hop_twice, -EINVAL},
		{43, arrived, sizeof arrived, 0},
		{43, source_route, sizeof source_route, -EINVAL},
		{60, too_long, sizeof too_long, -EINVAL},
		{44, whole, sizeof whole, 0}, /* RFC 6946 */
	};
	struct packet p;

	for (size_t i = 0; i < countof(cases); i++) {
		size_t len = with_extensions(cases[i].first, cases[i].p, cases[i].n);
		assert_int_equal(packet_parse(buf, len, &p), cases[i].want);
		if (cases[i].want == 0) {
			assert_int_equal(p.proto, IPPROTO_UDP);
			assert_int_equal(p.body_len, 8);
			assert_true(packet_sum_right(&p));
			assert_false(p.fragment);
		}
		for (size_t n = 0; n < len; n++)
			assert_int_equal(packet_parse(buf, n, &p), -EINVAL);
	}
	assert_int_equal(packet_parse(buf, with_extensions(0, none, sizeof none), &p), 0);
	assert_int_equal(p.proto, 59);
	/* A chain without an end. */
	uint8_t chain[8 * 20] = {0};
	for (size_t i = 0; i < sizeof chain; i += 8)
		chain[i] = 60;
	assert_int_equal(packet_parse(buf, with_extensions(60, chain, sizeof chain), &p), -EINVAL);
}

/* A bare TCP segment. */
static size_t segment(uint8_t flags, size_t body)
{
	size_t len = datagram(&to4, 12 + body);
	uint8_t *t = buf + 20;

	buf[9] = IPPROTO_TCP;
	fix4(buf);
	memcpy(t + 4, (uint8_t[]){0, 0, 0, 9, 0, 0, 0, 77, 0x50, flags, 1, 1, 0, 0, 0, 0}, 16);
	uint8_t pseudo[12] = {[9] = 6, [11] = (uint8_t)(20 + body)};
	memcpy(pseudo, buf + 12, 8);
	uint16_t v = packet_sum_end(packet_sum(t, 20 + body, packet_sum(pseudo, 12, 0)));
	memcpy(t + 16, &v, 2);
	return len;
}

static void resets(void **state)
{
	uint8_t out[PACKET_RST_MAX];
	struct packet p, r;

	assert_int_equal(packet_parse(buf, segment(TCP_SYN, 3), &p), 0);
	assert_true(packet_sum_right(&p));
	assert_int_equal(p.tcp_seq, 9);
	size_t n = packet_rst(out, &p);
	assert_int_equal(packet_parse(out, n, &r), 0);
	assert_true(packet_sum_right(&r));
	assert_int_equal(r.tcp_flags, TCP_RST | TCP_ACK);
	assert_int_equal(r.tcp_ack, 9 + 1 + 3);
	assert_int_equal(r.tcp_seq, 0);
	assert_int_equal(r.src_port, 53);
	assert_int_equal(r.dst_port, 1234);
	assert_true(ip_equal(&r.src, &p.dst) && ip_equal(&r.dst, &p.src));

	assert_int_equal(packet_parse(buf, segment(TCP_ACK, 0), &p), 0);
	assert_int_equal(packet_parse(out, packet_rst(out, &p), &r), 0);
	assert_int_equal(r.tcp_flags, TCP_RST);
	assert_int_equal(r.tcp_seq, 77);
	assert_int_equal(packet_parse(buf, segment(TCP_RST, 0), &p), 0);
	assert_int_equal(packet_rst(out, &p), 0);
	/* A header that is longer than the segment, or shorter than a header. */
	size_t len = segment(TCP_SYN, 0);
	buf[32] = 0x60;
	assert_int_equal(packet_parse(buf, len, &p), -EINVAL);
	buf[32] = 0x40;
	assert_int_equal(packet_parse(buf, len, &p), -EINVAL);
}

static void errors(void **state)
{
	uint8_t out[PACKET_ERROR_MAX], again[PACKET_ERROR_MAX];
	const struct ip gw4 = {4, {10, 88, 0, 1}}, gw6 = {6, {0xfd, [15] = 1}};
	struct packet p;

	for (size_t n = 0; n < 2000; n += 37) {
		size_t len = datagram(&to4, n);
		size_t m = packet_error(out, WHY_TOO_BIG, 1280, &gw4, buf, len);
		assert_true(m > 0 && m <= 576);
		assert_int_equal(packet_parse(out, m, &p), 0);
		assert_true(packet_sum_right(&p));
		assert_int_equal(p.icmp_type, 3);
		assert_int_equal(p.icmp_code, 4);
		assert_int_equal(p.echo_seq, 1280);
		assert_memory_equal(p.body, buf, p.body_len);
		assert_true(ip_equal(&p.src, &gw4) && ip_equal(&p.dst, &to4.src));
		/* No error about an error. */
		assert_int_equal(packet_error(again, WHY_HOST, 0, &gw4, out, m), 0);
		len = datagram(&to6, n);
		m = packet_error(out, WHY_PORT, 0, &gw6, buf, len);
		assert_true(m > 0 && m <= 1280);
		assert_int_equal(packet_parse(out, m, &p), 0);
		assert_true(packet_sum_right(&p));
		assert_int_equal(p.icmp_type, 1);
		assert_int_equal(p.icmp_code, 4);
		assert_int_equal(packet_error(again, WHY_HOST, 0, &gw6, out, m), 0);
	}
	size_t len = datagram(&to4, 10);
	assert_int_equal(packet_error(out, WHY_HOST, 0, &gw6, buf, len), 0); /* families */
	buf[16] = 224;
	assert_int_equal(packet_error(out, WHY_HOST, 0, &gw4, buf, len), 0); /* to many */
	buf[16] = 10;
	buf[7] = 1; /* a later fragment */
	assert_int_equal(packet_error(out, WHY_HOST, 0, &gw4, buf, len), 0);
	for (size_t n = 0; n < 20; n++)
		assert_int_equal(packet_error(out, WHY_HOST, 0, &gw4, buf, n), 0);
}

static void echoes(void **state)
{
	const struct packet_to *to[] = {&to4, &to6};
	uint8_t head[PACKET_HEAD_MAX];
	struct packet p;

	for (size_t i = 0; i < 2; i++)
		for (size_t n = 0; n < 100; n++) {
			memset(buf, 'e', sizeof buf);
			size_t h = packet_echo_head(head, to[i], true, buf, n);
			memcpy(buf + 1000, head, h);
			memset(buf + 1000 + h, 'e', n);
			assert_int_equal(packet_parse(buf + 1000, h + n, &p), 0);
			assert_true(packet_sum_right(&p));
			assert_int_equal(p.icmp_type, i ? 129 : 0);
			assert_int_equal(p.echo_id, 1234);
			assert_int_equal(p.echo_seq, 53);
			assert_int_equal(p.body_len, n);
		}
}

/* Cuts an IPv6 packet in pieces and puts them together. */
static void pieces(void **state)
{
	static const size_t lengths[] = {1233, 1240, 5000, 65527};
	static uint8_t piece[PACKET_MAX];
	scoped(defrag) d = {0};
	struct packet p;

	for (size_t i = 0; i < countof(lengths); i++) {
		size_t len = datagram(&to6, lengths[i]), whole_len = 0, count = 0;
		const uint8_t *whole = NULL;
		for (size_t at = 0; at < len - 40;) {
			size_t n = packet_piece6(piece, buf, len, 99, at, 1280);
			assert_true(n > 0 && n + 48 <= 1280);
			memcpy(piece + 48, buf + 40 + at, n);
			assert_int_equal(packet_parse(piece, 48 + n, &p), 0);
			assert_true(p.fragment);
			assert_null(whole);
			whole = defrag_add(&d, &p, 1, &whole_len);
			at += n;
			count++;
		}
		assert_true(count == (len - 40 + 1231) / 1232);
		assert_non_null(whole);
		assert_int_equal(packet_parse(whole, whole_len, &p), 0);
		assert_true(packet_sum_right(&p));
		assert_int_equal(p.body_len, lengths[i]);
		assert_memory_equal(p.body, buf + 48, lengths[i]);
	}
}

/* A piece of a packet of 3,000 bytes: from at on, n bytes. */
static const uint8_t *piece4(struct defrag *d, uint16_t id, size_t at, size_t n, bool more,
			     int64_t now, size_t *len)
{
	uint8_t p[4096] = {0x45};
	struct packet v;

	p[2] = (uint8_t)((20 + n) >> 8);
	p[3] = (uint8_t)(20 + n);
	p[4] = (uint8_t)(id >> 8);
	p[5] = (uint8_t)id;
	p[6] = (uint8_t)((more ? 0x20 : 0) | at / 8 >> 8);
	p[7] = (uint8_t)(at / 8);
	p[8] = 64;
	p[9] = IPPROTO_UDP;
	memcpy(p + 12, to4.src.b, 4);
	memcpy(p + 16, to4.dst.b, 4);
	fix4(p);
	memcpy(p + 20, buf + 20 + at, n);
	assert_int_equal(packet_parse(p, 20 + n, &v), 0);
	return defrag_add(d, &v, now, len);
}

static void fragments(void **state)
{
	scoped(defrag) d = {0};
	struct packet p;
	size_t n, len = datagram(&to4, 3000) - 20;

	assert_null(piece4(&d, 1, 0, 1480, true, 0, &n));
	assert_null(piece4(&d, 2, 0, 1480, true, 0, &n)); /* two at once */
	assert_null(piece4(&d, 1, 1480, 1480, true, 0, &n));
	const uint8_t *w = piece4(&d, 1, 2960, len - 2960, false, 0, &n);
	assert_non_null(w);
	assert_int_equal(packet_parse(w, n, &p), 0);
	assert_true(packet_sum_right(&p));
	assert_int_equal(p.body_len, 3000);
	/* Overlaps, holes, the end first: nothing comes of it. */
	assert_null(piece4(&d, 2, 1472, 1480, true, 0, &n));
	assert_null(piece4(&d, 2, 1480, 1480, true, 0, &n));
	assert_null(piece4(&d, 2, 2960, len - 2960, false, 0, &n));
	assert_null(piece4(&d, 3, 0, 1480, true, 0, &n));
	assert_null(piece4(&d, 3, 2960, len - 2960, false, 0, &n));
	assert_null(piece4(&d, 4, 2960, len - 2960, false, 0, &n));
	/* More packets than there are places: the oldest goes. */
	for (uint16_t i = 0; i < 100; i++)
		assert_null(piece4(&d, (uint16_t)(100 + i), 0, 1480, true, i, &n));
	assert_null(piece4(&d, 100, 1480, len - 1480, false, 100, &n));
	assert_non_null(piece4(&d, 199, 1480, len - 1480, false, 100, &n));
	assert_true(defrag_settle(&d, 200));
	assert_false(defrag_settle(&d, 99 + DEFRAG_MS));
	for (size_t i = 0; i < DEFRAG_SLOTS; i++)
		assert_null(d.v[i].buf);
}

/* One that begins many packets takes no place from another. */
static void fragments_of_two(void **state)
{
	scoped(defrag) d = {0};
	struct packet_to own = to4;
	size_t n, len = datagram(&to4, 3000) - 20;

	assert_null(piece4(&d, 1, 0, 1480, true, 0, &n));
	to4.src.b[3] ^= 1;
	for (uint16_t i = 0; i < 100; i++)
		assert_null(piece4(&d, i, 0, 1480, true, 1 + i, &n));
	to4 = own;
	assert_non_null(piece4(&d, 1, 1480, len - 1480, false, 200, &n));
}

/* Pieces that say that they lie beyond what a packet can have. */
static void beyond(void **state)
{
	struct packet p;
	size_t len = datagram(&to4, 1000);

	buf[6] = 0x1f;
	buf[7] = 0xff;
	fix4(buf);
	assert_int_equal(packet_parse(buf, len, &p), -EINVAL);
	buf[6] = 0x20; /* more to come, of no whole number of eights */
	buf[7] = 0;
	fix4(buf);
	len = datagram(&to4, 1001);
	buf[6] = 0x20;
	fix4(buf);
	assert_int_equal(packet_parse(buf, len, &p), -EINVAL);
}

static void trains(void **state)
{
	static char b[70000];
	struct train t = {.n = 0};

	assert_true(train_add(&t, b, 1000));
	assert_false(train_add(&t, b, 1001));
	assert_false(train_add(&t, b, 0));
	for (int i = 1; i < TRAIN_MAX - 1; i++)
		assert_true(train_add(&t, b, 1000));
	assert_true(train_add(&t, b, 999));
	assert_false(train_add(&t, b, 999)); /* full */
	train_clear(&t);
	assert_true(train_add(&t, b, 1000));
	assert_true(train_add(&t, b, 1));
	assert_false(train_add(&t, b, 1)); /* the shorter one was the last */
	train_clear(&t);
	assert_true(train_add(&t, b, 65507));
	assert_false(train_add(&t, b, 65507));
	train_clear(&t);
	assert_true(train_add(&t, b, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(datagrams),	    cmocka_unit_test(lies),
		cmocka_unit_test(extensions),	    cmocka_unit_test(resets),
		cmocka_unit_test(errors),	    cmocka_unit_test(echoes),
		cmocka_unit_test(pieces),	    cmocka_unit_test(fragments),
		cmocka_unit_test(beyond),	    cmocka_unit_test(trains),
		cmocka_unit_test(fragments_of_two),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
