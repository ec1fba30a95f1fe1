#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/base.h"

#include "oci/reference.h"

#define HEX64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void accepts(const char *text, const char *full)
{
	scoped(arena) a = {0};
	struct reference r;
	struct err e = {0};

	if (ref_parse(&a, text, &r, &e) < 0)
		fail_msg("%s: %s", text, e.msg);
	r = ref_complete(&a, &r, "docker.io");
	assert_string_equal(ref_text(&a, &r), full);
}

static void refuses(const char *text, const char *why)
{
	scoped(arena) a = {0};
	struct reference r;
	struct err e = {0};

	if (ref_parse(&a, text, &r, &e) >= 0)
		fail_msg("accepted %s", text);
	assert_int_equal(e.id, ERR_REF);
	if (!strstr(e.msg, why))
		fail_msg("%s: %s", text, e.msg);
	assert_true(e.hint[0]);
}

static void test_good(void **state)
{
	accepts("busybox", "docker.io/library/busybox");
	accepts("busybox:1.36", "docker.io/library/busybox:1.36");
	accepts("docker.io/busybox", "docker.io/library/busybox");
	accepts("index.docker.io/busybox:a", "docker.io/library/busybox:a");
	accepts("user/app", "docker.io/user/app");
	accepts("localhost/app", "localhost/app");
	accepts("localhost:5000/app:V_1.2-x", "localhost:5000/app:V_1.2-x");
	accepts("Quay.IO/a/b/c", "quay.io/a/b/c");
	accepts("[::1]:5000/a", "[::1]:5000/a");
	accepts("a__b/c-d---e.f_g", "docker.io/a__b/c-d---e.f_g");
	accepts("busybox@sha256:" HEX64, "docker.io/library/busybox@sha256:" HEX64);
	accepts("q.io/b:t@sha256:" HEX64, "q.io/b:t@sha256:" HEX64);
	accepts("abc", "docker.io/library/abc");
}

static void test_bad(void **state)
{
	char long_tag[200] = "a:", long_name[400] = "";

	refuses("", "empty");
	refuses("..", "begin and end");
	refuses("../x", "no registry");
	refuses("a/../b", "begin and end");
	refuses("a/./b", "begin and end");
	refuses("a..b", "stand alone");
	refuses("a___b", "stand alone");
	refuses("a._b", "stand alone");
	refuses("a-", "begin and end");
	refuses("-a", "begin and end");
	refuses("/a", "empty component");
	refuses("a//b", "empty component");
	refuses("a/", "empty component");
	refuses("Busybox", "lower case");
	refuses("q.io/App", "lower case");
	refuses("a\nb", "control");
	refuses("a\033[31m", "control");
	refuses("a:", "tag is empty");
	refuses("a:b/../c", "no registry");
	refuses("a:..", "tag must begin");
	refuses("a:-x", "tag must begin");
	refuses("a:b\n", "tag holds");
	refuses("a:b c", "tag holds");
	refuses("a b", "do not have");
	refuses("a\xe2\x80\xae", "do not have");
	refuses("a@sha256:abc", "digest");
	refuses("a@sha256:../../../x", "digest");
	refuses("a@sha256:" HEX64 "0", "digest");
	refuses("a@sha512:" HEX64 HEX64, "digest");
	refuses("a@SHA256:" HEX64, "digest");
	refuses("@sha256:" HEX64, "empty component");
	refuses("a@b@sha256:" HEX64, "digest");
	refuses(HEX64, "id");
	refuses("host.:80/x", "no registry");
	refuses("a.b:port/x", "no registry");
	refuses("a.b:123456/x", "no registry");
	refuses(".a/x", "no registry");
	refuses("../../x", "no registry");
	memset(long_tag + 2, 'x', 129);
	refuses(long_tag, "128");
	memset(long_name, 'x', 300);
	refuses(long_name, "255");
}

static void test_forms(void **state)
{
	scoped(arena) a = {0};
	const char *hex;

	assert_string_equal(ref_familiar(&a, "docker.io/library/busybox:1"), "busybox:1");
	assert_string_equal(ref_familiar(&a, "docker.io/user/app"), "user/app");
	assert_string_equal(ref_familiar(&a, "docker.io/library/a/b"), "library/a/b");
	assert_string_equal(ref_familiar(&a, "localhost/app:x"), "localhost/app:x");
	assert_string_equal(ref_familiar(&a, "docker.io/a.b/c"), "docker.io/a.b/c");
	assert_true(digest_valid("sha256:" HEX64));
	assert_false(digest_valid("sha256:" HEX64 "a"));
	assert_false(digest_valid("sha256:"));
	assert_false(digest_valid(NULL));
	assert_true(ref_is_id_prefix("a", &hex));
	assert_true(ref_is_id_prefix("sha256:ab", &hex));
	assert_string_equal(hex, "ab");
	assert_false(ref_is_id_prefix("", &hex));
	assert_false(ref_is_id_prefix("sha256:", &hex));
	assert_false(ref_is_id_prefix("xyz", &hex));
	assert_false(ref_is_id_prefix("AB", &hex));
	assert_false(ref_is_id_prefix(HEX64 "0", &hex));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_forms),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
