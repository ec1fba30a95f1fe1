/* Unit tests of variables and quotes in words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/base.h"
#include "build/expand.h"

static struct arena arena;
static struct str undefined_names;

static int clean(void **state)
{
	(void)state;
	arena_free(&arena);
	str_free(&undefined_names);
	undefined_names = (struct str){0};
	return 0;
}

static const char *get(void *arg, const char *name)
{
	static const char *const vars[][2] = {
		{"V", "value"},
		{"EMPTY", ""},
		{"TWO", "a  b"},
		{"_x1", "y"},
		{"PATH", "/a/b/c.tar.gz"},
		{"STARS", "a*b"},
		{"U", "\xc3\xa4\xc3\xb6\xc3\xbc"},
	};

	if (!strcmp(name, "BIG"))
		return arg;
	for (size_t i = 0; i < countof(vars); i++)
		if (!strcmp(vars[i][0], name))
			return vars[i][1];
	return NULL;
}

static void undefined(void *arg, const char *name)
{
	(void)arg;
	str_addf(&undefined_names, "%s ", name);
}

static struct df_vars vars = {get, undefined, NULL, '\\'};

static void is(const char *word, const char *want)
{
	const char *got = NULL;
	struct err e = {0};

	if (df_expand(&vars, word, &arena, &got, &e) < 0)
		fail_msg("%s: %s", word, e.msg);
	assert_string_equal(got, want);
}

static void refused(const char *word, const char *why)
{
	const char *got = NULL;
	struct err e = {0};

	assert_int_equal(df_expand(&vars, word, &arena, &got, &e), -EINVAL);
	assert_int_equal(e.id, ERR_DOCKERFILE);
	if (!strstr(e.msg, why))
		fail_msg("%s: %s", word, e.msg);
}

static void plain(void **state)
{
	is("a b", "a b");
	is("$V", "value");
	is("x${V}y", "xvaluey");
	is("$V-$V.x", "value-value.x");
	is("$_x1", "y");
	is("$NO.", ".");
	is("$", "$");
	is("a$ b", "a$ b");
	is("$1x", "x");
	is("$$x", "x");
	is("\\$V", "$V");
	is("\\\\$V", "\\value");
	is("\\a", "a");
	is("a\\", "a");
	is("'$V'", "$V");
	is("'a\\'", "a\\");
	is("\"$V\"", "value");
	is("\"\\$V \\\" \\\\ \\n '\"", "$V \" \\ \\n '");
	is("a\"b\"'c'd", "abcd");
	is("\"${V}'x'\"", "value'x'");
	refused("'a", "a single quote has no end");
	refused("a\"b", "a double quote has no end");
	refused("\"a\\", "a double quote has no end");
	assert_string_equal(str_cstr(&undefined_names), "NO ");
	vars.escape = '`';
	is("c:\\$V`$", "c:\\value$");
	vars.escape = '\\';
}

static void defaults(void **state)
{
	is("${NO:-w}${NO-w}", "ww");
	is("${EMPTY:-w}|${EMPTY-w}", "w|");
	is("${V:-w}${V-w}", "valuevalue");
	is("${V:+w}${V+w}", "ww");
	is("${NO:+w}${NO+w}|${EMPTY:+w}|${EMPTY+w}", "||w");
	is("${V:?no}${V?no}${EMPTY?no}", "valuevalue");
	is("${NO:-$V}", "value");
	is("${NO:-${NO:-a${V}b}}", "avalueb");
	is("${NO:-'}'\"}\"\\}}", "}}}");
	is("${NO:-a b}", "a b");
	refused("${NO?}", "NO: is not allowed to be unset");
	refused("${NO:?say so}", "NO: say so");
	refused("${EMPTY:?}", "EMPTY: is not allowed to be empty");
	refused("${", "} is missing");
	refused("${V", "} is missing");
	refused("${V:", "} is missing");
	refused("${V:-a", "} is missing");
	refused("${}", "bad substitution");
	refused("${{x}", "bad substitution");
	refused("${:x}", "bad substitution");
	refused("${V:x}", "operator that is not known");
	refused("${V^}", "operator that is not known");
	refused("${V:#x}", "operator that is not known");
	assert_string_equal(str_cstr(&undefined_names), "");
}

static void patterns(void **state)
{
	is("${PATH#*/}", "a/b/c.tar.gz");
	is("${PATH##*/}", "c.tar.gz");
	is("${PATH%.*}", "/a/b/c.tar");
	is("${PATH%%.*}", "/a/b/c");
	is("${PATH#x}", "/a/b/c.tar.gz");
	is("${PATH%/*}", "/a/b");
	is("${PATH##*}|${PATH%%*}|${PATH#*}", "||/a/b/c.tar.gz");
	is("${V#?a}${V%?}", "luevalu");
	is("${STARS#a\\*}", "b");
	is("${STARS%\\**}", "a");
	is("${U#?}|${U%?}", "\xc3\xb6\xc3\xbc|\xc3\xa4\xc3\xb6");
	is("${NO#x}", "");
	is("${V#$NO}", "value");
	is("${V#${V%e}}", "e");
	is("${PATH/b/x}", "/a/x/c.tar.gz");
	is("${PATH//./_}", "/a/b/c_tar_gz");
	is("${PATH//\\//-}", "-a-b-c.tar.gz");
	is("${PATH/\\/a*c/x}", "x.tar.gz");
	is("${PATH//?\\//x\\/}", "/x/x/c.tar.gz");
	is("${V//*/x}", "x");
	is("${V/l/$V}", "vavalueue");
	is("${V/l/}", "vaue");
	is("${V/z/y}", "value");
	is("${U//\xc3\xb6/o}", "\xc3\xa4o\xc3\xbc");
	refused("${V#\\x}", "only *, ?, / and } can be escaped");
	refused("${V/x}", "/ is missing");
	refused("${V/x/y", "} is missing");
}

static void raw(void **state)
{
	const char *got = NULL;
	struct err e = {0};

	assert_int_equal(df_expand_raw(&vars, "'$V' \"${V}\" \\$V it's\n", &arena, &got, &e), 0);
	assert_string_equal(got, "'value' \"value\" $V it's\n");
}

static void words_are(const char *word, const char *want)
{
	struct strs l = {0};
	scoped(str) got = {0};
	struct err e = {0};

	assert_int_equal(df_expand_words(&vars, word, &arena, &l, &e), 0);
	for (size_t i = 0; i < l.n; i++)
		str_addf(&got, "[%s]", l.v[i]);
	assert_string_equal(str_cstr(&got), want);
}

static void words(void **state)
{
	words_are("$TWO", "[a][b]");
	words_are("x${TWO}y", "[xa][by]");
	words_are("\"$TWO\"", "[a  b]");
	words_are("a\\ b c 'd e'", "[a b][c][d e]");
	words_are("$NO", "");
	words_are("\"\"", "");
	words_are("${NO:-a b}", "[a][b]");

	struct strs l = {0};
	df_variables("$A ${B:-$C} \\$D $A $1 '$E'", '\\', &arena, &l);
	scoped(str) got = {0};
	for (size_t i = 0; i < l.n; i++)
		str_addf(&got, "%s ", l.v[i]);
	assert_string_equal(got.s, "A B C 1 E ");
}

static char *repeated(const char *s, size_t n)
{
	scoped(str) all = {0};

	while (n--)
		str_add(&all, s);
	return str_steal(&all);
}

/* Deep nesting, results that grow, patterns that take long elsewhere. */
static void hostile(void **state)
{
	autofree char *deep = repeated("${NO:-", 100000), *half = repeated("${NO:-", 20),
		      *close = repeated("}", 20), *big = repeated("a", 100000),
		      *grow = repeated("$BIG", 1000), *drop = repeated("${V:+${BIG#b}}", 10000),
		      *star = repeated("*a", 1000);

	refused(deep, "too many substitutions within each other");
	autofree char *fine = xasprintf("%sx%s", half, close);
	is(fine, "x");
	vars.arg = big;
	refused(grow, "make more than 4 MiB");
	refused(drop, "\": ");
	autofree char *slow = xasprintf("${BIG##%sb}", star);
	refused(slow, "too long for each other");
	big[2000] = 0;
	is(slow, big);
	slow[0] = 0;
	autofree char *all = xasprintf("${BIG//%.*sb/x}", 2000, star);
	refused(all, "take too long");
	big[2000] = 'a';
	autofree char *simple = xasprintf("${BIG//a/b}");
	const char *got;
	struct err e = {0};
	assert_int_equal(df_expand(&vars, simple, &arena, &got, &e), 0);
	assert_int_equal(strspn(got, "b"), 100000);
	vars.arg = NULL;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(plain, clean),
		cmocka_unit_test_teardown(defaults, clean),
		cmocka_unit_test_teardown(patterns, clean),
		cmocka_unit_test_teardown(raw, clean),
		cmocka_unit_test_teardown(words, clean),
		cmocka_unit_test_teardown(hostile, clean),
	};

	return cmocka_run_group_tests_name("expand", tests, NULL, NULL);
}
