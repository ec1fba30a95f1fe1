/* Unit tests of users and groups by hostile files of the image. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <sys/stat.h>

#include "runtime/user.h"

static char root_name[40];
static int root;
static struct arena arena;

static int setup(void **state)
{
	snprintf(root_name, sizeof root_name, "/tmp/hoy-user-test-XXXXXX");
	assert_non_null(mkdtemp(root_name));
	root = open(root_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return mkdirat(root, "etc", 0755);
}

static int teardown(void **state)
{
	arena_free(&arena);
	close(root);
	return path_rm_tree_at(AT_FDCWD, root_name);
}

static void put(const char *path, const char *text)
{
	assert_int_equal(fd_write_file_at(root, path, text, strlen(text), 0644), 0);
}

static void is(const char *text, uid_t uid, gid_t gid, const char *home)
{
	struct user u;
	struct err e = {0};

	assert_int_equal(user_resolve(root, text, &u, &arena, &e), 0);
	assert_int_equal(u.uid, uid);
	assert_int_equal(u.gid, gid);
	assert_string_equal(u.home, home);
}

static void refused(const char *text, const char *why)
{
	struct user u;
	struct err e = {0};

	assert_true(user_resolve(root, text, &u, &arena, &e) < 0);
	assert_int_equal(e.exit, EXIT_ENGINE);
	if (!strstr(e.msg, why))
		fail_msg("\"%s\" is not in \"%s\"", why, e.msg);
}

static void ordinary(void **state)
{
	struct user u;
	struct err e = {0};

	put("etc/passwd", "root:x:0:0:root:/root:/bin/sh\n"
			  "app:x:1000:1001::/home/app:/bin/sh\nnohome:x:7:8\n");
	put("etc/group", "root:x:0:\napp:x:1001:\nextra:x:50:foo,app\nmore:x:51:app\n"
			 "mine:x:1001:app\nnot:x:52:apple,ap\n");
	is(NULL, 0, 0, "/root");
	is("", 0, 0, "/root");
	is("app", 1000, 1001, "/home/app");
	is("1000", 1000, 1001, "/home/app");
	is("app:extra", 1000, 50, "/home/app");
	is("app:77", 1000, 77, "/home/app");
	is("4242", 4242, 0, "/");
	is("4242:extra", 4242, 50, "/");
	is("nohome", 7, 8, "/");
	is("app:", 1000, 1001, "/home/app");
	assert_int_equal(user_resolve(root, "app", &u, &arena, &e), 0);
	assert_int_equal(u.ngroups, 3);
	assert_int_equal(u.groups[0], 50);
	assert_int_equal(u.groups[1], 51);
	assert_int_equal(u.groups[2], 1001);
	assert_int_equal(user_resolve(root, "app:extra", &u, &arena, &e), 0);
	assert_int_equal(u.ngroups, 1);
	assert_int_equal(u.groups[0], 50);
	refused("ghost", "no such user");
	refused("app:ghost", "no such group");
}

static void nothing_there(void **state)
{
	is(NULL, 0, 0, "/root");
	is("root", 0, 0, "/root");
	is("12:13", 12, 13, "/");
	refused("app", "no such user");
	refused("0:wheel", "no /etc/group");
}

/* A number is a number, never the name of an entry, and one that does not fit is no name either. */
static void numbers(void **state)
{
	put("etc/passwd", "4294967295:x:0:0::/root:\n4294967296:x:0:0::/root:\n1e3:x:0:0::/:\n"
			  "-1:x:0:0::/root:\n+5:x:0:0::/:\n0x5:x:0:0::/:\n"
			  "2147483648:x:0:0::/root:\n99:x:0:0::/root:\n");
	put("etc/group", "4294967295:x:0:\n99:x:0:\n");
	refused("4294967295", "does not fit");
	refused("4294967296", "does not fit");
	refused("2147483648", "does not fit");
	refused("99999999999999999999999999", "does not fit");
	refused("-1", "neither");
	refused("+5", "neither");
	refused("0x5", "neither");
	refused("1e3", "neither");
	refused("0:4294967295", "does not fit");
	refused(":", "empty");
	is("99", 99, 0, "/");
	is("0:99", 0, 99, "/root");
	is("2147483647", 2147483647, 0, "/");
	is("0099", 99, 0, "/");
}

static void lying_entries(void **state)
{
	put("etc/passwd", "big:x:4294967295:0::/:\nneg:x:-1:0::/:\nempty:x::0::/:\n"
			  "biggid:x:5:4294967296::/:\nhex:x:0x0:0::/:\nshort:x:0\n\n:::::::\n"
			  ":x:77:78::/hidden:\n"
			  "spaces:x: 5:6::/:\nok:x:5:6::/ok:\nok:x:0:0::/second:");
	put("etc/group", "g:x:99999999999:\nshort\ng:x:-1:ok\n\n:::\nlast:x:44:ok");
	static const char *const bad[] = {"big", "neg",	  "empty",  "biggid",
					  "hex", "short", "spaces", NULL};
	for (const char *const *p = bad; *p; p++)
		refused(*p, "no such user");
	is("ok", 5, 6, "/ok");
	is("77", 77, 0, "/"); /* an entry without a name is none */
	refused("ok:g", "no such group");
	is("ok:last", 5, 44, "/ok");
}

static void no_regular_files(void **state)
{
	assert_int_equal(mkfifoat(root, "etc/passwd", 0644), 0);
	refused("0", "not a regular file");
	assert_int_equal(unlinkat(root, "etc/passwd", 0), 0);
	assert_int_equal(mkdirat(root, "etc/passwd", 0755), 0);
	refused("0", "not a regular file");
	assert_int_equal(unlinkat(root, "etc/passwd", AT_REMOVEDIR), 0);
	assert_int_equal(symlinkat("passwd", root, "etc/passwd"), 0);
	refused("0", "open the container's /etc/passwd");
	assert_int_equal(unlinkat(root, "etc/passwd", 0), 0);
	/* Links stay inside: the host's files and devices are out of reach. */
	assert_int_equal(symlinkat("/dev/zero", root, "etc/passwd"), 0);
	is("0", 0, 0, "/root");
	assert_int_equal(unlinkat(root, "etc/passwd", 0), 0);
	assert_int_equal(symlinkat("../../../../../../../etc/other", root, "etc/passwd"), 0);
	put("etc/other", "app:x:3:4::/:\n");
	is("app", 3, 4, "/");
	put("etc/group", "");
	assert_int_equal(unlinkat(root, "etc/group", 0), 0);
	assert_int_equal(mkfifoat(root, "etc/group", 0644), 0);
	refused("app", "not a regular file");
	refused("app:grp", "not a regular file");
	is("app:5", 3, 5, "/"); /* needs no look at it */
}

static void huge(void **state)
{
	autoclose int fd = openat(root, "etc/passwd", O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
	scoped(str) group = {0};
	struct user u;
	struct err e = {0};

	assert_int_equal(ftruncate(fd, 1LL << 40), 0);
	refused("app", "larger than 4 MiB");
	assert_int_equal(ftruncate(fd, 0), 0);
	put("etc/passwd", "app:x:3:4::/:\n");
	for (int i = 100; i < 100 + 3 * USER_MAX_GROUPS; i++)
		str_addf(&group, "g%d:x:%d:app\n", i, i);
	put("etc/group", str_cstr(&group));
	assert_int_equal(user_resolve(root, "app", &u, &arena, &e), 0);
	assert_int_equal(u.ngroups, USER_MAX_GROUPS);
}

static void forms(void **state)
{
	static const char *const good[] = {"", "a", "0", "a:b", "1:2", "a-b_c.d", "1000:app", NULL};
	static const char *const bad[] = {":",	   ":a:b", "a b", "a/b", "a\nb",
					  "a:b:c", "-a",   "1,2", NULL};
	struct err e = {0};

	for (const char *const *p = good; *p; p++)
		assert_int_equal(user_check(*p, &e), 0);
	for (const char *const *p = bad; *p; p++)
		if (user_check(*p, &e) >= 0)
			fail_msg("\"%s\" passes", *p);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(ordinary),		TEST(nothing_there), TEST(numbers), TEST(lying_entries),
		TEST(no_regular_files), TEST(huge),	     TEST(forms),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
