/* Unit tests of ignore files and wildcards. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/base.h"
#include "build/ignore.h"

static void match(const char *pattern, const char *path, int want)
{
	int got = wildcard_match(pattern, path);

	if (got != want)
		fail_msg("%s, %s: %d", pattern, path, got);
}

static void wildcards(void **state)
{
	static const struct {
		const char *pattern, *path;
		int want;
	} rows[] = {
		{"a", "a", 1},
		{"a", "a/b", 0},
		{"*", "a", 1},
		{"*", "a/b", 0},
		{"*.c", "x.c", 1},
		{"*.c", ".c", 1},
		{"*.c", "x.cc", 0},
		{"a?c", "abc", 1},
		{"a?c", "a/c", 0},
		{"a?c",
		 "a\xc3\xa4"
		 "c",
		 1},
		{"?", "\xff", 1},
		{"[a-c]x", "bx", 1},
		{"[^a-c]x", "bx", 0},
		{"[^a]b", "/b", 0},
		{"[\\]]", "]", 1},
		{"[\\-x]", "-", 1},
		{"\\*", "*", 1},
		{"\\*", "a", 0},
		{"*/b/*", "a/b/c", 1},
		{"**", "a/b/c", 1},
		{"**/c", "c", 1},
		{"**/c", "a/b/c", 1},
		{"**/c", "a/bc", 0},
		{"**/b/c", "a/b/c", 1},
		{"a/**", "a/b/c", 1},
		{"a/**", "a", 0},
		{"a/**/c", "a/c", 1},
		{"a/**/c", "a/b/x/c", 1},
		{"a/**/c", "a/bc", 0},
		{"a**", "ab/c", 1},
		{"**.c", "d/x.c", 1},
		{"**x*", "d/xy", 1},
		{"**x*", "d/yxy", 0},
		{"a**c", "ac", 1},
		{"a**c", "a/b/c", 1},
		{"a**c", "abc", 0},
		{"**/*.c", "a/b/x.c", 1},
		{"**/node_modules/**", "a/node_modules/x", 1},
		{"**/*_test/*", "a/b_test/c", 1},
		{"[", "a", -EINVAL},
		{"[]", "a", -EINVAL},
		{"[a", "a", -EINVAL},
		{"[a-]", "a", -EINVAL},
		{"[b-a]", "a", -EINVAL},
		{"a\\", "a", -EINVAL},
		{"x[", "a", -EINVAL},
		{"", "", 1},
		{"*", "", 1},
	};

	for (size_t i = 0; i < countof(rows); i++)
		match(rows[i].pattern, rows[i].path, rows[i].want);
}

static struct ignore *parsed(const char *text)
{
	struct ignore *g;
	struct err e = {0};

	if (ignore_parse(text, strlen(text), "I", &g, &e) < 0)
		fail_msg("%s", e.msg);
	return g;
}

static void left_out(const char *text, const char *path, bool want, bool may_hold)
{
	struct ignore *g = parsed(text);

	if (ignore_matches(g, path) != want)
		fail_msg("%s: %s: %d", text, path, !want);
	if (ignore_may_hold(g, path) != may_hold)
		fail_msg("%s: %s may hold: %d", text, path, !may_hold);
	ignore_free(g);
}

static void files(void **state)
{
	left_out("a", "a", true, false);
	left_out("a", "a/b/c", true, false);
	left_out("a", "ab", false, false);
	left_out("/a/", "a/b", true, false);
	left_out("./a", "a", true, false);
	left_out("  a\t\r\n", "a", true, false);
	left_out("#a\n #b", "a", false, false);
	left_out("#a\n #b", "#b", true, false);
	left_out("\xef\xbb\xbf"
		 "a",
		 "a", true, false);
	left_out("*\n!a/b", "a", true, true);
	left_out("*\n!a/b", "a/b", false, false);
	left_out("*\n!a/b", "a/b/c", false, false);
	left_out("*\n!a/b", "a/c", true, false);
	left_out("*\n!a/b\na/b/c", "a/b/c", true, false);
	left_out("*\n!a/b\na/b/c", "a/b/d", false, false);
	left_out("!a\na", "a", true, false);
	left_out("*\n! **/*.c", "x/y", true, true);
	left_out("*\n!**/*.c", "x/y.c", false, true);
	left_out("*.md\n!README*.md\nREADME-secret.md", "README-x.md", false, false);
	left_out("*.md\n!README*.md\nREADME-secret.md", "README-secret.md", true, false);
	left_out("**/b\n!x?/b/c", "xy/b", true, true);
	left_out("**/b\n!x?/b/c", "xyz/b", true, false);
	left_out("..\n.\n/", "a", false, false);
	left_out("", "a", false, false);
	assert_false(ignore_matches(NULL, "a"));
	assert_false(ignore_may_hold(NULL, "a"));

	struct ignore *g;
	struct err e = {0};
	assert_int_equal(ignore_parse("a\n!\n", 4, "I", &g, &e), -EINVAL);
	assert_int_equal(e.id, ERR_IGNORE_FILE);
	assert_string_equal(e.msg, "I:2: no valid pattern: \"!\"");
	assert_null(g);
	assert_int_equal(ignore_parse("a\n[\n", 4, "I", &g, &e), -EINVAL);
	assert_string_equal(e.msg, "I:2: no valid pattern: \"[\"");
	assert_int_equal(ignore_parse("a\n\0\n", 4, "I", &g, &e), -EINVAL);
	assert_string_equal(e.msg, "I:2: a NUL byte");
	const char *v[] = {"*.o", "!k.o"};
	assert_int_equal(ignore_new(&(struct strs){v, 2}, &g, &e), 0);
	assert_true(ignore_matches(g, "d.o"));
	assert_false(ignore_matches(g, "k.o"));
	ignore_free(g);
	v[0] = "a[";
	assert_int_equal(ignore_new(&(struct strs){v, 2}, &g, &e), -EINVAL);
}

/* What takes a matcher that tries again for ever. */
static void exploding(void **state)
{
	scoped(str) pattern = {0};
	scoped(str) path = {0};

	for (int i = 0; i < 300; i++)
		str_add(&pattern, "*a");
	str_addc(&pattern, 'b');
	for (int i = 0; i < 4000; i++)
		str_addc(&path, 'a');
	match(pattern.s, path.s, 0);
	str_reset(&pattern);
	for (int i = 0; i < 300; i++)
		str_add(&pattern, "**/a/");
	str_addc(&pattern, 'b');
	str_reset(&path);
	for (int i = 0; i < 2000; i++)
		str_add(&path, "a/");
	str_addc(&path, 'b');
	match(pattern.s, path.s, 1);
	str_reset(&pattern);
	for (int i = 0; i < 5000; i++)
		str_addc(&pattern, '*');
	match(pattern.s, "a", -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wildcards),
		cmocka_unit_test(files),
		cmocka_unit_test(exploding),
	};

	return cmocka_run_group_tests_name("ignore", tests, NULL, NULL);
}
