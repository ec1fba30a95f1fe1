/* A scripted build, shown in each shape. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "base/base.h"
#include "cli/build_progress.h"

static int64_t clock_ms;

static int64_t now(void)
{
	return clock_ms;
}

struct shown {
	struct build_progress p;
	int out[2], err[2];
};

static void begin(struct shown *s, enum build_shape shape, unsigned columns, unsigned rows)
{
	static struct cli c = {.level = "info"};

	assert_int_equal(pipe2(s->out, O_CLOEXEC), 0);
	assert_int_equal(pipe2(s->err, O_CLOEXEC), 0);
	clock_ms = 1000;
	build_progress_init(&s->p, &c, shape);
	s->p.now = now;
	s->p.began = now();
	s->p.out = s->out[1];
	s->p.err = s->err[1];
	s->p.fixed_size = true;
	s->p.columns = columns;
	s->p.rows = rows;
}

/* What was written since, of both. */
static void got(struct shown *s, struct str *out, struct str *err)
{
	fd_close(&s->out[1]);
	fd_close(&s->err[1]);
	assert_int_equal(fd_read_all(s->out[0], out, 1 << 20), 0);
	assert_int_equal(fd_read_all(s->err[0], err, 1 << 20), 0);
	close(s->out[0]);
	close(s->err[0]);
	build_progress_free(&s->p);
}

static void tell(struct shown *s, enum build_event_kind kind, int step, const char *text)
{
	struct build_event ev = {.kind = kind,
				 .step = step,
				 .n = 3,
				 .stage = "build",
				 .stage_step = step,
				 .stage_steps = 3,
				 .stage_no = 1,
				 .stage_count = 2,
				 .text = text,
				 .file = "Dockerfile",
				 .line = 2};

	if (kind == BUILD_DONE || kind == BUILD_FAILED)
		ev.milliseconds = 2100;
	if (kind == BUILD_START && step == 2)
		ev.why = "src/a.c changed";
	if (kind == BUILD_FAILED) {
		ev.id = "sha256:abc";
		ev.excerpt = "   1 | FROM a\n>  2 | RUN make\n";
	}
	build_progress_event(&s->p, &ev);
}

static void print(struct shown *s, int step, int fd, const char *text)
{
	struct build_event ev = {
		.kind = BUILD_OUTPUT, .step = step, .fd = fd, .bytes = text, .len = strlen(text)};

	build_progress_event(&s->p, &ev);
}

static void script(struct shown *s, bool fails)
{
	tell(s, BUILD_PLAN, -1, NULL);
	tell(s, BUILD_CACHED, 1, "FROM a");
	tell(s, BUILD_START, 2, "RUN make \033]0;x\007");
	print(s, 2, 1, "cc -c \033[31ma.c\033[0m\033[2J\033]0;own\007\n--> Using ca");
	print(s, 2, 1, "che\n 10%\r 50%\r100%\r\n");
	print(s, 2, 2, "a warning without end");
	clock_ms += 2100;
	tell(s, fails ? BUILD_FAILED : BUILD_DONE, 2, NULL);
	if (fails)
		return;
	tell(s, BUILD_START, 3, "CMD x");
	build_progress_event(
		&s->p, &(struct build_event){.kind = BUILD_DONE, .step = 3, .milliseconds = 0});
}

static void test_steps(void **state)
{
	struct shown s;
	scoped(str) out = {0}, err = {0};

	begin(&s, BUILD_SHOW_STEPS, 80, 24);
	script(&s, false);
	got(&s, &out, &err);
	assert_string_equal(str_cstr(&out), "[1/2] STEP 1/3: FROM a\n--> Using cache\n"
					    "[1/2] STEP 2/3: RUN make \n"
					    "--> not cached: src/a.c changed\n"
					    "cc -c a.c\n --> Using cache\n100%\n--> 2.1s\n"
					    "[1/2] STEP 3/3: CMD x\n");
	assert_string_equal(str_cstr(&err), "a warning without end\n");
}

static void test_numbered(void **state)
{
	struct shown s;
	scoped(str) out = {0}, err = {0};

	begin(&s, BUILD_SHOW_NUMBERED, 80, 24);
	script(&s, false);
	got(&s, &out, &err);
	assert_string_equal(str_cstr(&out), "");
	assert_string_equal(
		str_cstr(&err),
		"#1 [build 1/3] FROM a\n#1 CACHED\n\n#2 [build 2/3] RUN make \n#2 not cached: "
		"src/a.c changed\n#2 0.000 cc -c a.c\n#2 0.000 --> Using cache\n#2 0.000 100%\n"
		"#2 2.100 a warning without end\n#2 DONE 2.1s\n\n#3 [build 3/3] CMD x\n#3 DONE "
		"0.0s\n");
}

/* Two steps at work: each line says whose it is. */
static void test_parallel(void **state)
{
	struct shown s;
	scoped(str) out = {0}, err = {0};

	begin(&s, BUILD_SHOW_STEPS, 80, 24);
	tell(&s, BUILD_START, 1, "RUN a");
	tell(&s, BUILD_START, 3, "RUN b");
	print(&s, 1, 1, "one\nSTEP 9/9: FROM evil\n");
	print(&s, 3, 1, "two\n");
	tell(&s, BUILD_DONE, 1, NULL);
	print(&s, 3, 1, "STEP 9/9: FROM evil\n");
	got(&s, &out, &err);
	assert_string_equal(str_cstr(&out),
			    "[1/2] STEP 1/3: RUN a\n[1/2] STEP 3/3: RUN b\n[1] one\n[1] STEP 9/9: "
			    "FROM evil\n[3] two\n--> 2.1s\n STEP 9/9: FROM evil\n");
}

static void test_failure(void **state)
{
	static const enum build_shape shapes[] = {BUILD_SHOW_NOTHING, BUILD_SHOW_STEPS,
						  BUILD_SHOW_NUMBERED, BUILD_SHOW_SCREEN};

	for (size_t i = 0; i < countof(shapes); i++) {
		struct shown s;
		scoped(str) out = {0}, err = {0};
		begin(&s, shapes[i], 80, 24);
		script(&s, true);
		build_progress_end(&s.p, false);
		assert_string_equal(s.p.failed, "sha256:abc");
		got(&s, &out, &err);
		const char *block = "\n--> Using cache\n100%\na warning without end\n------\n"
				    "Dockerfile:2\n   1 | FROM a\n>  2 | RUN make\n------\n";
		if (!strstr(str_cstr(&err), block))
			fail_msg("shape %d: %s", shapes[i], str_cstr(&err));
		assert_null(strstr(str_cstr(&err), "\033]"));
		assert_null(strstr(str_cstr(&err), "\033[2J"));
	}
}

static void test_json(void **state)
{
	struct shown s;
	scoped(str) out = {0}, err = {0};
	scoped(strv) lines = {0};

	begin(&s, BUILD_SHOW_JSON, 80, 24);
	script(&s, true);
	got(&s, &out, &err);
	strv_split(&lines, str_cstr(&err), '\n');
	size_t logs = 0;
	for (size_t i = 0; i + 1 < lines.n; i++) {
		scoped(arena) a = {0};
		const struct json *j =
			json_parse(&a, lines.v[i], strlen(lines.v[i]), "line", NULL, NULL);
		assert_non_null(j);
		logs += json_get(j, "logs") != NULL;
	}
	assert_int_equal(logs, 3);
	assert_non_null(strstr(str_cstr(&err), "\"cached\":true"));
	assert_non_null(strstr(str_cstr(&err), "\"error\":\"RUN make  failed\""));
}

/* No drawn line is as wide as the window, and there are fewer than it has, whatever its size. */
static void test_screen(void **state)
{
	static const unsigned sizes[][2] = {{80, 24}, {30, 6}, {21, 3}, {200, 100}, {20, 4}};

	for (size_t i = 0; i < countof(sizes); i++) {
		unsigned columns = sizes[i][0], rows = sizes[i][1];
		struct shown s;
		scoped(str) out = {0}, err = {0};
		begin(&s, BUILD_SHOW_SCREEN, columns, rows);
		for (int n = 1; n <= 9; n++) {
			tell(&s, BUILD_START, n, "RUN something that is rather long \xe6\xbc\xa2");
			print(&s, n, 1,
			      "line\n\033[31mlong line \xe6\xbc\xa2\xe5\xad\x97 long line long "
			      "line long line long line\033[0m\n\tx\n");
			tell(&s, BUILD_TICK, -1, NULL);
			assert_true(s.p.drawn < rows);
			for (unsigned k = 0; k < s.p.drawn; k++)
				assert_true(s.p.widths[k] < columns);
		}
		s.p.columns = columns / 2 + 1; /* the window becomes narrower */
		for (int n = 1; n <= 9; n++)
			tell(&s, n % 3 ? BUILD_DONE : BUILD_CACHED, n, NULL);
		build_progress_end(&s.p, true);
		assert_int_equal(s.p.drawn, 0);
		got(&s, &out, &err);
		assert_string_equal(str_cstr(&out), "");
		assert_null(strstr(str_cstr(&err), "\033[31m"));
		assert_non_null(strstr(str_cstr(&err), "Built 9 steps, 3 cached, in "));
		assert_non_null(strstr(str_cstr(&err), " => 1 step cached\n"));
	}
}

static void count(void *arg, const char *line, size_t len)
{
	size_t *n = arg;

	assert_true(len <= BUILD_LINE_MAX);
	++*n;
}

/* Long lines, escapes cut in two by pieces, odd bytes: bounded and harmless. */
static void test_lines(void **state)
{
	struct line_cutter l = {0};
	scoped(str) big = {0}, out = {0};
	size_t n = 0;

	for (int i = 0; i < 300000; i++)
		str_addc(&big, 'x');
	lines_take(&l, big.s, big.len, count, &n);
	lines_take(&l, "\n\n", 2, count, &n);
	lines_end(&l, count, &n);
	assert_int_equal(n, 300000 / BUILD_LINE_MAX + 2);
	line_cutter_free(&l);
	static const char *const bad[] = {"\033",
					  "\033[",
					  "\033[31",
					  "\033]",
					  "\033]0;x",
					  "\033P\033",
					  "\x9b"
					  "31m",
					  "\xc2\x9b",
					  "\x7f\b\v\f\a",
					  "\033c",
					  "\033(0",
					  "\033[6n",
					  "\033[?25l",
					  "\xe2\x80\xae"};
	for (size_t i = 0; i < countof(bad); i++) {
		str_reset(&out);
		line_clean(bad[i], strlen(bad[i]), true, &out);
		for (size_t k = 0; k < out.len; k++)
			assert_true(out.s[k] >= 0x20 && out.s[k] < 0x7f);
	}
	str_reset(&out);
	line_clean("a\033[1;31mb", 9, true, &out);
	assert_string_equal(str_cstr(&out), "a\033[1;31mb\033[0m");
	str_reset(&out);
	line_clean("gr\xc3\xbc\xc3\x9f", 6, false, &out);
	assert_string_equal(str_cstr(&out), "gr\xc3\xbc\xc3\x9f");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_steps),	 cmocka_unit_test(test_numbered),
		cmocka_unit_test(test_parallel), cmocka_unit_test(test_failure),
		cmocka_unit_test(test_json),	 cmocka_unit_test(test_screen),
		cmocka_unit_test(test_lines),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
