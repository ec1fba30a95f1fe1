/* Unit tests of the ground floor. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/base.h"
#include "base/parse.h"

static void clean_paths(void **state)
{
	static const char *const t[][2] = {{"/a/../../b", "/b"}, {"a/./b//c/", "a/b/c"},
					   {"..", ".."},	 {"../../x", "../../x"},
					   {"a/..", "."},	 {"/", "/"},
					   {"/..", "/"},	 {"", "."},
					   {"/a/b/..", "/a"},	 {"a/../..", ".."}};

	for (size_t i = 0; i < countof(t); i++) {
		autofree char *s = path_clean(t[i][0]);
		assert_string_equal(s, t[i][1]);
	}
}

static void escapes(void **state)
{
	scoped(str) b = {0};

	str_add_escaped(&b, "a\x1b[31m\n\xc3\xa4\xff\xe2\x80\xae", 13);
	assert_string_equal(str_cstr(&b), "a\\x1b[31m\\n\xc3\xa4\\xff\\u{202e}");
}

static void numbers(void **state)
{
	uint64_t u;
	int64_t i;
	int sig;

	assert_int_equal(parse_u64("18446744073709551615", UINT64_MAX, &u), 0);
	assert_int_equal(parse_u64("18446744073709551616", UINT64_MAX, &u), -ERANGE);
	assert_int_equal(parse_u64(" 1", UINT64_MAX, &u), -EINVAL);
	assert_int_equal(parse_u64("1e3", UINT64_MAX, &u), -EINVAL);
	assert_int_equal(parse_u64("", UINT64_MAX, &u), -EINVAL);
	assert_int_equal(parse_i64("-9223372036854775808", INT64_MIN, INT64_MAX, &i), 0);
	assert_true(i == INT64_MIN);
	assert_int_equal(parse_size("1.5k", &u), 0);
	assert_int_equal(u, 1536);
	assert_int_equal(parse_size("2GiB", &u), 0);
	assert_true(u == (uint64_t)2 << 30);
	assert_int_equal(parse_size("5x", &u), -EINVAL);
	assert_int_equal(parse_duration("1m30s", &i), 0);
	assert_true(i == 90000000000);
	assert_int_equal(parse_duration("5", &i), -EINVAL);
	assert_int_equal(parse_signal("sigterm", &sig), 0);
	assert_int_equal(sig, 15);
	assert_int_equal(parse_signal("RTMIN+3", &sig), 0);
	assert_int_equal(sig, 37);
	assert_int_equal(parse_signal("65", &sig), -ERANGE);
	assert_int_equal(parse_signal("NOPE", &sig), -EINVAL);
}

static void times(void **state)
{
	struct timespec t;
	char buf[40];

	assert_int_equal(parse_rfc3339("2026-01-02T03:04:05.5+01:00", &t), 0);
	assert_string_equal(time_rfc3339(buf, sizeof buf, t), "2026-01-02T02:04:05.500000000Z");
	for (int64_t at = -90000000000; at < 90000000000; at += 864123457) {
		struct timespec back, x = {at, 7};
		time_rfc3339(buf, sizeof buf, x);
		if (at < -62135596800) /* before year 1 */
			continue;
		assert_int_equal(parse_rfc3339(buf, &back), 0);
		assert_true(back.tv_sec == at && back.tv_nsec == 7);
	}
	assert_int_equal(parse_rfc3339("2026-13-02T03:04:05Z", &t), -ERANGE);
	assert_int_equal(parse_rfc3339("2026-01-02", &t), -EINVAL);
}

static void distance(void **state)
{
	assert_int_equal(str_distance("imgaes", "images"), 1);
	assert_int_equal(str_distance("", "abc"), 3);
	assert_int_equal(str_distance("run", "run"), 0);
	assert_true(str_distance("rnu", "run") < str_too_far("rnu"));
	assert_true(str_distance("contaner", "container") < str_too_far("contaner"));
	assert_false(str_distance("pull", "kill") < str_too_far("pull"));
}

/* Both ways to resolve a path must agree, the system call and the walk for kernels without it. */
static void in_root(void **state)
{
	char dir[] = "/tmp/hoy-base-XXXXXX";

	assert_non_null(mkdtemp(dir));
	int d = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	mkdirat(d, "sub", 0755);
	symlinkat("/sub", d, "abs");
	symlinkat("../../../../etc", d, "up");
	symlinkat("loop", d, "loop");
	fd_write_file_at(d, "sub/f", "x", 1, 0644);
	for (int walk = 0; walk < 2; walk++) {
		path_test_no_openat2(walk);
		int fd = path_open_in_root(d, "/abs/../abs/f", O_RDONLY, 0);
		assert_true(fd >= 0);
		close(fd);
		assert_int_equal(path_open_in_root(d, "up/passwd", O_RDONLY, 0), -ENOENT);
		assert_int_equal(path_open_in_root(d, "loop", O_RDONLY, 0), -ELOOP);
		assert_int_equal(path_open_in_root(d, "sub/f/x", O_RDONLY, 0), -ENOTDIR);
		assert_int_equal(path_open_beneath(d, "up/passwd", O_RDONLY, 0), -EXDEV);
		assert_int_equal(path_open_beneath(d, "abs/f", O_RDONLY, 0), -EXDEV);
		assert_int_equal(path_open_beneath(d, "/sub/f", O_RDONLY, 0), -EXDEV);
		fd = path_open_beneath(d, "sub/../sub/f", O_RDONLY, 0);
		assert_true(fd >= 0);
		close(fd);
		fd = path_open_in_root(d, "../..", O_PATH, 0);
		assert_true(fd >= 0);
		close(fd);
	}
	close(d);
	assert_int_equal(path_rm_tree_at(AT_FDCWD, dir), 0);
}

static void durations(void **state)
{
	static const struct {
		int64_t ns;
		const char *text;
	} t[] = {
		{0, "0s"},
		{1, "1ns"},
		{1500, "1.5us"},
		{13000000, "13ms"},
		{1500000000, "1.5s"},
		{60000000000, "1m0s"},
		{3723500000000, "1h2m3.5s"},
		{-1000000000, "-1s"},
	};

	for (size_t i = 0; i < countof(t); i++) {
		scoped(str) s = {0};
		int64_t back = 1;
		time_duration(&s, t[i].ns);
		assert_string_equal(str_cstr(&s), t[i].text);
		if (t[i].ns >= 0) {
			assert_int_equal(parse_duration(t[i].text, &back), 0);
			assert_int_equal(back, t[i].ns);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(clean_paths), cmocka_unit_test(escapes),
		cmocka_unit_test(durations),   cmocka_unit_test(numbers),
		cmocka_unit_test(times),       cmocka_unit_test(distance),
		cmocka_unit_test(in_root),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
