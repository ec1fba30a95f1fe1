/* Unit tests of reading logs: parts joined, times, broken lines, the last lines. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <sys/mman.h>

#include "base/base.h"
#include "base/parse.h"
#include "monitor/log.h"
#include "monitor/log_read.h"

#define T(s) "2026-01-02T03:04:" s ".000000000Z "

struct text {
	struct str s[2];
	bool times;
};

static int on_line(void *arg, bool is_stderr, const char *when)
{
	struct text *t = arg;

	if (t->times)
		str_addf(&t->s[is_stderr], "<%.9s>", *when ? when + 11 : "");
	return 0;
}

static int on_text(void *arg, bool is_stderr, const char *p, size_t n)
{
	struct text *t = arg;

	str_addn(&t->s[is_stderr], p, n);
	return 0;
}

static void check(struct log_reader r, const char *log, size_t piece, bool times, const char *out,
		  const char *err)
{
	struct text t = {.times = times};
	size_t n = strlen(log);

	r.sink = (struct log_sink){on_line, on_text, &t};
	for (size_t at = (size_t)r.at; at < n; at += piece)
		assert_int_equal(log_reader_feed(&r, log + at, n - at < piece ? n - at : piece), 0);
	assert_int_equal(log_reader_end(&r), 0);
	assert_string_equal(str_cstr(&t.s[0]), out);
	assert_string_equal(str_cstr(&t.s[1]), err);
	str_free(&t.s[0]);
	str_free(&t.s[1]);
}

static void joined(void **state)
{
	static const char log
		[] = T("05") "stdout F one\n" T("06") "stderr P e\n" T("07") "stdout P tw\n" T("08") "stderr F rr\n" T(
			"09") "stdout P o\n" T("10") "stdout F \n" T("11") "stdout F \n" T("12") "s"
												 "t"
												 "d"
												 "o"
												 "u"
												 "t"
												 " "
												 "P"
												 " "
												 "o"
												 "p"
												 "e"
												 "n"
												 "\n";
	struct log_reader r = {0};

	for (size_t piece = 1; piece < sizeof log; piece++) {
		check(r, log, piece, false, "one\ntwo\n\nopen", "err\n");
		check(r, log, piece, true,
		      "<03:04:05.>one\n<03:04:07.>two\n<03:04:11.>\n<03:04:12.>open",
		      "<03:04:06.>err\n");
	}
}

static void spans(void **state)
{
	static const char log[] =
		T("05") "stdout F a\n" T("06") "stdout F b\n" T("07") "stderr F c\n";
	struct log_reader r = {.filter = true};

	assert_int_equal(parse_rfc3339("2026-01-02T04:04:06+01:00", &r.since), 0);
	check(r, log, 1000, false, "b\n", "c\n");
	r.until = r.since;
	check(r, log, 1000, false, "b\n", "");
	r.since = (struct timespec){0};
	check(r, log, 1000, false, "a\nb\n", "");
}

static void broken(void **state)
{
	static const char *const lines[] = {
		"",
		"x",
		"no time at all, but a long line that is longer than the head of an entry is",
		"2026-01-02T03:04:05Z",
		"2026-01-02T03:04:05Z stdout",
		"2026-01-02T03:04:05Z stdout F",
		"2026-01-02T03:04:05Z stdout X text",
		"2026-01-02T03:04:05Z stdin F text",
		"2026-99-02T03:04:05Z stdout F text",
		"2026-01-02T03:04:05Zoo stdout F text",
		" stdout F text",
		"2026-01-02 03:04:05Z stdout F text",
	};

	for (size_t i = 0; i < countof(lines); i++)
		for (size_t piece = 1; piece < 90; piece += 11) {
			scoped(str) log = {0}, want = {0};
			struct log_reader r = {0};
			str_addf(&log, "%s\n" T("05") "stdout F after\n%s", lines[i], lines[i]);
			str_addf(&want, "%s\nafter\n%s", lines[i], lines[i]);
			check(r, str_cstr(&log), piece, false, str_cstr(&want), "");
		}
}

/* An endless entry is passed on as it comes, whatever was asked for. */
static void endless(void **state)
{
	static const char head[] = T("05") "stderr F ";
	static char piece[4096];
	struct text t = {0};
	struct log_reader r = {.sink = {on_line, on_text, &t}};

	memset(piece, 'x', sizeof piece);
	assert_int_equal(log_reader_feed(&r, head, sizeof head - 1), 0);
	for (int i = 0; i < 64; i++) {
		size_t before = t.s[1].len;
		assert_int_equal(log_reader_feed(&r, piece, sizeof piece), 0);
		assert_true(t.s[1].len - before + LOG_HEAD_MAX >= sizeof piece);
	}
	assert_int_equal(t.s[1].len, 64 * sizeof piece);
	str_free(&t.s[1]);
}

static void tails(void **state)
{
	static const char log[] =
		T("05") "stdout F 1\n" T("06") "stdout P 2\n" T("07") "stderr F e1\n" T(
			"08") "stdout F 2\n" T("09") "broken\n" T("10") "stderr P e2\n";
	static const struct {
		uint64_t lines;
		const char *out, *err;
	} t[] = {
		{0, "", ""},
		{1, "", "e2"},
		{2, T("09") "broken\n", "e2"},
		{3, "22\n" T("09") "broken\n", "e2"},
		{4, "22\n" T("09") "broken\n", "e1\ne2"},
		{5, "1\n22\n" T("09") "broken\n", "e1\ne2"},
		{UINT64_MAX, "1\n22\n" T("09") "broken\n", "e1\ne2"},
	};
	int fd = memfd_create("log", MFD_CLOEXEC);
	struct log_files files;

	log_files_of(&files, fd);
	assert_int_equal(fd_write_all(fd, log, sizeof log - 1), 0);
	for (size_t i = 0; i < countof(t); i++) {
		struct log_reader r = {0};
		assert_int_equal(log_tail(&files, sizeof log - 1, t[i].lines, r.from), 0);
		r.at = r.line_at = r.from[0] < r.from[1] ? r.from[0] : r.from[1];
		check(r, log, 7, false, t[i].out, t[i].err);
	}
	log_files_close(&files);
}

/* Beginnings of lines around the borders of the blocks that log_tail reads. */
static void tail_blocks(void **state)
{
	for (size_t shift = 65536 - 60; shift < 65536 + 60; shift++) {
		scoped(str) log = {0};
		struct log_reader r = {0};
		int fd = memfd_create("log", MFD_CLOEXEC);
		struct log_files files;
		log_files_of(&files, fd);
		str_add(&log, T("05") "stdout F first\n" T("06") "stdout F last ");
		while (log.len < shift)
			str_addc(&log, '.');
		str_add(&log, "\n");
		assert_int_equal(fd_write_all(fd, log.s, log.len), 0);
		assert_int_equal(log_tail(&files, (off_t)log.len, 1, r.from), 0);
		assert_int_equal(r.from[0], sizeof T("05") "stdout F first\n" - 1);
		assert_int_equal(r.from[1], log.len);
		log_files_close(&files);
	}
}

/* What log.c writes comes back byte for byte. */
static void round_trip(void **state)
{
	char dir[] = "/tmp/hoy-log-XXXXXX", *made = mkdtemp(dir);
	struct log l;
	scoped(str) text = {0};
	static const char *const pieces[] = {"a", "bc\n",	  "\n\n", "d\ne",
					     "",  "\r\tf\x1b[0m", "\n",	  "g"};

	assert_non_null(made);
	int d = open(made, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(log_open(&l, &(struct log_place){.dir = d}), 0);
	for (size_t i = 0; i < countof(pieces); i++)
		log_write(&l, i % 3 == 2, pieces[i], strlen(pieces[i]));
	log_close(&l);
	assert_int_equal(fd_read_file_at(d, "ctr.log", &text, 1 << 20), 0);
	struct log_reader r = {0};
	check(r, str_cstr(&text), 5, false, "abc\nd\ne\ng", "\n\n\r\tf\x1b[0m");
	assert_int_equal(unlinkat(d, "ctr.log", 0), 0);
	assert_int_equal(rmdir(made), 0);
	close(d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(joined),     cmocka_unit_test(spans),
		cmocka_unit_test(broken),     cmocka_unit_test(endless),
		cmocka_unit_test(tails),      cmocka_unit_test(tail_blocks),
		cmocka_unit_test(round_trip),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
