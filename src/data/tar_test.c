/* Unit tests of the tar parser: every archive is fed whole and in pieces of 1, 7 and 511 bytes; all must say the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/base.h"
#include "data/tar.h"
#include "data/tar_make.h"
#include "data/tar_write.h"

struct log {
	struct str text;
	const char *skip; /* the entry to skip */
};

static int on_entry(void *arg, const struct tar_entry *t, struct err *e)
{
	struct log *l = arg;

	str_addf(&l->text, "%c %s", "fhscbdp"[t->type], t -> path);
	if (t->link)
		str_addf(&l->text, " -> %s", t->link);
	str_addf(&l->text, " %o %" PRIu64 ":%" PRIu64 " %" PRIu64 " @%lld.%09ld", t->mode, t->uid,
		 t->gid, t->size, (long long)t->mtime.tv_sec, t->mtime.tv_nsec);
	for (size_t i = 0; i < t->nxattrs; i++) {
		str_addf(&l->text, " %s=", t->xattrs[i].name);
		str_add_escaped(&l->text, t->xattrs[i].value, t->xattrs[i].len);
	}
	str_addc(&l->text, '\n');
	return str_eq(l->skip, t->path) ? TAR_SKIP : 0;
}

static int on_data(void *arg, uint64_t offset, const void *p, size_t n, struct err *e)
{
	struct log *l = arg;
	const char *s = p;

	for (size_t i = 0; i < n; i++) /* so that the pieces do not matter */
		str_addf(&l->text, "[%" PRIu64 "]%c", offset + i, s[i]);
	return 0;
}

static int on_end(void *arg, struct err *e)
{
	struct log *l = arg;

	str_add(&l->text, "end\n");
	return 0;
}

static const struct tar_ops ops = {on_entry, on_data, on_end};

static int parse(const struct str *in, size_t piece, struct log *l, struct err *e)
{
	struct tar *t = tar_new(&ops, l);
	int r = 0;

	for (size_t at = 0; at < in->len && r == 0; at += piece)
		r = tar_feed(t, in->s + at, in->len - at < piece ? in->len - at : piece, e);
	if (r == 0)
		r = tar_finish(t, e);
	tar_free(t);
	return r;
}

static void expect_skip(const struct str *in, const char *want, const char *skip)
{
	static const size_t pieces[] = {1 << 30, 1, 7, 511};

	for (size_t i = 0; i < countof(pieces); i++) {
		struct log l = {.skip = skip};
		struct err e = {0};
		int r = parse(in, pieces[i], &l, &e);
		if (r < 0)
			fail_msg("%s", e.msg);
		assert_string_equal(str_cstr(&l.text), want);
		str_free(&l.text);
	}
}

static void expect(const struct str *in, const char *want)
{
	expect_skip(in, want, NULL);
}

static void refused(const struct str *in, const char *why)
{
	static const size_t pieces[] = {1 << 30, 1, 511};

	for (size_t i = 0; i < countof(pieces); i++) {
		struct log l = {0};
		struct err e = {0};
		assert_int_equal(parse(in, pieces[i], &l, &e), -EINVAL);
		assert_int_equal(e.id, ERR_ARCHIVE);
		if (!strstr(e.msg, why))
			fail_msg("\"%s\" does not say \"%s\"", e.msg, why);
		str_free(&l.text);
	}
}

static void plain_entries(void **state)
{
	scoped(str) s = {0};
	uint8_t h[512];

	mk_dir(&s, "d/");
	mk_file(&s, "d/f", "hi");
	mk_symlink(&s, "d/l", "../x");
	mk_hardlink(&s, "d/h", "d/f");
	mk_owned(&s, '6', "p", NULL, 0600, 7, 8, NULL);
	mk_fields(h, '3', "c", NULL, 0);
	mk_octal(h + 329, 8, 1);
	mk_header(&s, h);
	mk_fields(h, 0, "old/", NULL, 0);
	mk_header(&s, h);
	mk_end(&s);
	str_add(&s, "what follows the end does not matter");
	expect(&s, "d d/ 755 0:0 0 @1700000000.000000000\nend\n"
		   "f d/f 644 0:0 2 @1700000000.000000000\n[0]h[1]iend\n"
		   "s d/l -> ../x 777 0:0 0 @1700000000.000000000\nend\n"
		   "h d/h -> d/f 644 0:0 0 @1700000000.000000000\nend\n"
		   "p p 600 7:8 0 @1700000000.000000000\nend\n"
		   "c c 644 0:0 0 @1700000000.000000000\nend\n"
		   "d old/ 644 0:0 0 @1700000000.000000000\nend\n");
}

static void names(void **state)
{
	scoped(str) s = {0};
	scoped(str) want = {0};
	uint8_t h[512];
	char longer[301];

	memset(longer, 'n', 300);
	longer[300] = 0;
	mk_extra(&s, 'L', longer, 301);
	mk_extra(&s, 'K', "target", 7);
	mk_symlink(&s, "short", "t");
	mk_symlink(&s, "next", "t"); /* long names speak of one entry only */
	mk_fields(h, '0', "file", NULL, 0);
	mk_text(h + 345, 155, "pre/fix");
	mk_header(&s, h);
	mk_fields(h, '0', "", NULL, 0);
	memset(h, 'a', 100); /* a full field has no NUL */
	mk_header(&s, h);
	mk_pax(&s, "path", "from/pax");
	mk_file(&s, "ignored", "");
	str_addf(&want, "s %s -> target 777 0:0 0 @1700000000.000000000\nend\n", longer);
	str_add(&want, "s next -> t 777 0:0 0 @1700000000.000000000\nend\n"
		       "f pre/fix/file 644 0:0 0 @1700000000.000000000\nend\nf ");
	for (int i = 0; i < 100; i++)
		str_addc(&want, 'a');
	str_add(&want, " 644 0:0 0 @1700000000.000000000\nend\n"
		       "f from/pax 644 0:0 0 @1700000000.000000000\nend\n");
	expect(&s, str_cstr(&want));
}

static void numbers(void **state)
{
	scoped(str) s = {0};
	uint8_t h[512];

	mk_fields(h, '0', "big", NULL, 0);
	memcpy(h + 108, "\x80\0\0\0\x00\x98\x96\x80", 8); /* uid 10000000 */
	memcpy(h + 136, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xfe",
	       12); /* 2 s before 1970 */
	mk_header(&s, h);
	scoped(str) body = {0};
	mk_record(&body, "uid", "4294967295", 10);
	mk_record(&body, "gid", "70000", 5);
	mk_record(&body, "mtime", "-1.25", 5);
	mk_record(&body, "size", "3", 1);
	mk_record(&body, "comment", "a\0b", 3);
	mk_extra(&s, 'x', body.s, body.len);
	mk_fields(h, '0', "pax", NULL, 999999);
	mk_header(&s, h);
	mk_data(&s, "abc", 3);
	expect(&s, "f big 644 10000000:0 0 @-2.000000000\nend\n"
		   "f pax 644 4294967295:70000 3 @-2.750000000\n[0]a[1]b[2]cend\n");
}

static void xattrs(void **state)
{
	scoped(str) s = {0};
	scoped(str) body = {0};

	mk_record(&body, "SCHILY.xattr.user.a", "x\0y", 3);
	mk_record(&body, "LIBARCHIVE.xattr.user.%62%3d", "aGVsbG8", 7);
	mk_record(&body, "SCHILY.xattr.user.empty", "", 0);
	mk_extra(&s, 'x', body.s, body.len);
	mk_file(&s, "f", "");
	mk_file(&s, "g", "");
	expect(&s,
	       "f f 644 0:0 0 @1700000000.000000000 user.a=x\\x00y user.b==hello user.empty=\nend\n"
	       "f g 644 0:0 0 @1700000000.000000000\nend\n");
}

static void global_headers_change_nothing(void **state)
{
	scoped(str) s = {0};
	scoped(str) body = {0};

	mk_record(&body, "path", "evil", 4);
	mk_record(&body, "comment", "0123", 4);
	mk_extra(&s, 'g', body.s, body.len);
	mk_file(&s, "f", "");
	expect(&s, "f f 644 0:0 0 @1700000000.000000000\nend\n");
}

static void sparse_old(void **state)
{
	scoped(str) s = {0};
	uint8_t h[512], x[512] = {0};

	mk_fields(h, 'S', "s", NULL, 5);
	memcpy(h + 257, "ustar  ", 8);
	for (int i = 0; i < 4; i++) {
		mk_octal(h + 386 + 24 * i, 12, (uint64_t)i * 100);
		mk_octal(h + 398 + 24 * i, 12, 1);
	}
	h[482] = 1;
	mk_octal(h + 483, 12, 1000);
	mk_header(&s, h);
	mk_octal(x, 12, 500);
	mk_octal(x + 12, 12, 1);
	mk_octal(x + 24, 12, 1000);
	mk_octal(x + 36, 12, 0);
	str_addn(&s, x, sizeof x);
	mk_data(&s, "abcde", 5);
	mk_file(&s, "t", "");
	expect(&s, "f s 644 0:0 1000 @1700000000.000000000\n[0]a[100]b[200]c[300]d[500]eend\n"
		   "f t 644 0:0 0 @1700000000.000000000\nend\n");
}

static void sparse_pax(void **state)
{
	scoped(str) s = {0};
	scoped(str) body = {0};
	uint8_t h[512];

	mk_record(&body, "GNU.sparse.size", "50", 2);
	mk_record(&body, "GNU.sparse.numblocks", "2", 1);
	mk_record(&body, "GNU.sparse.offset", "10", 2);
	mk_record(&body, "GNU.sparse.numbytes", "2", 1);
	mk_record(&body, "GNU.sparse.offset", "40", 2);
	mk_record(&body, "GNU.sparse.numbytes", "1", 1);
	mk_extra(&s, 'x', body.s, body.len);
	mk_file(&s, "v00", "abc");
	str_reset(&body);
	mk_record(&body, "GNU.sparse.size", "50", 2);
	mk_record(&body, "GNU.sparse.name", "v01", 3);
	mk_record(&body, "GNU.sparse.map", "10,2,40,1", 9);
	mk_extra(&s, 'x', body.s, body.len);
	mk_file(&s, "GNUSparseFile.1/v01", "abc");
	str_reset(&body);
	mk_record(&body, "GNU.sparse.major", "1", 1);
	mk_record(&body, "GNU.sparse.minor", "0", 1);
	mk_record(&body, "GNU.sparse.name", "v10", 3);
	mk_record(&body, "GNU.sparse.realsize", "50", 2);
	mk_extra(&s, 'x', body.s, body.len);
	mk_fields(h, '0', "GNUSparseFile.1/v10", NULL, 512 + 3);
	mk_header(&s, h);
	mk_data(&s, "2\n10\n2\n40\n1\n", 12);
	mk_data(&s, "abc", 3);
	mk_extra(&s, 'x', body.s, body.len);
	mk_fields(h, '0', "all hole", NULL, 512);
	mk_header(&s, h);
	mk_data(&s, "0\n", 2);
	expect(&s, "f v00 644 0:0 50 @1700000000.000000000\n[10]a[11]b[40]cend\n"
		   "f v01 644 0:0 50 @1700000000.000000000\n[10]a[11]b[40]cend\n"
		   "f v10 644 0:0 50 @1700000000.000000000\n[10]a[11]b[40]cend\n"
		   "f v10 644 0:0 50 @1700000000.000000000\nend\n");
}

static void skipping(void **state)
{
	scoped(str) s = {0};
	struct log l = {.skip = "a"};
	struct err e = {0};

	mk_file(&s, "a", "0123456789");
	mk_file(&s, "b", "x");
	expect_skip(&s,
		    "f a 644 0:0 10 @1700000000.000000000\n"
		    "f b 644 0:0 1 @1700000000.000000000\n[0]xend\n",
		    "a");
	/* who can seek leaves the data out */
	struct tar *t = tar_new(&ops, &l);
	assert_int_equal(tar_feed(t, s.s, 512, &e), 0);
	assert_int_equal(tar_skippable(t), 512);
	tar_skipped(t, 512);
	assert_int_equal(tar_skippable(t), 0);
	assert_int_equal(tar_feed(t, s.s + 1024, s.len - 1024, &e), 0);
	assert_int_equal(tar_finish(t, &e), 0);
	assert_non_null(strstr(l.text.s, "[0]xend"));
	tar_free(t);
	str_free(&l.text);
}

static void ends(void **state)
{
	scoped(str) s = {0};
	char zero[512] = {0};

	expect(&s, "");
	str_addn(&s, zero, 512);
	expect(&s, ""); /* one zero block and the end of the file */
	mk_file(&s, "f", "");
	refused(&s, "corrupt");
	str_reset(&s);
	mk_file(&s, "f", "data");
	s.len -= 510;
	refused(&s, "cut off inside f");
	str_reset(&s);
	mk_file(&s, "f", "data");
	str_add(&s, "half a header");
	refused(&s, "cut off");
	str_reset(&s);
	mk_pax(&s, "path", "x");
	refused(&s, "cut off");
	mk_end(&s);
	refused(&s, "ends behind");
}

static void not_tar(void **state)
{
	scoped(str) s = {0};
	uint8_t h[512];

	for (int i = 0; i < 100; i++)
		str_add(&s, "this is text. ");
	refused(&s, "no tar archive");
	str_reset(&s);
	mk_file(&s, "ok", "");
	mk_file(&s, "bad", "");
	s.s[512 + 3] ^= 1;
	refused(&s, "header at byte 512 is corrupt");
	str_reset(&s);
	mk_fields(h, '0', "f", NULL, 0);
	memcpy(h + 124, "12x45678901", 12);
	mk_header(&s, h);
	refused(&s, "its size is no number");
	str_reset(&s);
	mk_fields(h, '0', "f", NULL, 0);
	memset(h + 124, 0xff, 12);
	mk_header(&s, h);
	refused(&s, "its size is no number");
	str_reset(&s);
	mk_fields(h, '~', "f", NULL, 0);
	mk_header(&s, h);
	refused(&s, "unknown type");
	str_reset(&s);
	mk_fields(h, '0', "", NULL, 0);
	mk_header(&s, h);
	refused(&s, "no name");
	str_reset(&s);
	mk_symlink(&s, "l", "");
	refused(&s, "link to nothing");
}

static void pax_refused(const char *body, size_t n, const char *why)
{
	scoped(str) s = {0};

	mk_extra(&s, 'x', body, n);
	mk_file(&s, "f", "");
	refused(&s, why);
}

static void hostile_pax(void **state)
{
	static const char *const malformed[] = {
		"6 path\n", "0 a=b\n", "1000000000000000000 a=b\n",
		"99 a=b\n", "a=b\n",   "-6 a=b\n",
		"6 a=b ",   "3 \n",    "5 =a\n",
	};
	static const char *const values[][2] = {
		{"size", "-1"},
		{"size", "99999999999999999999"},
		{"uid", "root"},
		{"mtime", "1e9"},
		{"mtime", "1.2.3"},
		{"LIBARCHIVE.xattr.user.a", "!!!!"},
		{"LIBARCHIVE.xattr.", "aGk="},
		{"LIBARCHIVE.xattr.%0", "aGk="},
		{"LIBARCHIVE.xattr.a%00b", "aGk="},
		{"SCHILY.xattr.", "d"},
		{"GNU.sparse.map", "1"},
		{"GNU.sparse.map", ",,,"},
		{"GNU.sparse.numbytes", "5"},
		{"GNU.sparse.name", ""},
	};
	scoped(str) s = {0};

	for (size_t i = 0; i < countof(malformed); i++)
		pax_refused(malformed[i], strlen(malformed[i]), "pax header");
	for (size_t i = 0; i < countof(values); i++) {
		str_reset(&s);
		mk_pax(&s, values[i][0], values[i][1]);
		mk_file(&s, "f", "");
		refused(&s, "not allowed");
	}
	str_reset(&s);
	mk_record(&s, "path", "a\0b", 3);
	pax_refused(s.s, s.len, "not allowed");
	str_reset(&s);
	mk_pax(&s, "path", "a");
	mk_pax(&s, "path", "b");
	mk_file(&s, "f", "");
	refused(&s, "repeats");
}

static void hostile_sizes(void **state)
{
	scoped(str) s = {0};
	scoped(str) big = {0};
	uint8_t h[512];

	mk_fields(h, 'x', "x", NULL, (1 << 20) + 1);
	mk_header(&s, h);
	refused(&s, "announces more than");
	str_reset(&s);
	mk_fields(h, 'L', "x", NULL, 1 << 30);
	mk_header(&s, h);
	refused(&s, "announces more than");
	str_reset(&s);
	str_reserve(&big, 5000);
	memset(big.s, 'p', 5000);
	big.s[5000] = 0;
	mk_pax(&s, "path", big.s);
	mk_file(&s, "f", "");
	refused(&s, "more than 4096 bytes");
	str_reset(&s);
	str_reset(&big);
	for (int i = 0; i < 70000; i++)
		str_addf(&big, "%s%d,0", i ? "," : "", i);
	mk_pax(&s, "GNU.sparse.map", big.s);
	mk_file(&s, "f", "");
	refused(&s, "not allowed");
	str_reset(&s);
	str_reset(&big);
	for (int i = 0; i < 2000; i++)
		mk_record(&big, "SCHILY.xattr.user.a", "", 0);
	mk_extra(&s, 'x', big.s, big.len);
	mk_file(&s, "f", "");
	refused(&s, "more than 1024 xattrs");
}

static void sparse_refused(const char *map, const char *size, const char *why)
{
	scoped(str) s = {0};
	scoped(str) body = {0};

	mk_record(&body, "GNU.sparse.size", size, strlen(size));
	mk_record(&body, "GNU.sparse.map", map, strlen(map));
	mk_extra(&s, 'x', body.s, body.len);
	mk_file(&s, "f", "abc");
	refused(&s, why);
}

static void hostile_sparse(void **state)
{
	scoped(str) s = {0};
	scoped(str) body = {0};
	uint8_t h[512];

	sparse_refused("0,3", "2", "does not fit");
	sparse_refused("0,2", "50", "does not fit");
	sparse_refused("10,1,5,2", "50", "does not fit"); /* backwards */
	sparse_refused("9223372036854775807,9223372036854775807", "50", "does not fit");
	sparse_refused("0,9223372036854775807,9223372036854775807,9223372036854775807", "50",
		       "does not fit");
	mk_pax(&s, "GNU.sparse.major", "1");
	mk_file(&s, "f", "2\n");
	refused(&s, "incomplete");
	mk_record(&body, "GNU.sparse.major", "1", 1);
	mk_record(&body, "GNU.sparse.realsize", "50", 2);
	static const char *const maps[][2] = {{"1000000\n", "too many"},
					      {"x\n", "no list of numbers"},
					      {"1\n\n", "no list of numbers"},
					      {"1\n1234567890123456789\n", "too large"},
					      {"1\n3", "cut off"}};
	for (size_t i = 0; i < countof(maps); i++) {
		str_reset(&s);
		mk_extra(&s, 'x', body.s, body.len);
		mk_fields(h, '0', "f", NULL, strlen(maps[i][0]));
		mk_header(&s, h);
		mk_data(&s, maps[i][0], strlen(maps[i][0]));
		refused(&s, maps[i][1]);
	}
	str_reset(&s);
	mk_extra(&s, 'x', body.s, body.len);
	mk_file(&s, "f", "");
	refused(&s, "missing");
}

/* What is written is what is read again, in a ustar header where it fits and a pax header where not. */
static void written(void **state)
{
	static const struct tar_xattr xattr = {"user.x", "a\0b", 3};
	scoped(str) s = {0};
	scoped(str) name = {0};
	scoped(str) want = {0};
	struct tar_entry t = {.type = TAR_DIR, .path = "d/", .mode = 01755};

	tar_write_header(&s, &t);
	str_add(&want, "d d/ 1755 0:0 0 @0.000000000\nend\n");
	assert_int_equal(s.len, 512);
	for (size_t n = 98; n < 104; n++) { /* around the end of the name field */
		str_reset(&name);
		for (size_t i = 0; i < n; i++)
			str_addc(&name, 'n');
		t = (struct tar_entry){.type = TAR_FILE, .path = name.s, .mode = 0644};
		tar_write_header(&s, &t);
		str_addf(&want, "f %s 644 0:0 0 @0.000000000\nend\n", name.s);
	}
	str_reset(&name);
	for (size_t i = 0; i < 40; i++)
		str_add(&name, "dir/");
	size_t before = s.len;
	t = (struct tar_entry){.type = TAR_SYMLINK, .path = name.s, .link = name.s, .mode = 0777};
	t.path = name.s;
	tar_write_header(&s, &t);
	assert_int_equal(s.len - before, 3 * 512); /* the link needs pax, the name does not */
	str_addf(&want, "s %s -> %s 777 0:0 0 @0.000000000\nend\n", name.s, name.s);
	t = (struct tar_entry){.type = TAR_FILE,
			       .path = "big",
			       .size = (uint64_t)1 << 40,
			       .uid = 1 << 30,
			       .gid = 1 << 29,
			       .mtime = {-2, 750000000},
			       .xattrs = &xattr,
			       .nxattrs = 1};
	tar_write_header(&s, &t);
	struct log l = {.skip = "big"};
	struct err e = {0};
	assert_int_equal(parse(&s, 1 << 30, &l, &e), -EINVAL); /* its data is missing */
	str_addf(&want, "f big 0 %d:%d %" PRIu64 " @-2.750000000 user.x=a\\x00b\n", 1 << 30,
		 1 << 29, (uint64_t)1 << 40);
	assert_string_equal(l.text.s, want.s);
	str_free(&l.text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_entries),
		cmocka_unit_test(names),
		cmocka_unit_test(numbers),
		cmocka_unit_test(xattrs),
		cmocka_unit_test(global_headers_change_nothing),
		cmocka_unit_test(sparse_old),
		cmocka_unit_test(sparse_pax),
		cmocka_unit_test(skipping),
		cmocka_unit_test(ends),
		cmocka_unit_test(not_tar),
		cmocka_unit_test(hostile_pax),
		cmocka_unit_test(hostile_sizes),
		cmocka_unit_test(written),
		cmocka_unit_test(hostile_sparse),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
