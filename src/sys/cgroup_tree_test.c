/* Hierarchies of control groups, as they are mounted on various machines. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/base.h"
#include "sys/cgroup_tree.h"

static const struct cgroup_hierarchy *find(const struct cgroup_tree *t, const char *name)
{
	for (size_t i = 0; i < t->n; i++)
		if (!strcmp(t->v[i].name, name))
			return &t->v[i];
	return NULL;
}

static void hybrid(void **state)
{
	scoped(arena) a = {0};
	struct cgroup_tree t;
	const char *cgroup =
		"9:name=systemd:/user.slice\n4:cpu,cpuacct:/a/b\n3:memory:/../x\n0::/c\n";
	const char *mounts =
		"20 1 0:5 / / rw - ext4 /dev/sda rw\n"
		"30 20 0:30 / /sys/fs/cgroup/systemd rw shared:9 - cgroup cgroup "
		"rw,xattr,name=systemd\n"
		"31 20 0:31 / /sys/fs/cgroup/cpu\\040x rw - cgroup cgroup rw,cpu,cpuacct\n"
		"32 20 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
		"33 20 0:33 / /sys/fs/cgroup/unified rw,nosuid shared:1 master:2 - cgroup2 cgroup2 "
		"rw\n"
		"34 20 0:31 / /mnt/second rw - cgroup cgroup rw,cpu,cpuacct\n"
		"35 20 broken\n";

	assert_int_equal(cgroup_tree_parse(&a, cgroup, mounts, &t), 0);
	assert_int_equal(t.n, 3);
	assert_false(t.v2);
	assert_string_equal(find(&t, "cpu,cpuacct")->mount, "/sys/fs/cgroup/cpu x");
	assert_string_equal(find(&t, "cpu,cpuacct")->own, "/a/b");
	assert_string_equal(find(&t, "name=systemd")->own, "/user.slice");
	assert_string_equal(find(&t, "")->own, "/c");
	assert_null(find(&t, "memory")); /* ours lies outside of what is seen */
}

/* In a container the mount shows a part, and our path begins above it. */
static void a_part(void **state)
{
	scoped(arena) a = {0};
	struct cgroup_tree t;
	const char *mounts = "30 20 0:30 /docker/1 /cg rw - cgroup cgroup rw,memory\n";

	assert_int_equal(cgroup_tree_parse(&a, "3:memory:/docker/1/x\n", mounts, &t), 0);
	assert_string_equal(t.v[0].own, "/x");
	assert_int_equal(cgroup_tree_parse(&a, "3:memory:/docker/1\n", mounts, &t), 0);
	assert_string_equal(t.v[0].own, "/");
	assert_int_equal(cgroup_tree_parse(&a, "3:memory:/docker/12\n", mounts, &t), 0);
	assert_null(t.v[0].own);
	assert_int_equal(cgroup_tree_parse(&a, "", mounts, &t), -ENOENT);
	assert_int_equal(cgroup_tree_parse(&a, "0::/\n", "1 2 0:1 / /c rw - cgroup2 n rw\n", &t),
			 0);
	assert_true(t.v2);
}

static void names(void **state)
{
	size_t n;
	const char *text = "12:pids:/p\n3:cpu,cpuacct:/c\n0::/two\n";

	assert_true(cgroup_name_has("cpu,cpuacct", "cpuacct"));
	assert_false(cgroup_name_has("cpu,cpuacct", "cp"));
	assert_false(cgroup_name_has("cpuset", "cpu"));
	assert_memory_equal(cgroup_path_in(text, "", &n), "/two", 4);
	assert_int_equal(n, 4);
	assert_memory_equal(cgroup_path_in(text, "cpu,cpuacct", &n), "/c", 2);
	assert_int_equal(n, 2);
	assert_null(cgroup_path_in(text, "cpu", &n));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hybrid),
		cmocka_unit_test(a_part),
		cmocka_unit_test(names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
