/* Unit tests of removing trees: deeper than there are descriptors, and with names in the way. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <sys/resource.h>

#include "base/base.h"

static int scratch(char *name)
{
	assert_non_null(mkdtemp(name));
	int fd = open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(fd >= 0);
	return fd;
}

/* Makes a chain of directories below dir and leaves a file and a locked directory at its end. */
static void make_deep(int dir, const char *name, int depth)
{
	int at = dup(dir);

	for (int i = 0; i < depth; i++) {
		assert_int_equal(mkdirat(at, i ? "d" : name, 0755), 0);
		int next = openat(at, i ? "d" : name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		assert_true(next >= 0);
		close(at);
		at = next;
	}
	assert_int_equal(fd_write_file_at(at, "file", "x", 1, 0600), 0);
	assert_int_equal(mkdirat(at, "locked", 0), 0);
	close(at);
}

static void deep(void **state)
{
	char name[] = "/tmp/hoy-path-test-XXXXXX";
	int dir = scratch(name);
	struct rlimit old, few;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	make_deep(dir, "tree", 3000);
	few = old;
	few.rlim_cur = 256;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	assert_int_equal(path_rm_tree_at(dir, "tree"), 0);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
	assert_int_equal(faccessat(dir, "tree", F_OK, 0), -1);
	close(dir);
	assert_int_equal(rmdir(name), 0);
}

static void names_in_the_way(void **state)
{
	char name[] = "/tmp/hoy-path-test-XXXXXX";
	int dir = scratch(name);

	assert_int_equal(mkdirat(dir, "tree", 0755), 0);
	int tree = openat(dir, "tree", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(symlinkat("/", tree, ".rm-1"), 0);
	make_deep(tree, ".rm-2", 130);
	make_deep(tree, "a", 200);
	close(tree);
	assert_int_equal(path_rm_tree_at(dir, "tree"), 0);
	close(dir);
	assert_int_equal(rmdir(name), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(deep),
		cmocka_unit_test(names_in_the_way),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
