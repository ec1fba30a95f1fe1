#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <sys/mman.h>

#include "base/base.h"

#include "data/tar_make.h"
#include "store/archive.h"

static char root[] = "/tmp/hoy-archive-test.XXXXXX";
static struct home home;

static int setup(void **state)
{
	struct err e = {0};

	return !mkdtemp(root) || home_open(&home, root, &e) < 0 ? -1 : 0;
}

static int teardown(void **state)
{
	home_free(&home);
	return path_rm_tree_at(AT_FDCWD, root);
}

static void put(struct str *s, char type, const char *name, const char *link, const char *data)
{
	mk_owned(s, type, name, link, 0644, 0, 0, data);
}

static void end(struct str *s)
{
	static const char zero[1024];

	str_addn(s, zero, sizeof zero);
}

static int as_file(const struct str *s)
{
	int fd = memfd_create("archive", MFD_CLOEXEC);

	assert_int_equal(fd_write_all(fd, s->s, s->len), 0);
	lseek(fd, 0, SEEK_SET);
	return fd;
}

static int as_pipe(const struct str *s)
{
	int p[2];

	assert_int_equal(pipe2(p, O_CLOEXEC), 0);
	fcntl(p[1], F_SETPIPE_SZ, 1 << 20);
	assert_int_equal(fd_write_all(p[1], s->s, s->len), 0);
	close(p[1]);
	return p[0];
}

static void reads(const struct archive *ar, const char *name, const char *want)
{
	scoped(str) text = {0};
	struct err e = {0};

	if (archive_read(ar, name, 1000, &text, &e) < 0)
		fail_msg("%s: %s", name, e.msg);
	assert_string_equal(str_cstr(&text), want);
}

static void fails(const struct archive *ar, const char *name, const char *why)
{
	scoped(str) text = {0};
	struct err e = {0};

	assert_true(archive_read(ar, name, 1000, &text, &e) < 0);
	assert_int_equal(e.id, ERR_ARCHIVE);
	if (!strstr(e.msg, why))
		fail_msg("%s: %s", name, e.msg);
}

static void test_files_and_links(void **state)
{
	scoped(str) s = {0};
	struct err e = {0};

	put(&s, '5', "a/", NULL, NULL);
	put(&s, '0', "./a/file", NULL, "content");
	put(&s, '2', "b/sym", "../a/file", NULL);
	put(&s, '1', "b/hard", "a/file", NULL);
	put(&s, '2', "b/chain", "sym", NULL);
	put(&s, '2', "loop", "loop", NULL);
	put(&s, '2', "dangling", "nowhere", NULL);
	put(&s, '0', "twice", NULL, "1");
	put(&s, '0', "twice", NULL, "2");
	put(&s, '0', "empty", NULL, NULL);
	end(&s);
	for (int pipe = 0; pipe < 2; pipe++) {
		struct archive *ar = NULL;
		autoclose int fd = pipe ? as_pipe(&s) : as_file(&s);
		if (archive_open(&ar, &home, fd, "x.tar", &e) < 0)
			fail_msg("%s", e.msg);
		reads(ar, "a/file", "content");
		reads(ar, "./a/file", "content");
		reads(ar, "b/sym", "content");
		reads(ar, "b/hard", "content");
		reads(ar, "b/chain", "content");
		reads(ar, "empty", "");
		fails(ar, "loop", "too many links");
		fails(ar, "dangling", "lacks");
		fails(ar, "a", "lacks");
		fails(ar, "twice", "two entries");
		fails(ar, "../a/file", "leaves");
		fails(ar, "/a/file", "leaves");
		assert_true(archive_has(ar, "b/sym"));
		assert_false(archive_has(ar, "nothing"));
		archive_close(ar);
	}
}

static void refused(const struct str *s, const char *why)
{
	for (int pipe = 0; pipe < 2; pipe++) {
		struct archive *ar = NULL;
		struct err e = {0};
		autoclose int fd = pipe ? as_pipe(s) : as_file(s);
		if (archive_open(&ar, &home, fd, "x.tar", &e) >= 0)
			fail_msg("accepted: %s", why);
		assert_int_equal(e.id, ERR_ARCHIVE);
		assert_true(e.hint[0]);
		if (!strstr(e.msg, why) || !strstr(e.msg, "x.tar"))
			fail_msg("%s", e.msg);
	}
}

static void test_refused(void **state)
{
	static const struct {
		char type;
		const char *name, *link, *why;
	} bad[] = {
		{'0', "../x", NULL, "leaves the archive"},
		{'0', "a/../../x", NULL, "leaves the archive"},
		{'0', "/etc/passwd", NULL, "leaves the archive"},
		{'2', "l", "../x", "points out"},
		{'2', "l", "/etc/passwd", "points out"},
		{'2', "a/l", "../../x", "points out"},
		{'1', "a/l", "../x", "points out"},
	};

	for (size_t i = 0; i < countof(bad); i++) {
		scoped(str) s = {0};
		put(&s, bad[i].type, bad[i].name, bad[i].link, bad[i].link ? NULL : "x");
		end(&s);
		refused(&s, bad[i].why);
	}
	scoped(str) cut = {0};
	put(&cut, '0', "file", NULL, "content");
	cut.len = 700;
	refused(&cut, "");
	scoped(str) none = {0};
	end(&none);
	refused(&none, "no files");
}

static void test_directory(void **state)
{
	struct archive *ar = NULL;
	struct err e = {0};
	autoclose int fd = home_dir(&home, "layout", &e);

	assert_int_equal(fd_write_file_at(fd, "file", "content", 7, 0644), 0);
	assert_int_equal(symlinkat("/etc/hostname", fd, "out"), 0);
	assert_int_equal(symlinkat("file", fd, "in"), 0);
	assert_int_equal(mkfifoat(fd, "fifo", 0644), 0);
	assert_int_equal(archive_open(&ar, &home, fd, "layout", &e), 0);
	reads(ar, "file", "content");
	reads(ar, "in", "content");
	fails(ar, "nothing", "lacks");
	fails(ar, "fifo", "not a file");
	scoped(str) text = {0};
	assert_true(archive_read(ar, "out", 1000, &text, &e) < 0);
	assert_true(archive_read(ar, "../file", 1000, &text, &e) < 0);
	assert_true(archive_read(ar, "file", 6, &text, &e) < 0);
	archive_close(ar);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_files_and_links),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_directory),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
