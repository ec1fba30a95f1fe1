/* Unit tests of the options of run and create that have a syntax of their own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/base.h"
#include "engine/options.h"

static struct arena arena;

static int teardown(void **state)
{
	arena_free(&arena);
	return 0;
}

static void says(const struct err *e, const char *what)
{
	assert_int_equal(e->exit, EXIT_ENGINE);
	if (!strstr(e->msg, what))
		fail_msg("\"%s\" is not in \"%s\"", what, e->msg);
}

static void ulimits(void **state)
{
	static const struct {
		const char *text, *why;
	} bad[] = {
		{"nofile", "no value"},		 {"=5", "unknown limit"},
		{"core cpu=5", "unknown limit"}, {"NOFILE=5", "unknown limit"},
		{"nofile=", "not a number"},	 {"nofile=5:", "not a number"},
		{"nofile=-2", "not a number"},	 {"nofile=1:2:3", "not a number"},
		{"nofile=9:5", "above"},	 {"nofile=-1:5", "above"},
		{"nofile=1e3", "not a number"},	 {"nofile=9223372036854775808", "not a number"},
	};
	struct bind_list l = {0};
	struct err e = {0};

	for (size_t i = 0; i < countof(bad); i++) {
		assert_true(options_ulimit(&arena, bad[i].text, &l, &e) < 0);
		says(&e, bad[i].why);
	}
	assert_int_equal(l.n, 0);
	assert_int_equal(options_ulimit(&arena, "nofile=5", &l, &e), 0);
	assert_int_equal(options_ulimit(&arena, "core=unlimited", &l, &e), 0);
	assert_int_equal(options_ulimit(&arena, "nofile=6:-1", &l, &e), 0);
	const struct config_ulimit *u = l.v;
	assert_int_equal(l.n, 2); /* the last word counts */
	assert_int_equal(u[0].soft, 6);
	assert_int_equal(u[0].hard, -1);
	assert_int_equal(u[1].soft, -1);
}

static void entrypoints(void **state)
{
	static const struct {
		const char *text;
		size_t n;
		const char *first;
	} t[] = {
		{"", 0, NULL},
		{"/bin/a b", 1, "/bin/a b"},
		{"[\"a\", \"b c\"]", 2, "a"},
		{"[]", 0, NULL},
		{"[", 1, "["},
		{"[\"a\", 1]", 1, "[\"a\", 1]"},
		{"[\"sh\"", 1, "[\"sh\""},
	};

	for (size_t i = 0; i < countof(t); i++) {
		struct strs s;
		options_entrypoint(&arena, t[i].text, &s);
		assert_int_equal(s.n, t[i].n);
		if (s.n)
			assert_string_equal(s.v[0], t[i].first);
	}
}

static void environment(void **state)
{
	char name[] = "/tmp/hoy-env-test-XXXXXX";
	int fd = mkstemp(name);
	struct strs files = {0}, values = {0}, env = {0};
	struct err e = {0};
	static const char text[] =
		"# comment\n\n  A=1\r\nB=x=y # no comment\nOPT_TEST\nMISSING_TEST\nA=2\n";

	setenv("OPT_TEST", "mine", 1);
	unsetenv("MISSING_TEST");
	assert_int_equal(fd_write_all(fd, text, sizeof text - 1), 0);
	strs_add(&arena, &files, name);
	strs_add(&arena, &values, "C=");
	strs_add(&arena, &values, "OPT_T*");
	assert_int_equal(options_env(&arena, &files, &values, &env, &e), 0);
	assert_string_equal(env_get(&env, "A"), "2");
	assert_string_equal(env_get(&env, "B"), "x=y # no comment");
	assert_string_equal(env_get(&env, "C"), "");
	assert_string_equal(env_get(&env, "OPT_TEST"), "mine");
	assert_null(env_get(&env, "MISSING_TEST"));
	assert_int_equal(fd_write_all(fd, "X=\0\n", 4), 0);
	assert_true(options_env(&arena, &files, &values, &env, &e) < 0);
	says(&e, "NUL");
	assert_int_equal(ftruncate(fd, 0), 0);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	assert_int_equal(fd_write_all(fd, "=x\n", 3), 0);
	assert_true(options_env(&arena, &files, &values, &env, &e) < 0);
	says(&e, "has no name");
	close(fd);
	unlink(name);
}

#define TEST(f) cmocka_unit_test_teardown(f, teardown)
int main(void)
{
	const struct CMUnitTest tests[] = {TEST(ulimits), TEST(entrypoints), TEST(environment)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
