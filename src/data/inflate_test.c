/* Unit tests of hashing, digests and the decompressors. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/base.h"
#include "data/hash.h"
#include "data/inflate.h"
#include "data/tar_make.h"

/* "hello\n" in each format */
static const uint8_t gz[] = {0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02,
			     0x03, 0xcb, 0x48, 0xcd, 0xc9, 0xc9, 0xe7, 0x02, 0x00,
			     0x20, 0x30, 0x3a, 0x36, 0x06, 0x00, 0x00, 0x00};
static const uint8_t zst[] = {0x28, 0xb5, 0x2f, 0xfd, 0x04, 0x58, 0x31, 0x00, 0x00, 0x68,
			      0x65, 0x6c, 0x6c, 0x6f, 0x0a, 0x53, 0x88, 0xbd, 0x91};
static const uint8_t xz[] = {0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00, 0x00, 0x04, 0xe6, 0xd6, 0xb4,
			     0x46, 0x02, 0x00, 0x21, 0x01, 0x16, 0x00, 0x00, 0x00, 0x74, 0x2f,
			     0xe5, 0xa3, 0x01, 0x00, 0x05, 0x68, 0x65, 0x6c, 0x6c, 0x6f, 0x0a,
			     0x00, 0x00, 0x00, 0xa5, 0x60, 0x97, 0xf1, 0x94, 0xf6, 0xfd, 0xe0,
			     0x00, 0x01, 0x1e, 0x06, 0xc1, 0x2f, 0xa4, 0x1d, 0x1f, 0xb6, 0xf3,
			     0x7d, 0x01, 0x00, 0x00, 0x00, 0x00, 0x04, 0x59, 0x5a};
static const uint8_t bz[] = {0x42, 0x5a, 0x68, 0x39, 0x31, 0x41, 0x59, 0x26, 0x53, 0x59, 0xc1,
			     0xc0, 0x80, 0xe2, 0x00, 0x00, 0x01, 0x41, 0x00, 0x00, 0x10, 0x02,
			     0x44, 0xa0, 0x00, 0x30, 0xcd, 0x00, 0xc3, 0x46, 0x29, 0x97, 0x17,
			     0x72, 0x45, 0x38, 0x50, 0x90, 0xc1, 0xc0, 0x80, 0xe2};

static const struct {
	const uint8_t *p;
	size_t n;
	enum inflate_kind kind;
} formats[] = {{gz, sizeof gz, INFLATE_GZIP},
	       {zst, sizeof zst, INFLATE_ZSTD},
	       {xz, sizeof xz, INFLATE_XZ},
	       {bz, sizeof bz, INFLATE_BZIP2}};

struct bytes {
	const char *p;
	size_t n, piece;
};

static ssize_t bytes_read(void *arg, void *buf, size_t n, struct err *e)
{
	struct bytes *b = arg;

	n = n < b->piece ? n : b->piece;
	n = n < b->n ? n : b->n;
	memcpy(buf, b->p, n);
	b->p += n;
	b->n -= n;
	return (ssize_t)n;
}

static int inflate_all(const void *p, size_t n, size_t piece, struct str *out, struct err *e)
{
	struct bytes b = {p, n, piece};
	struct source src = {bytes_read, &b};
	struct inflate *z;
	const void *q;
	size_t k = 0;

	*e = (struct err){0};
	str_reset(out);
	int r = inflate_open(&z, &src, "input", e);
	if (r < 0)
		return r;
	while ((r = inflate_next(z, &q, &k, e)) == 0 && k)
		str_addn(out, q, k);
	if (r == 0) {
		assert_int_equal(inflate_taken(z), n);
		assert_int_equal(inflate_next(z, &q, &k, e), 0); /* the end stays the end */
		assert_int_equal(k, 0);
	}
	inflate_close(z);
	return r;
}

static void each_format(void **state)
{
	scoped(str) out = {0};
	struct err e;

	for (size_t i = 0; i < countof(formats); i++) {
		assert_int_equal(inflate_sniff(formats[i].p, formats[i].n), formats[i].kind);
		for (size_t piece = 1; piece < 100; piece += 98) {
			if (inflate_all(formats[i].p, formats[i].n, piece, &out, &e) < 0)
				fail_msg("%s", e.msg);
			assert_string_equal(str_cstr(&out), "hello\n");
		}
	}
}

static void plain(void **state)
{
	scoped(str) out = {0};
	struct err e;

	assert_int_equal(inflate_all("", 0, 10, &out, &e), 0);
	assert_int_equal(out.len, 0);
	assert_int_equal(inflate_all("abc", 3, 1, &out, &e), 0);
	assert_string_equal(out.s, "abc");
	assert_int_equal(inflate_all("abcdefghijkl", 12, 5, &out, &e), 0);
	assert_string_equal(out.s, "abcdefghijkl");
}

static void cut_off(void **state)
{
	scoped(str) out = {0};
	struct err e;

	for (size_t i = 0; i < countof(formats); i++)
		for (size_t n = 6; n < formats[i].n; n++) {
			if (inflate_all(formats[i].p, n, 1000, &out, &e) == 0)
				fail_msg("%s of %zu bytes passes",
					 inflate_kind_name(formats[i].kind), n);
			assert_int_equal(e.id, ERR_ARCHIVE);
		}
}

static void corrupt(void **state)
{
	scoped(str) in = {0};
	scoped(str) out = {0};
	struct err e;

	for (size_t i = 0; i < countof(formats); i++) {
		str_reset(&in);
		str_addn(&in, formats[i].p, formats[i].n);
		size_t at = formats[i].kind == INFLATE_GZIP ? 20 : in.len - (i == 1 ? 2 : 5);
		if (formats[i].kind == INFLATE_BZIP2)
			at = 20;
		in.s[at] ^= 0x55;
		if (inflate_all(in.s, in.len, 1000, &out, &e) == 0)
			fail_msg("corrupt %s passes", inflate_kind_name(formats[i].kind));
		assert_int_equal(e.id, ERR_ARCHIVE);
	}
}

static void joined(void **state)
{
	scoped(str) in = {0};
	scoped(str) out = {0};
	struct err e;

	for (size_t i = 0; i < countof(formats); i++) {
		str_reset(&in);
		str_addn(&in, formats[i].p, formats[i].n);
		str_addn(&in, formats[i].p, formats[i].n);
		for (size_t piece = 1; piece < 100; piece += 98) {
			if (inflate_all(in.s, in.len, piece, &out, &e) < 0)
				fail_msg("%s: %s", inflate_kind_name(formats[i].kind), e.msg);
			assert_string_equal(str_cstr(&out), "hello\nhello\n");
		}
	}
}

static void behind_gzip(void **state)
{
	scoped(str) in = {0};
	scoped(str) out = {0};
	struct err e;

	str_addn(&in, gz, sizeof gz);
	str_addn(&in, "\0\0\0", 3);
	assert_int_equal(inflate_all(in.s, in.len, 1000, &out, &e), 0);
	assert_string_equal(out.s, "hello\n");
	str_addc(&in, 'x');
	assert_int_equal(inflate_all(in.s, in.len, 1000, &out, &e), -EINVAL);
	in.len = sizeof gz;
	str_add(&in, "garbage");
	assert_int_equal(inflate_all(in.s, in.len, 1, &out, &e), -EINVAL);
	in.len = sizeof gz;
	str_add(&in, "\x1f!");
	assert_int_equal(inflate_all(in.s, in.len, 1000, &out, &e), -EINVAL);
}

/* More than all buffers hold, in members of odd sizes. */
static void large(void **state)
{
	scoped(str) data = {0};
	scoped(str) in = {0};
	scoped(str) out = {0};
	struct err e;

	for (int i = 0; i < 200000; i++)
		str_addf(&data, "line %d\n", i);
	for (size_t at = 0, n = 1; at < data.len; at += n, n = n * 3 + 1) {
		if (n > data.len - at)
			n = data.len - at;
		mk_gzip(&in, data.s + at, n);
	}
	assert_int_equal(inflate_all(in.s, in.len, 1 << 20, &out, &e), 0);
	assert_int_equal(out.len, data.len);
	assert_memory_equal(out.s, data.s, data.len);
	assert_int_equal(inflate_all(in.s, in.len, 4099, &out, &e), 0);
	assert_memory_equal(out.s, data.s, data.len);
	in.s[in.len - 1] ^= 1; /* the length in the trailer */
	assert_int_equal(inflate_all(in.s, in.len, 4099, &out, &e), -EINVAL);
	in.s[in.len - 1] ^= 1;
	in.s[in.len - 5] ^= 1; /* the checksum */
	assert_int_equal(inflate_all(in.s, in.len, 4099, &out, &e), -EINVAL);
}

static void zstd_window(void **state)
{
	static const uint8_t two_gib[] = {0x28, 0xb5, 0x2f, 0xfd, 0x00, 21 << 3, 1, 0, 0};
	static const uint8_t mib128[] = {0x28, 0xb5, 0x2f, 0xfd, 0x00, 17 << 3, 1, 0, 0};
	static const uint8_t skippable[] = {0x5f, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 'a', 'b', 'c'};
	scoped(str) in = {0};
	scoped(str) out = {0};
	struct err e;

	assert_int_equal(inflate_all(two_gib, sizeof two_gib, 100, &out, &e), -EINVAL);
	assert_int_equal(inflate_all(mib128, sizeof mib128, 100, &out, &e), 0);
	str_addn(&in, skippable, sizeof skippable);
	str_addn(&in, zst, sizeof zst);
	str_addn(&in, skippable, sizeof skippable);
	assert_int_equal(inflate_all(in.s, in.len, 100, &out, &e), 0);
	assert_string_equal(out.s, "hello\n");
}

static ssize_t failing_read(void *arg, void *buf, size_t n, struct err *e)
{
	struct bytes *b = arg;

	return b->n ? bytes_read(arg, buf, n, e) : err_set(e, EIO, "read the thing");
}

static void source_errors_pass(void **state)
{
	for (size_t i = 0; i < countof(formats); i++) {
		struct bytes b = {(const char *)formats[i].p, formats[i].n - 8, 1000};
		struct source src = {failing_read, &b};
		struct inflate *z = NULL;
		struct err e = {0};
		const void *p;
		size_t n = 1;
		int r = inflate_open(&z, &src, "input", &e);
		while (r == 0 && n)
			r = inflate_next(z, &p, &n, &e);
		assert_int_equal(r, -EIO);
		assert_non_null(strstr(e.msg, "read the thing"));
		inflate_close(z);
	}
}

static void zlib_alone(void **state)
{
	inflate_test_no_isal(true);
	each_format(state);
	cut_off(state);
	corrupt(state);
	joined(state);
	behind_gzip(state);
	large(state);
	source_errors_pass(state);
	inflate_test_no_isal(false);
}

static void pieces_of_files(void **state)
{
	char name[] = "/tmp/hoy-inflate-XXXXXX", buf[20];
	int fd = mkstemp(name);
	struct err e = {0};

	unlink(name);
	assert_int_equal(fd_write_all(fd, "0123456789", 10), 0);
	struct source_fd s = {fd, "piece", 2, 3};
	struct source src = source_from_fd(&s);
	assert_int_equal(src.read(src.arg, buf, sizeof buf, &e), 3);
	assert_memory_equal(buf, "234", 3);
	assert_int_equal(src.read(src.arg, buf, sizeof buf, &e), 0);
	s = (struct source_fd){fd, "piece", 8, 10};
	assert_int_equal(src.read(src.arg, buf, sizeof buf, &e), 2);
	assert_int_equal(src.read(src.arg, buf, sizeof buf, &e), -EINVAL);
	assert_string_equal(e.msg, "piece is cut off: 8 bytes are missing");
	lseek(fd, 9, SEEK_SET);
	s = (struct source_fd){fd, "rest", -1, UINT64_MAX};
	assert_int_equal(src.read(src.arg, buf, sizeof buf, &e), 1);
	assert_int_equal(src.read(src.arg, buf, sizeof buf, &e), 0);
	close(fd);
}

static void hashes(void **state)
{
	struct digest d, f;
	struct err e = {0};
	char buf[DIGEST_STR];

	assert_int_equal(hash_bytes("abc", 3, &d, &e), 0);
	assert_string_equal(
		digest_str(&d, buf),
		"sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	assert_int_equal(digest_parse(buf, &f, &e), 0);
	assert_true(digest_eq(&d, &f));
	assert_true(digest_known(&d));
}

static void digests_refused(void **state)
{
	static const char hex[] =
		"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
	static const char *const bad[] = {
		"",
		"sha256:",
		"sha256:../x",
		"sha512:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
		"SHA256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
		"sha256:BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD",
		"sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015a",
		"sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad0",
		"sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015a/",
		"sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\n",
		" sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
		hex,
	};
	struct digest d;
	struct err e = {0};

	for (size_t i = 0; i < countof(bad); i++) {
		assert_int_equal(digest_parse(bad[i], &d, &e), -EINVAL);
		assert_int_equal(e.id, ERR_DIGEST);
	}
	assert_int_equal(digest_parse_hex(hex, &d, &e), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_format),
		cmocka_unit_test(plain),
		cmocka_unit_test(cut_off),
		cmocka_unit_test(corrupt),
		cmocka_unit_test(joined),
		cmocka_unit_test(behind_gzip),
		cmocka_unit_test(large),
		cmocka_unit_test(zstd_window),
		cmocka_unit_test(source_errors_pass),
		cmocka_unit_test(zlib_alone),
		cmocka_unit_test(pieces_of_files),
		cmocka_unit_test(hashes),
		cmocka_unit_test(digests_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
