/* Unit tests of writing logs: the format, long lines, a full disk in the middle of an entry, and no log at all. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <sys/resource.h>

#include "base/base.h"
#include "monitor/log.h"
#include "monitor/log_read.h"

struct fixture {
	char name[40];
	int dir;
	struct log log;
	struct str file;
};

static int setup(void **state)
{
	struct fixture *f = xcalloc(1, sizeof *f);

	snprintf(f->name, sizeof f->name, "/tmp/hoy-log-test-XXXXXX");
	assert_non_null(mkdtemp(f->name));
	f->dir = open(f->name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(log_open(&f->log, &(struct log_place){.dir = f->dir}), 0);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	log_close(&f->log);
	path_rm_tree_at(AT_FDCWD, f->name);
	close(f->dir);
	str_free(&f->file);
	free(f);
	return 0;
}

/* Reads the log and checks that every line is a whole entry. Returns the text of all entries of one stream, joined. */
static char *text_of(struct fixture *f, bool is_stderr)
{
	scoped(str) out = {0};

	str_reset(&f->file);
	assert_int_equal(fd_read_file_at(f->dir, "ctr.log", &f->file, 64 << 20), 0);
	const char *p = str_cstr(&f->file), *end = p + f->file.len;
	while (p < end) {
		const char *nl = memchr(p, '\n', (size_t)(end - p));
		assert_non_null(nl); /* no torn end */
		struct log_entry le = log_parse_head(p, (size_t)(nl - p) + 1);
		assert_int_not_equal(le.head, 0);
		if (le.is_stderr == is_stderr) {
			str_addn(&out, p + le.head, (size_t)(nl - p) - le.head);
			if (!le.partial)
				str_addc(&out, '\n');
		}
		p = nl + 1;
	}
	return xstrdup(str_cstr(&out));
}

static void format(void **state)
{
	struct fixture *f = *state;

	log_write(&f->log, false, "one\ntwo", 7);
	log_write(&f->log, true, "err\n\n", 5);
	log_write(&f->log, false, "\n", 1);
	autofree char *out = text_of(f, false), *err = text_of(f, true);
	assert_string_equal(out, "one\ntwo\n");
	assert_string_equal(err, "err\n\n");
	assert_non_null(strstr(f->file.s, " stdout F one\n"));
	assert_non_null(strstr(f->file.s, " stdout P two\n"));
	assert_non_null(strstr(f->file.s, " stderr F \n"));
}

/* Every length around the size of the buffer comes back as it was. */
static void lengths(void **state)
{
	struct fixture *f = *state;
	scoped(str) all = {0};

	for (size_t n = 8000; n < 8300; n += 7) {
		autofree char *line = xmalloc(n + 1);
		memset(line, 'a' + (int)(n % 26), n);
		line[n] = '\n';
		log_write(&f->log, false, line, n + 1);
		str_addn(&all, line, n + 1);
	}
	autofree char *got = text_of(f, false);
	assert_string_equal(got, str_cstr(&all));
}

static int on_text(void *arg, bool is_stderr, const char *p, size_t n)
{
	str_addn(&((struct str *)arg)[is_stderr], p, n);
	return 0;
}

/* The same in the local form: what is told and what is kept make up what was written, and times are known all the way. */
static void full_local(void **state)
{
	struct fixture *f = *state;
	static char line[16384];
	struct rlimit old, small;
	struct log l;

	memset(line, 'x', sizeof line);
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	for (rlim_t size = 10; size < 20000; size += 997) {
		struct str out[2] = {0};
		struct log_reader r = {.sink = {NULL, on_text, out}};
		unlinkat(f->dir, "ctr.log", 0);
		assert_int_equal(
			log_open(&l, &(struct log_place){.dir = f->dir, .form = LOG_LOCAL}), 0);
		small = (struct rlimit){size, old.rlim_max};
		assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
		log_write(&l, false, line, sizeof line);
		log_write(&l, false, "lost\n", 5);
		assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
		log_write(&l, false, "after\n", 6);
		log_close(&l);
		str_reset(&f->file);
		assert_int_equal(fd_read_file_at(f->dir, "ctr.log", &f->file, 1 << 20), 0);
		assert_int_equal(f->file.s[0], '@');
		assert_int_equal(log_reader_feed(&r, f->file.s, f->file.len), 0);
		assert_int_equal(log_reader_end(&r), 0);
		const char *said = strstr(str_cstr(&out[1]), "hoy: "), *got = str_cstr(&out[0]);
		uint64_t lost = said ? strtoull(said + 5, NULL, 10) : 0, kept = strspn(got, "x");
		assert_int_equal(lost + kept + (strstr(got, "lost\n") ? 5 : 0), sizeof line + 5);
		assert_true(str_ends(got, "after\n"));
		str_free(&out[0]);
		str_free(&out[1]);
	}
}

/* The file may not grow beyond some point, wherever in an entry that is: what is there is whole, and what is lost is told. */
static void full(void **state)
{
	struct fixture *f = *state;
	static char line[16384];
	struct rlimit old, small;

	memset(line, 'x', sizeof line);
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	for (rlim_t size = 8000; size < 20000; size += 997) {
		assert_int_equal(ftruncate(f->log.fd, 0), 0);
		f->log.end = 0;
		small = (struct rlimit){size, old.rlim_max};
		assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
		log_write(&f->log, false, line, sizeof line);
		log_write(&f->log, false, "lost\n", 5);
		assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
		log_write(&f->log, false, "after\n", 6);
		autofree char *out = text_of(f, false), *err = text_of(f, true);
		uint64_t lost = 0, kept = strspn(out, "x");
		const char *said = strstr(err, "hoy: ");
		if (said)
			lost = strtoull(said + 5, NULL, 10);
		assert_int_equal(lost + kept + (strstr(out, "lost\n") ? 5 : 0), sizeof line + 5);
		assert_true(str_ends(out, "after\n"));
	}
}

static void no_log(void **state)
{
	struct fixture *f = *state;
	struct log l;

	assert_int_equal(unlinkat(f->dir, "ctr.log", 0), 0);
	assert_int_equal(symlinkat("/dev/full", f->dir, "ctr.log"), 0);
	assert_true(log_open(&l, &(struct log_place){.dir = f->dir}) < 0);
	log_write(&l, false, "nothing\n", 8);
	log_close(&l);
}

/* Files of at most the limit, whole entries in each, and read together the end of what was written. */
static void rotation(void **state)
{
	struct fixture *f = *state;
	scoped(str) wrote = {0};
	struct log l;
	struct log_files files;
	char name[LOG_NAME_MAX + 12], buf[700];
	struct stat st;

	assert_int_equal(log_open(&l, &(struct log_place){.dir = f->dir, .max = 1000, .files = 3}),
			 0);
	for (int i = 0; i < 100; i++) {
		int n = snprintf(buf, sizeof buf, "line %d\n", i);
		log_write(&l, false, buf, (size_t)n);
	}
	log_close(&l);
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(fstatat(f->dir, log_file_name(name, "ctr.log", i), &st, 0), 0);
		assert_in_range(st.st_size, 1, 1000);
	}
	assert_true(fstatat(f->dir, log_file_name(name, "ctr.log", 3), &st, 0) < 0);
	assert_true(fstatat(f->dir, "ctr.log.new", &st, 0) < 0);
	assert_int_equal(log_files_open(&files, f->dir, "ctr.log"), 0);
	assert_int_equal(files.n, 3);
	ssize_t n;
	for (off_t at = 0; (n = log_files_read(&files, buf, sizeof buf, at)) > 0; at += n)
		str_addn(&wrote, buf, (size_t)n);
	assert_int_equal(wrote.len, log_files_end(&files));
	assert_true(str_ends(str_cstr(&wrote), "line 99\n"));
	int first = 100;
	for (const char *s = str_cstr(&wrote); (s = strstr(s, "line ")); s++, first--)
		;
	assert_in_range(first, 1, 99);
	snprintf(buf, sizeof buf, "line %d\n", first);
	assert_non_null(strstr(str_cstr(&wrote), buf));
	log_files_close(&files);
}

/* A follower goes from file to file, however many renames there were since it looked. */
static void following(void **state)
{
	struct fixture *f = *state;
	struct log l;
	struct log_files files;
	const struct log_place place = {.dir = f->dir, .max = 200, .files = 20};
	char buf[64];
	const off_t head = 30 + sizeof " stdout F " - 1;
	off_t at = 0, want = head + 6;

	assert_int_equal(log_open(&l, &place), 0);
	log_write(&l, false, "first\n", 6);
	assert_int_equal(log_files_open(&files, f->dir, "ctr.log"), 0);
	for (int round = 0, i = 0; round < 5; round++) {
		for (int k = 0; k < 10; k++, i++) {
			int n = snprintf(buf, sizeof buf, "number %d\n", i);
			log_write(&l, false, buf, (size_t)n);
			want += head + n;
		}
		do {
			ssize_t n;
			while ((n = log_files_read(&files, buf, sizeof buf, at)) > 0)
				at += n;
		} while (log_files_next(&files, at));
		assert_int_equal(at, log_files_end(&files));
		assert_false(files.missed);
		assert_in_range(files.n, 1, 2);
	}
	assert_int_equal(at, want); /* not a byte less or more */
	log_close(&l);
	log_files_close(&files);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(format, setup, teardown),
		cmocka_unit_test_setup_teardown(lengths, setup, teardown),
		cmocka_unit_test_setup_teardown(full, setup, teardown),
		cmocka_unit_test_setup_teardown(full_local, setup, teardown),
		cmocka_unit_test_setup_teardown(no_log, setup, teardown),
		cmocka_unit_test_setup_teardown(rotation, setup, teardown),
		cmocka_unit_test_setup_teardown(following, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
