#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "base/base.h"
#include "oci/platform.h"

/* An index of these platforms; "" has none. */
static struct oci_index make(struct arena *a, const char *const *names)
{
	struct oci_index ix = {0};

	for (size_t i = 0; names[i]; i++) {
		struct oci_descriptor *d = bind_append(a, &ix.manifests, sizeof *d);
		struct platform_want w;
		struct err e = {0};
		d->digest = names[i];
		if (!*names[i])
			continue;
		assert_int_equal(platform_parse(a, names[i], &w, &e), 0);
		d->platform = arena_alloc(a, sizeof *d->platform);
		*d->platform = (struct oci_platform){
			.os = w.os, .architecture = w.arch, .variant = w.variant};
	}
	return ix;
}

static void check(const char *const *names, const char *want, const char *chosen)
{
	scoped(arena) a = {0};
	struct oci_index ix = make(&a, names);
	struct platform_want w = {0};
	struct err e = {0};

	if (want)
		assert_int_equal(platform_parse(&a, want, &w, &e), 0);
	const struct oci_descriptor *d = platform_choose(&ix, &w, "x", &e);
	if (chosen) {
		assert_non_null(d);
		assert_string_equal(d->digest, chosen);
	} else {
		assert_null(d);
		assert_int_equal(e.id, ERR_PLATFORM);
		assert_non_null(strstr(e.hint, names[0]));
	}
}

static void test_choose(void **state)
{
	static const char *const many[] = {"linux/arm/v5",   "linux/arm/v7",   "linux/arm/v6",
					   "linux/amd64/v3", "linux/amd64",    "linux/arm64/v8",
					   "linux/386",	     "linux/amd64/v2", NULL};
	static const char *const high[] = {"linux/arm/v7", "linux/amd64/v9", NULL};
	static const char *const bare[] = {"", NULL};

	check(many, "linux/amd64", "linux/amd64");
	check(many, "linux/x86_64", "linux/amd64");
	check(many, "amd64", "linux/amd64");
	check(many, "linux/amd64/v3", "linux/amd64/v3");
	check(many, "linux/amd64/v4", "linux/amd64/v3");
	check(many, "linux/amd64/v1", "linux/amd64");
	check(many, "linux/arm/v8", "linux/arm/v7");
	check(many, "linux/arm/v6", "linux/arm/v6");
	check(many, "linux/arm", "linux/arm/v7");
	check(many, "linux/aarch64", "linux/arm64/v8");
	check(many, "linux/arm64/v8", "linux/arm64/v8");
	check(many, "linux/i386", "linux/386");
	check(many, "linux/riscv64", NULL);
	check(many, "windows/amd64", NULL);
	check(high, "linux/arm/v6", NULL);
	check(high, "linux/amd64", NULL); /* no processor has that */
	check(bare, NULL, "");
}

static void test_own(void **state)
{
	scoped(arena) a = {0};
	const char *own = arena_printf(&a, "linux/%s", platform_arch());
	const char *names[] = {"linux/mips64le", own, "linux/s390", NULL};

	check(names, NULL, own);
}

static void test_parse(void **state)
{
	static const char *const bad[] = {
		"", "/", "linux/", "a/b/c/d", "linux/am d64", "linux/\033[1m", "linux//v7"};
	scoped(arena) a = {0};
	struct platform_want w;
	struct err e = {0};

	for (size_t i = 0; i < countof(bad); i++)
		assert_int_equal(platform_parse(&a, bad[i], &w, &e), -EINVAL);
	assert_int_equal(platform_parse(&a, "linux", &w, &e), 0);
	assert_string_equal(w.os, "linux");
	assert_null(w.arch);
}

static void test_fits(void **state)
{
	static const struct {
		const char *want, *os, *arch, *variant;
		bool fits;
	} t[] = {
		{"linux/amd64", "linux", "amd64", NULL, true},
		{"linux/amd64/v3", "linux", "amd64", NULL, true},
		{"linux/arm64", "linux", "arm64", "v8", true},
		{"linux/arm/v6", "linux", "arm", "v7", false},
		{"linux/arm/v7", "linux", "arm", "v6", true},
		{"linux/arm64", "linux", "amd64", NULL, false},
		{"windows/amd64", "linux", "amd64", NULL, false},
		{"linux/arm64", NULL, NULL, NULL, true}, /* it does not say */
	};

	for (size_t i = 0; i < countof(t); i++) {
		scoped(arena) a = {0};
		struct platform_want w;
		struct image_doc doc = {
			.os = t[i].os, .architecture = t[i].arch, .variant = t[i].variant};
		assert_int_equal(platform_parse(&a, t[i].want, &w, NULL), 0);
		assert_int_equal(platform_fits(&doc, &w), t[i].fits);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_choose),
		cmocka_unit_test(test_own),
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_fits),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
