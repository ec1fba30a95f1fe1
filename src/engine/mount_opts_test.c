/* Unit tests of the options that mount something. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/base.h"
#include "engine/mount_opts.h"

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

static void volumes(void **state)
{
	static const struct {
		const char *text, *why;
	} bad[] = {
		{"", "not an absolute"},
		{"tmp", "not an absolute"},
		{":/a", "source is empty"},
		{"na,me:/a", "name of a volume"},
		{"..name:/a", "name of a volume"},
		{"name:/a:bind-create-src", "unknown option"},
		{"name:/a:O,ro", "cannot both"},
		{"name:/a:upperdir=/x,workdir=/y", "for the option O"},
		{"/tmp:/a:O,upperdir=/x", "only one"},
		{"/tmp:/a:O,upperdir=x,workdir=/y", "absolute path"},
		{"/tmp:a", "not an absolute"},
		{"/tmp:", "not an absolute"},
		{"/tmp:/", "cannot be /"},
		{"/tmp:/a/..", "cannot be /"},
		{"/tmp:/proc", "/proc"},
		{"/tmp:/x/../proc/sys", "/proc"},
		{"/tmp://proc", "/proc"},
		{"/tmp:/a:ro:rw", "colons"},
		{"/tmp:/a:sync", "unknown option"},
		{"/tmp:/a:ro rw", "unknown option"},
		{"/tmp:/a:idmap=uids=0-1-2", "cannot be had"},
		{"/tmp:/a:", "empty"},
		{"/tmp:/a:ro,rw", "one too many"},
		{"/tmp:/a:slave,rprivate", "one too many"},
		{"/no/such/file:/a", "No such file"},
	};
	struct bind_list l = {0};
	struct err e;

	for (size_t i = 0; i < countof(bad); i++) {
		struct bind_list none = {0};
		e = (struct err){0};
		assert_true(mount_opts_volume(&arena, bad[i].text, false, &none, &e) < 0);
		says(&e, bad[i].why);
	}
	assert_int_equal(mount_opts_volume(&arena, "/tmp/./:/a//b/:ro,z,nosuid,,", false, &l, &e),
			 0);
	const struct config_mount *m = l.v;
	assert_int_equal(l.n, 1);
	assert_string_equal(m->source, "/tmp");
	assert_string_equal(m->destination, "/a/b");
	assert_int_equal(m->options.n, 2);
	assert_int_equal(mount_opts_volume(&arena, "name:/n", false, &l, &e), 0);
	assert_int_equal(mount_opts_volume(&arena, "/anon", true, &l, &e), 0);
	m = l.v;
	assert_string_equal(m[1].type, "volume");
	assert_string_equal(m[1].name, "name");
	assert_int_equal(m[1].options.n, 2); /* nosuid, nodev */
	assert_true(m[2].anonymous && !m[2].name && !m[2].options.n);
}

static void tmpfs(void **state)
{
	static const char *const bad[] = {"a",
					  "/",
					  "/proc/x",
					  "/a:size=x",
					  "/a:mode=9",
					  "/a:mode=",
					  "/a:uid=-1",
					  "/a:uid=4294967295",
					  "/a:huge=1",
					  "/a:ro noexec",
					  "/a:size=64m,x"};
	struct bind_list l = {0};
	struct err e = {0};

	for (size_t i = 0; i < countof(bad); i++) {
		struct bind_list none = {0};
		if (mount_opts_tmpfs(&arena, bad[i], false, &none, &e) >= 0)
			fail_msg("%s passes", bad[i]);
		assert_int_equal(e.exit, EXIT_ENGINE);
	}
	assert_int_equal(
		mount_opts_tmpfs(&arena, "/a:size=50%,mode=1777,notmpcopyup,exec", false, &l, &e),
		0);
	assert_int_equal(((struct config_mount *)l.v)->options.n, 4);
}

static void sorted(void **state)
{
	static const char *const order[] = {"/c", "/a", "/a/b", "/c/d", "/a/b/c"};
	static const char *const given[] = {"/a/b/c", "/c", "/a/b", "/a", "/c/d"};
	struct bind_list l = {0};
	struct err e = {0};

	for (size_t i = 0; i < countof(given); i++)
		assert_int_equal(mount_opts_tmpfs(&arena, given[i], false, &l, &e), 0);
	assert_int_equal(mount_opts_sort(&l, &e), 0);
	for (size_t i = 0; i < countof(order); i++)
		assert_string_equal(((struct config_mount *)l.v)[i].destination, order[i]);
	assert_int_equal(mount_opts_tmpfs(&arena, "/c/./d/", false, &l, &e), 0);
	assert_true(mount_opts_sort(&l, &e) < 0);
	says(&e, "two mounts have the destination /c/d");
}

/* What --mount makes of a text: its options in order, with blanks between. */
static void mounts(void **state)
{
	static const struct {
		const char *text, *options;
	} good[] = {
		{"type=bind,src=/tmp,dst=/m", ""},
		{"type=bind,source=/tmp,target=/m,readonly", "ro"},
		{"type=bind,src=/tmp,dst=/m,ro=true,nosuid,dev=false", "ro nosuid nodev"},
		{"type=bind,src=/tmp,dst=/m,rw=false,suid=0,noexec=F", "ro nosuid exec"},
		{"type=bind,src=/tmp,dst=/m,bind-propagation=rslave", "rslave"},
		{"type=bind,src=/tmp,dst=/m,bind-nonrecursive", "bind"},
		{"type=bind,src=/tmp,dst=/m,bind-recursive=disabled", "bind"},
		{"type=bind,src=/tmp,dst=/m,ro,bind-recursive=writable", "ro rbind ro-top"},
		{"type=bind,src=/tmp,dst=/m,ro,bind-recursive=readonly", "ro rbind"},
		{"type=bind,src=/tmp,dst=/m,relabel=shared,consistency=cached,chown", "U"},
		{"dst=/m,\"type=bind\",\"src=/tmp\"", ""},
		{"type=tmpfs,dst=/m,tmpfs-size=1m,tmpfs-mode=700", "size=1m mode=700 tmpcopyup"},
		{"type=tmpfs,dst=/m,notmpcopyup,ro", "notmpcopyup ro"},
		{"type=volume,src=v,dst=/m,volume-nocopy,suid", "nocopy suid nodev"},
		{"src=v,dst=/m,ro", "ro nosuid nodev"},
		{"type=image,src=i,dst=/m,rw=true,subpath=etc", "rw"},
		{"type=devpts,dst=/m,uid=1,gid=2,mode=620,max=9", "uid=1 gid=2 mode=620 max=9"},
	};
	struct err e = {0};

	for (size_t i = 0; i < countof(good); i++) {
		struct bind_list l = {0};
		scoped(str) got = {0};
		if (mount_opts_mount(&arena, good[i].text, false, &l, &e) < 0)
			fail_msg("%s: %s", good[i].text, e.msg);
		const struct config_mount *m = l.v;
		assert_string_equal(m->destination, "/m");
		for (size_t k = 0; k < m->options.n; k++)
			str_addf(&got, "%s%s", k ? " " : "", m->options.v[k]);
		assert_string_equal(str_cstr(&got), good[i].options);
	}
}

static void bad_mounts(void **state)
{
	static const struct {
		const char *text, *why, *hint;
	} bad[] = {
		{"", "empty", "type=bind"},
		{"src=/tmp,dst=/m", "name of a volume", "letters"},
		{"type=bin,src=/tmp,dst=/m", "unknown type", "bind?"},
		{"type=volume,src=v,dst=/m,bind-recursive=disabled", "not for type=volume", "bind"},
		{"type=volume,src=v,dst=/m,subpath=a/../b", "not a path below", "without"},
		{"type=volume,src=v,dst=/m,subpath=/a", "not a path below", "without"},
		{"type=volume,src=v,dst=/m,volume-opt==x", "no key", "KEY=VALUE"},
		{"type=image,dst=/m", "no source", "IMAGE"},
		{"type=glob,src=/no/such/*", "no file of the host", "ls"},
		{"type=glob,src=a*", "absolute", "glob"},
		{"type=devpts,dst=/m,max=x", "not a number", "max="},
		{"type=ramfs,dst=/m,tmpfs-size=1m", "not for type=ramfs", "tmpfs"},
		{"type=bind,dst=/m", "no source", "source="},
		{"type=bind,src=/tmp", "no destination", "destination="},
		{"type=bind,src=,dst=/m", "has no value", "src="},
		{"type=bind,src=/tmp,dst=m", "not an absolute", "in the container"},
		{"type=bind,src=/tmp,dst=/proc/x", "/proc", "in the container"},
		{"type=bind,src=/tmp,source=/tmp,dst=/m", "twice", "are one"},
		{"type=bind,src=/tmp,dst=/m,readnoly", "unknown key", "readonly?"},
		{"type=bind,src=/tmp,dst=/m,bind-propgation=slave", "unknown key",
		 "bind-propagation?"},
		{"type=bind,src=/tmp,dst=/m,ro=maybe", "true or false", "ro=true"},
		{"type=bind,src=/tmp,dst=/m,ro,rw", "one too many", "leave one"},
		{"type=bind,src=/tmp,dst=/m,tmpfs-size=1m", "not for type=bind", "tmpfs"},
		{"type=tmpfs,src=/tmp,dst=/m", "not for type=tmpfs", "bind"},
		{"type=tmpfs,dst=/m,tmpfs-mode=999", "mode in octal", "mode="},
		{"type=bind,src=/tmp,dst=/m,bind-propagation=odd", "no kind", "private"},
		{"type=bind,src=/tmp,dst=/m,bind-recursive=odd", "no value", "enabled"},
		{"type=bind,src=/tmp,dst=/m,bind-recursive=readonly", "is readonly", "add"},
		{"type=bind,src=/tmp,dst=/m,idmap", "cannot be had", "root"},
		{"type=bind,\"src=/tmp,dst=/m", "quote", "as in"},
		{"type=bind,src=/t\"mp,dst=/m", "quote", "quote"},
		{"type=bind,src=/no/such,dst=/m", "No such file", "mkdir"},
	};

	for (size_t i = 0; i < countof(bad); i++) {
		struct bind_list none = {0};
		struct err e = {0};
		if (mount_opts_mount(&arena, bad[i].text, false, &none, &e) >= 0)
			fail_msg("%s passes", bad[i].text);
		says(&e, bad[i].why);
		if (!strstr(e.hint, bad[i].hint))
			fail_msg("%s: hint %s", bad[i].text, e.hint);
	}
}

static void devices(void **state)
{
	static const char *const bad[] = {"null",
					  "",
					  "/dev/null:q",
					  "/dev/null:rr",
					  "/dev/null:rwmr",
					  "/dev/null:",
					  "/dev/null:/a:",
					  "/dev/null:/",
					  "/dev/null:/proc/x",
					  "/dev/null:/a:r:m",
					  "/etc/passwd",
					  "/dev/nope",
					  "vendor.com/gpu=1"};
	struct bind_list l = {0};
	struct err e = {0};

	for (size_t i = 0; i < countof(bad); i++) {
		struct bind_list none = {0};
		e = (struct err){0};
		if (mount_opts_device(&arena, bad[i], &none, &e) >= 0)
			fail_msg("%s passes", bad[i]);
		assert_true(*e.hint);
	}
	assert_int_equal(mount_opts_device(&arena, "/dev/null:/dev/./x:rw", &l, &e), 0);
	assert_int_equal(mount_opts_device(&arena, "/dev/null:rwm", &l, &e), 0);
	const struct config_device *d = l.v;
	assert_string_equal(d[0].destination, "/dev/x");
	assert_string_equal(d[0].permissions, "rw");
	assert_string_equal(d[1].destination, "/dev/null");
}

#define TEST(f) cmocka_unit_test_teardown(f, teardown)
int main(void)
{
	const struct CMUnitTest tests[] = {TEST(volumes), TEST(tmpfs),	    TEST(sorted),
					   TEST(mounts),  TEST(bad_mounts), TEST(devices)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
