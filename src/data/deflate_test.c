/* Unit tests of the compressor: what goes in comes out of inflate.h again, whatever the pieces, and the same bytes give the same stream. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/base.h"
#include "data/deflate.h"

static int take_in(void *arg, const void *p, size_t n, struct err *e)
{
	str_addn(arg, p, n);
	return 0;
}

static void compress(enum inflate_kind kind, const struct str *in, size_t piece, struct str *out)
{
	struct sink sink = {take_in, out};
	struct deflate *d;
	struct err e = {0};

	assert_int_equal(deflate_open(&d, kind, 1, &sink, &e), 0);
	for (size_t at = 0; at < in->len; at += piece)
		assert_int_equal(
			deflate_add(d, in->s + at, in->len - at < piece ? in->len - at : piece, &e),
			0);
	assert_int_equal(deflate_end(d, &e), 0);
	deflate_close(d);
}

struct bytes {
	const struct str *s;
	size_t at;
};

static ssize_t give(void *arg, void *buf, size_t n, struct err *e)
{
	struct bytes *b = arg;
	size_t left = b->s->len - b->at;

	n = n < left ? n : left;
	memcpy(buf, b->s->s + b->at, n);
	b->at += n;
	return (ssize_t)n;
}

static void expect(enum inflate_kind kind, const struct str *packed, const struct str *want)
{
	struct bytes b = {packed, 0};
	struct source src = {give, &b};
	scoped(str) got = {0};
	struct inflate *z;
	struct err e = {0};
	const void *p;
	size_t n;

	assert_int_equal(inflate_open(&z, &src, "packed", &e), 0);
	assert_int_equal(inflate_kind(z), kind);
	while (inflate_next(z, &p, &n, &e) == 0 && n)
		str_addn(&got, p, n);
	assert_int_equal(e.code, 0);
	inflate_close(z);
	assert_int_equal(got.len, want->len);
	assert_true(!want->len || !memcmp(got.s, want->s, want->len));
}

static void both_ways(void **state)
{
	static const enum inflate_kind kinds[] = {INFLATE_GZIP, INFLATE_ZSTD};
	static const size_t sizes[] = {0, 1, 100000, 3000000};
	uint32_t noise = 1;

	for (size_t k = 0; k < countof(kinds); k++) {
		for (size_t i = 0; i < countof(sizes); i++) {
			scoped(str) in = {0};
			scoped(str) whole = {0};
			scoped(str) again = {0};
			while (in.len < sizes[i]) { /* half noise, half not */
				noise = noise * 1103515245 + 12345;
				str_addc(&in, in.len % 1000 < 500 ? (char)(noise >> 24) : 'x');
			}
			compress(kinds[k], &in, 1 << 30, &whole);
			expect(kinds[k], &whole, &in);
			compress(kinds[k], &in, 1 << 30, &again);
			assert_int_equal(whole.len, again.len);
			assert_memory_equal(whole.s, again.s, whole.len);
			str_reset(&again);
			compress(kinds[k], &in, 777, &again);
			expect(kinds[k], &again, &in);
		}
	}
}

static int refuse(void *arg, const void *p, size_t n, struct err *e)
{
	return err_set(e, ENOSPC, "write");
}

static void errors_come_through(void **state)
{
	static const enum inflate_kind kinds[] = {INFLATE_GZIP, INFLATE_ZSTD};

	for (size_t k = 0; k < countof(kinds); k++) {
		struct sink sink = {refuse, NULL};
		struct deflate *d;
		struct err e = {0};
		assert_int_equal(deflate_open(&d, kinds[k], 1, &sink, &e), 0);
		int r = deflate_add(d, "x", 1, &e); /* gzip writes its header at once */
		assert_int_equal(r < 0 ? r : deflate_end(d, &e), -ENOSPC);
		deflate_close(d);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_ways),
		cmocka_unit_test(errors_come_through),
	};

	return cmocka_run_group_tests_name("deflate", tests, NULL, NULL);
}
