/* Unit tests of the local form of logs: what it costs, that it gives back every byte and time, and what a cut at any byte leaves of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/base.h"
#include "base/parse.h"
#include "base/rand.h"
#include "monitor/log.h"
#include "monitor/log_read.h"

struct fixture {
	char name[40];
	int dir;
};

static int setup(void **state)
{
	struct fixture *f = xcalloc(1, sizeof *f);

	snprintf(f->name, sizeof f->name, "/tmp/hoy-form-test-XXXXXX");
	assert_non_null(mkdtemp(f->name));
	f->dir = open(f->name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	path_rm_tree_at(AT_FDCWD, f->name);
	close(f->dir);
	free(f);
	return 0;
}

struct got {
	struct str text[2], times;
	size_t lines;
};

static int on_line(void *arg, bool is_stderr, const char *when)
{
	struct got *g = arg;

	g->lines++;
	str_addf(&g->times, "%s\n", when);
	return 0;
}

static int on_text(void *arg, bool is_stderr, const char *p, size_t n)
{
	str_addn(&((struct got *)arg)->text[is_stderr], p, n);
	return 0;
}

static void got_free(struct got *g)
{
	str_free(&g->text[0]);
	str_free(&g->text[1]);
	str_free(&g->times);
	*g = (struct got){0};
}

static void feed(struct got *g, struct log_reader *r, const char *p, size_t n, size_t piece)
{
	r->sink = (struct log_sink){on_line, on_text, g};
	r->times = true;
	for (size_t at = 0; at < n; at += piece)
		assert_int_equal(log_reader_feed(r, p + at, n - at < piece ? n - at : piece), 0);
	assert_int_equal(log_reader_end(r), 0);
}

static void read_back(int dir, const char *name, struct got *g)
{
	scoped(str) text = {0};
	struct log_reader r = {0};

	assert_int_equal(fd_read_file_at(dir, name, &text, 256 << 20), 0);
	feed(g, &r, str_cstr(&text), text.len, 1000);
}

static void open_local(const struct fixture *f, struct log *l, int64_t max, int64_t files)
{
	assert_int_equal(log_open(l, &(struct log_place){.dir = f->dir,
							 .max = max,
							 .files = files,
							 .form = LOG_LOCAL}),
			 0);
}

static void binary(void **state)
{
	struct fixture *f = *state;
	enum { SIZE = 300000 };
	autofree char *bytes = xmalloc(SIZE);
	struct got g = {0};
	struct log l;

	for (size_t i = 0; i + 8 <= SIZE; i += 8)
		memcpy(bytes + i, &(uint64_t){rand_u64()}, 8);
	open_local(f, &l, 0, 1);
	for (size_t at = 0, n; at < SIZE; at += n) {
		n = 1 + (unsigned char)bytes[at] * 60U;
		n = n > SIZE - at ? SIZE - at : n;
		log_write(&l, false, bytes + at, n);
		log_write(&l, true, bytes + at, n);
	}
	log_close(&l);
	read_back(f->dir, "ctr.log", &g);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(g.text[i].len, SIZE);
		assert_memory_equal(g.text[i].s, bytes, SIZE);
	}
	got_free(&g);
}

/* Lines of 80 bytes, each written by itself, cost at most a tenth more than they are. */
static void size(void **state)
{
	struct fixture *f = *state;
	enum { LINES = 20000, LINE = 80 };
	char line[LINE];
	struct stat st;
	struct log l;

	memset(line, 'x', sizeof line);
	line[LINE - 1] = '\n';
	open_local(f, &l, 0, 1);
	for (int i = 0; i < LINES; i++)
		log_write(&l, i % 2, line, sizeof line);
	log_close(&l);
	assert_int_equal(fstatat(f->dir, "ctr.log", &st, 0), 0);
	assert_true(st.st_size * 10 <= (off_t)LINES * LINE * 11);
}

/* Slow output too: six seconds to a day between the lines. */
static void slow(void **state)
{
	for (int64_t gap = 6; gap < 86400; gap *= 4) {
		struct log_anchor a = {0};
		char head[LOG_HEAD_MAX];
		size_t all = 0;
		for (int64_t i = 0; i < 2000; i++) {
			size_t n = log_put_head(head, LOG_LOCAL, &a,
						(struct timespec){1700000000 + i * gap, 0}, false,
						false);
			all += n + 80;
			a.since += n + 80;
		}
		assert_true(gap > 3600 || all * 100 <= 2000 * 80 * 111);
		assert_true(all * 10 <= 2000 * 80 * 15); /* an anchor each time */
	}
}

/* What is left of a log that ends at any byte is a beginning of the output, at most with a newline behind it; and what is added to it is whole. */
static void cut_anywhere(void **state)
{
	struct fixture *f = *state;
	scoped(str) log = {0}, out = {0};
	char line[100];
	struct log l;

	open_local(f, &l, 0, 1);
	for (int i = 0; i < 30; i++) {
		int n = snprintf(line, sizeof line, "%d %.*s%s", i, i,
				 "==============================", i % 3 ? "\n" : "");
		log_write(&l, false, line, (size_t)n);
		str_addn(&out, line, (size_t)n);
	}
	log_close(&l);
	assert_int_equal(fd_read_file_at(f->dir, "ctr.log", &log, 1 << 20), 0);
	for (size_t cut = 30; cut <= log.len; cut++) {
		struct log_reader r = {0};
		struct got g = {0};
		feed(&g, &r, log.s, cut, 7);
		size_t n = g.text[0].len;
		assert_true(n <= out.len && !memcmp(str_cstr(&g.text[0]), out.s, n));
		got_free(&g);

		assert_int_equal(fd_write_file_at(f->dir, "ctr.log", log.s, cut, 0600), 0);
		open_local(f, &l, 0, 1);
		log_write(&l, true, "after\n", 6);
		log_close(&l);
		read_back(f->dir, "ctr.log", &g);
		assert_string_equal(str_cstr(&g.text[1]), "after\n");
		got_free(&g);
	}
}

/* Times come back to the microsecond, also when the clock is set back. */
static void times(void **state)
{
	static const int64_t at[] = {
		1000000000000001, 1000000000000001, 1000000000000065, 1000003600000000,
		999000000000000,  1000003600000001, 1000000,	      1,
		4102444800000000};
	struct log_anchor a = {0};
	scoped(str) log = {0}, want = {0};
	struct log_reader r = {0};
	struct got g = {0};
	char head[LOG_HEAD_MAX], when[40];

	for (size_t i = 0; i < countof(at); i++) {
		struct timespec t = {at[i] / 1000000, at[i] % 1000000 * 1000};
		str_addn(&log, head, log_put_head(head, LOG_LOCAL, &a, t, false, false));
		str_add(&log, "\n");
		str_addf(&want, "%s\n", time_rfc3339(when, sizeof when, t));
	}
	feed(&g, &r, log.s, log.len, 3);
	assert_string_equal(str_cstr(&g.times), str_cstr(&want));
	got_free(&g);
}

/* Each file of a log that is rotated can be read without those before it, and the end of a log without its beginning. */
static void anchors(void **state)
{
	struct fixture *f = *state;
	struct log_files files;
	char name[LOG_NAME_MAX + 12];
	struct log l;
	off_t from[2];

	open_local(f, &l, 4000, 4);
	for (int i = 0; i < 2000; i++)
		log_write(&l, false, "some line of text\n", 18);
	log_close(&l);
	for (unsigned i = 0; i < 4; i++) {
		struct got g = {0};
		read_back(f->dir, log_file_name(name, "ctr.log", i), &g);
		assert_true(g.lines > 100 && str_starts(g.times.s, "20"));
		assert_null(strstr(g.times.s, "\n\n"));
		got_free(&g);
	}
	assert_int_equal(log_files_open(&files, f->dir, "ctr.log"), 0);
	off_t end = log_files_end(&files);
	assert_int_equal(log_tail(&files, end, 3, from), 0);
	assert_true(log_anchor_at(&files, from[0]) > 1600000000000000);
	assert_int_equal(log_anchor_at(&files, 0), 0);
	log_files_close(&files);
}

/* A log that was begun by an older hoy goes on in the new form. */
static void both_forms(void **state)
{
	struct fixture *f = *state;
	struct got g = {0};
	struct log l;

	assert_int_equal(log_open(&l, &(struct log_place){.dir = f->dir}), 0);
	log_write(&l, false, "old\npart", 8);
	log_close(&l);
	open_local(f, &l, 0, 1);
	log_write(&l, false, " of it\nnew\n", 11);
	log_close(&l);
	read_back(f->dir, "ctr.log", &g);
	assert_string_equal(str_cstr(&g.text[0]), "old\npart of it\nnew\n");
	got_free(&g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(binary, setup, teardown),
		cmocka_unit_test_setup_teardown(size, setup, teardown),
		cmocka_unit_test(slow),
		cmocka_unit_test_setup_teardown(cut_anywhere, setup, teardown),
		cmocka_unit_test(times),
		cmocka_unit_test_setup_teardown(anchors, setup, teardown),
		cmocka_unit_test_setup_teardown(both_forms, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
