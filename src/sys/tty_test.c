/* The detach keys: what they match, and that they eat nothing else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/base.h"
#include "sys/tty.h"

static void feed(const char *keys, const char *in, size_t piece, const char *want, bool want_detach)
{
	struct tty_keys k = {0};
	unsigned char out[256];
	size_t n = 0, len = strlen(in);
	bool detach = false;

	int r = tty_parse_keys(keys, k.keys);
	assert_true(r >= 0);
	k.n = (size_t)r;
	for (size_t i = 0; i < len && !detach; i += piece)
		n += tty_keys_filter(&k, (const unsigned char *)in + i,
				     len - i < piece ? len - i : piece, out + n, &detach);
	assert_int_equal(detach, want_detach);
	assert_int_equal(n, strlen(want));
	assert_memory_equal(out, want, n);
}

static void detach_keys(void **state)
{
	for (size_t piece = 1; piece < 5; piece++) {
		feed("ctrl-p,ctrl-q", "ab\x10\x11zz", piece, "ab", true);
		feed("ctrl-p,ctrl-q",
		     "a\x10"
		     "b",
		     piece,
		     "a\x10"
		     "b",
		     false);
		feed("ctrl-p,ctrl-q", "\x10\x10\x11", piece, "\x10", true);
		feed("a,a,b", "aaab", piece, "a", true);
		feed("a,b,a,c", "ababac", piece, "ab", true);
		feed("", "\x10\x11", piece, "\x10\x11", false);
	}
}

static void bad_keys(void **state)
{
	unsigned char k[16];

	assert_int_equal(tty_parse_keys("ctrl-", k), -EINVAL);
	assert_int_equal(tty_parse_keys("ctrl-1", k), -EINVAL);
	assert_int_equal(tty_parse_keys("a,", k), -EINVAL);
	assert_int_equal(tty_parse_keys("ab", k), -EINVAL);
	assert_int_equal(tty_parse_keys("ctrl-[,x", k), 2);
	assert_int_equal(k[0], 27);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(detach_keys),
					   cmocka_unit_test(bad_keys)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
