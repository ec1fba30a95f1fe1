/*
 * Unit tests of the unpacker: honest and hostile layers, built byte by byte. They run in form "one" and need no privilege;
 * layers_test.c has what needs mapped ids. Everything happens below a directory of the test, whose parent holds a canary.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include "base/base.h"
#include "data/tar_make.h"
#include "store/unpack.h"

static char base[64]; /* holds canary, diff/ and side/ */
static int base_fd;

/* The directory must be on a disk: an old tmpfs keeps no user xattrs. */
static int set_up(void **state)
{
	snprintf(base, sizeof base, "/var/tmp/hoy-unpack-XXXXXX");
	if (!mkdtemp(base))
		return -1;
	base_fd = open(base, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	fd_write_file_at(base_fd, "canary", "alive", 5, 0644);
	return mkdirat(base_fd, "diff", 0755) | mkdirat(base_fd, "side", 0755);
}

static int tear_down(void **state)
{
	scoped(str) canary = {0};

	assert_int_equal(fd_read_file_at(base_fd, "canary", &canary, 100), 0);
	assert_string_equal(canary.s, "alive");
	assert_int_equal(faccessat(base_fd, "x", F_OK, AT_SYMLINK_NOFOLLOW), -1);
	close(base_fd);
	return path_rm_tree_at(AT_FDCWD, base);
}

static int unpack_form(const struct str *tar, enum u0_form form, const struct unpack_limits *lim,
		       struct unpack_stats *st, struct err *e)
{
	struct u0_map map = {form, {{{0, geteuid(), 1}}, 1}, {{{0, getegid(), 1}}, 1}};
	autoclose int dir = openat(base_fd, "diff", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	autoclose int side = openat(base_fd, "side", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	mode_t mask = umask(0);
	struct unpack *u;

	*e = (struct err){0};
	assert_int_equal(unpack_open(&u, dir, side, &map, lim, "layer x", e), 0);
	int r = unpack_feed(u, tar->s, tar->len, e);
	if (r == 0)
		r = unpack_finish(u, st, e);
	unpack_close(u);
	umask(mask);
	return r;
}

static void unpacks(const struct str *tar, struct unpack_stats *st)
{
	struct unpack_stats mine;
	struct err e;

	if (unpack_form(tar, FORM_ONE, NULL, st ? st : &mine, &e) < 0)
		fail_msg("%s", e.msg);
}

static void refused_as(const struct str *tar, enum err_id id, const char *why)
{
	struct unpack_stats st;
	struct err e;

	assert_true(unpack_form(tar, FORM_ONE, NULL, &st, &e) < 0);
	if (e.id != id || !strstr(e.msg, why) || !str_starts(e.msg, "layer x: "))
		fail_msg("%s: \"%s\" does not say \"%s\"", err_id_name(e.id), e.msg, why);
}

static void refused(const struct str *tar, const char *why)
{
	refused_as(tar, ERR_LAYER, why);
}

static void holds(const char *name, const char *want)
{
	scoped(str) got = {0};
	autofree char *path = path_join("diff", name);
	int r = fd_read_file_at(base_fd, path, &got, 1 << 20);

	if (r < 0)
		fail_msg("%s: %s", name, strerror(-r));
	assert_string_equal(str_cstr(&got), want);
}

static struct stat look(const char *name)
{
	autofree char *path = path_join("diff", name);
	struct stat st = {0};

	if (fstatat(base_fd, path, &st, AT_SYMLINK_NOFOLLOW) < 0)
		st.st_mode = 0;
	return st;
}

static bool is_whiteout(const char *name)
{
	struct stat st = look(name);

	return S_ISCHR(st.st_mode) && st.st_rdev == makedev(0, 0);
}

static const char *xattr(const char *name, const char *attr)
{
	static char buf[200];
	autofree char *path = xasprintf("%s/diff/%s", base, name);
	ssize_t n = lgetxattr(path, attr, buf, sizeof buf - 1);

	buf[n < 0 ? 0 : n] = 0;
	return n < 0 ? NULL : buf;
}

static void ordinary(void **state)
{
	scoped(str) s = {0};
	struct unpack_stats st;
	char target[20] = {0};

	mk_owned(&s, '5', "./", NULL, 0750, 0, 0, NULL);
	mk_owned(&s, '5', "./bin/", NULL, 01777, 0, 0, NULL);
	mk_owned(&s, '0', "./bin/su", NULL, 04755, 0, 0, "#!");
	mk_file(&s, "/etc/deep/er/file", "text");
	mk_symlink(&s, "lib", "usr/lib");
	mk_hardlink(&s, "bin/sudo", "./bin/su");
	mk_owned(&s, '6', "pipe", NULL, 0600, 0, 0, NULL);
	mk_file(&s, "bin/empty", "");
	mk_end(&s);
	unpacks(&s, &st);
	assert_int_equal(st.entries, 8);
	assert_int_equal(st.bytes, 6);
	holds("etc/deep/er/file", "text");
	assert_int_equal(look("bin/su").st_mode, S_IFREG | 04755);
	assert_int_equal(look("bin/su").st_mtime, 1700000000);
	assert_int_equal(look("bin/su").st_ino, look("bin/sudo").st_ino);
	assert_int_equal(look("bin").st_mode, S_IFDIR | 01777);
	assert_int_equal(look("bin").st_mtime, 1700000000); /* though files came into it later */
	assert_int_equal(look(".").st_mode, S_IFDIR | 0750);
	assert_int_equal(look(".").st_mtime, 1700000000);
	assert_int_equal(look("etc").st_mode, S_IFDIR | 0755);
	assert_int_equal(look("pipe").st_mode, S_IFIFO | 0600);
	assert_int_equal(look("lib").st_mtime, 1700000000);
	assert_int_equal(look("bin/empty").st_size, 0);
	autofree char *path = xasprintf("%s/diff/lib", base);
	assert_int_equal(readlink(path, target, sizeof target), 7);
	assert_string_equal(target, "usr/lib");
	assert_int_equal(faccessat(base_fd, "side/owners", F_OK, 0), -1);
}

static void later_replaces_earlier(void **state)
{
	scoped(str) s = {0};

	mk_file(&s, "a", "first");
	mk_file(&s, "a", "second");
	mk_dir(&s, "d");
	mk_file(&s, "d/keep", "kept");
	mk_owned(&s, '5', "d", NULL, 0700, 0, 0, NULL); /* over a directory: only its attributes */
	mk_dir(&s, "gone/sub");
	mk_file(&s, "gone/sub/f", "x");
	mk_file(&s, "gone", "a file now");
	mk_file(&s, "f", "x");
	mk_dir(&s, "f");
	mk_file(&s, "f/g", "y");
	mk_symlink(&s, "l", "a");
	mk_file(&s, "l", "not through the link");
	mk_file(&s, "h1", "one");
	mk_hardlink(&s, "h2", "h1");
	mk_file(&s, "h1", "two"); /* must not write into h2 */
	mk_hardlink(&s, "h2", "h2");
	mk_hardlink(&s, "a", "h1");
	mk_end(&s);
	unpacks(&s, NULL);
	holds("a", "two");
	holds("d/keep", "kept");
	assert_int_equal(look("d").st_mode, S_IFDIR | 0700);
	assert_int_equal(look("d").st_mtime, 1700000000);
	holds("gone", "a file now");
	holds("f/g", "y");
	holds("l", "not through the link");
	holds("h1", "two");
	holds("h2", "one");
}

static void out_of_order(void **state)
{
	scoped(str) s = {0};

	mk_file(&s, "a/b/c/one", "1");
	mk_file(&s, "z/two", "2");
	mk_file(&s, "a/b/three", "3");
	mk_owned(&s, '5', "a/b", NULL, 0711, 0, 0, NULL);
	mk_file(&s, "a/b/c/four", "4");
	mk_owned(&s, '5', "a", NULL, 0711, 0, 0, NULL);
	mk_file(&s, "a/b/again", "6");
	mk_file(&s, "a/bc/d", "5"); /* shares letters with a/b, not the directory */
	mk_end(&s);
	unpacks(&s, NULL);
	holds("a/b/c/one", "1");
	holds("a/b/c/four", "4");
	holds("a/b/three", "3");
	holds("a/bc/d", "5");
	assert_int_equal(look("a/b").st_mode, S_IFDIR | 0711);
	assert_int_equal(look("a/b").st_mtime, 1700000000);
	assert_int_equal(look("a").st_mtime, 1700000000);
}

/* Links inside the layer are followed inside its root; names with ".." stay in it. */
static void links_stay_inside(void **state)
{
	scoped(str) s = {0};

	mk_dir(&s, "usr/lib");
	mk_symlink(&s, "lib", "usr/lib");
	mk_symlink(&s, "abs", "/usr/lib");
	mk_symlink(&s, "up", "../../../../../usr/lib");
	mk_symlink(&s, "usr/twice", "../abs");
	mk_file(&s, "lib/one", "1");
	mk_file(&s, "abs/two", "2");
	mk_file(&s, "up/three", "3");
	mk_file(&s, "usr/twice/four/five", "5");
	mk_file(&s, "usr/../usr/lib/./six", "6");
	mk_hardlink(&s, "seven", "abs/one");
	mk_end(&s);
	unpacks(&s, NULL);
	holds("usr/lib/one", "1");
	holds("usr/lib/two", "2");
	holds("usr/lib/three", "3");
	holds("usr/lib/four/five", "5");
	holds("usr/lib/six", "6");
	holds("seven", "1");
	assert_true(S_ISLNK(look("abs").st_mode));
}

static void traversal_refused(void **state)
{
	static const char *const names[] = {"../x",   "../../x", "a/../../x",
					    "./../x", "/../x",	 ".."};
	scoped(str) s = {0};

	for (size_t i = 0; i < countof(names); i++) {
		str_reset(&s);
		mk_file(&s, names[i], "evil");
		mk_end(&s);
		refused(&s, "leaves the root");
	}
}

static void traversal_by_links(void **state)
{
	scoped(str) s = {0};
	struct unpack_stats st;
	struct err e;

	mk_symlink(&s, "s", base);
	mk_file(&s, "s/x", "evil");
	mk_end(&s);
	refused(&s, "below a link");
	str_reset(&s);
	mk_symlink(&s, "t", "..");
	mk_file(&s, "t/canary", "evil"); /* ".." of the root is the root */
	mk_end(&s);
	unpacks(&s, NULL);
	holds("canary", "evil");
	str_reset(&s);
	mk_symlink(&s, "u", "../canary");
	mk_file(&s, "u", "evil"); /* replaces the link */
	mk_end(&s);
	unpacks(&s, NULL);
	str_reset(&s);
	mk_symlink(&s, "loop", "loop");
	mk_file(&s, "loop/x", "evil");
	mk_end(&s);
	refused(&s, "below a link");
	/* each link of the chain goes one up and to the next */
	str_reset(&s);
	for (int i = 0; i < 50; i++) {
		char name[20], to[20];
		snprintf(name, sizeof name, "c%d", i);
		snprintf(to, sizeof to, i < 49 ? "../c%d" : "../..", i + 1);
		mk_symlink(&s, name, to);
	}
	mk_file(&s, "c0/x", "evil");
	mk_end(&s);
	int r = unpack_form(&s, FORM_ONE, NULL, &st, &e);
	assert_true(r == -EINVAL && e.id == ERR_LAYER);
	str_reset(&s);
	mk_file(&s, "c20/x", "inside"); /* 30 links are fine: and lead to the root */
	mk_end(&s);
	unpacks(&s, NULL);
	holds("x", "inside");
}

/* The same on kernels that lack openat2. */
static void links_without_openat2(void **state)
{
	path_test_no_openat2(true);
	links_stay_inside(state);
	traversal_by_links(state);
	path_test_no_openat2(false);
}

static void hardlinks_refused(void **state)
{
	static const char *const to[] = {
		"../../../etc/passwd", "../canary", "/etc/passwd", "nothing", "s/passwd", "f/x"};
	scoped(str) s = {0};

	for (size_t i = 0; i < countof(to); i++) {
		str_reset(&s);
		mk_symlink(&s, "s", "/etc");
		mk_file(&s, "f", "");
		mk_hardlink(&s, "h", to[i]);
		mk_end(&s);
		refused(&s, i < 2 ? "leaves the root" : "which is not there");
	}
	str_reset(&s);
	mk_dir(&s, "d");
	mk_hardlink(&s, "h", "d");
	mk_end(&s);
	refused(&s, "which is no file");
	str_reset(&s);
	mk_symlink(&s, "l", "/etc/passwd");
	mk_hardlink(&s, "h", "l"); /* links the link itself */
	mk_end(&s);
	unpacks(&s, NULL);
	assert_true(S_ISLNK(look("h").st_mode));
}

static void root_must_be_directory(void **state)
{
	static const char *const names[] = {".", "./", "/", "a/.."};
	scoped(str) s = {0};

	for (size_t i = 0; i < countof(names); i++) {
		str_reset(&s);
		mk_symlink(&s, names[i], "/tmp");
		mk_file(&s, "x", "evil");
		mk_end(&s);
		refused(&s, "the entry / is no directory");
	}
	str_reset(&s);
	mk_hardlink(&s, "x", ".");
	mk_end(&s);
	refused(&s, "to the root");
}

static void whiteouts(void **state)
{
	scoped(str) s = {0};
	struct unpack_stats st;

	mk_dir(&s, "d");
	mk_file(&s, "d/.wh.gone", "");
	mk_file(&s, "d/stays", "1");
	mk_file(&s, "d/.wh.stays", ""); /* speaks of the layers below only */
	mk_dir(&s, "dir");
	mk_file(&s, "dir/f", "2");
	mk_file(&s, ".wh.dir", ""); /* the same for a directory: hides the one below */
	mk_file(&s, ".wh.first", "");
	mk_file(&s, "first/f", "3");
	mk_file(&s, ".wh.second", "");
	mk_dir(&s, "second");
	mk_file(&s, ".wh.third", "");
	mk_file(&s, "third", "4");
	mk_symlink(&s, "link", "d");
	mk_file(&s, "link/.wh.through", "");
	mk_file(&s, ".wh.link2", "");
	mk_file(&s, "d/.wh..wh.plnk/1.2", "aufs");
	mk_file(&s, ".wh..wh.aufs", "");
	mk_end(&s);
	unpacks(&s, &st);
	assert_true(is_whiteout("d/gone"));
	assert_int_equal(look("d").st_mtime, 1700000000);
	holds("d/stays", "1");
	holds("dir/f", "2");
	assert_string_equal(xattr("dir", "user.overlay.opaque"), "y");
	holds("first/f", "3");
	assert_string_equal(xattr("first", "user.overlay.opaque"), "y");
	assert_string_equal(xattr("second", "user.overlay.opaque"), "y");
	holds("third", "4");
	assert_true(is_whiteout("d/through"));
	assert_true(is_whiteout("link2"));
	assert_null(xattr("d", "user.overlay.opaque"));
	assert_int_equal(st.whiteouts, 8);
	assert_int_equal(st.skipped_other, 2);
	assert_int_equal(look("d/.wh..wh.plnk").st_mode, 0);
	assert_int_equal(look(".wh.dir").st_mode, 0);
}

static void opaque(void **state)
{
	scoped(str) s = {0};
	struct unpack_stats st;

	mk_file(&s, "late/f", "1");
	mk_file(&s, "late/sub/g", "2");
	mk_file(&s, "late/.wh..wh..opq", "");
	mk_file(&s, "late/h", "3");
	mk_file(&s, "new/.wh..wh..opq", "");
	mk_end(&s);
	unpacks(&s, &st);
	assert_false(st.opaque_root);
	assert_string_equal(xattr("late", "user.overlay.opaque"), "y");
	assert_string_equal(xattr("new", "user.overlay.opaque"), "y");
	holds("late/f", "1");
	holds("late/sub/g", "2");
	holds("late/h", "3");
	str_reset(&s);
	mk_file(&s, ".wh..wh..opq", "");
	mk_end(&s);
	unpacks(&s, &st);
	assert_true(st.opaque_root);
}

static void whiteouts_refused(void **state)
{
	static const char *const bad[][2] = {
		{".wh.", "malformed"},	  {".wh..", "malformed"},  {".wh...", "malformed"},
		{"d/.wh..", "malformed"}, {".wh../x", "below"},	   {".wh.../x", "below"},
		{".wh.a/b", "below"},	  {"d/.wh./etc", "below"}, {".wh../.wh.x", "below"},
	};
	scoped(str) s = {0};

	for (size_t i = 0; i < countof(bad); i++) {
		str_reset(&s);
		mk_file(&s, bad[i][0], "");
		mk_end(&s);
		refused(&s, bad[i][1]);
	}
}

/* Where no device nodes can be stored: files with an xattr, in directories that say so. */
static void xattr_whiteouts(void **state)
{
	scoped(str) s = {0};

	unpack_test_no_nodes(true);
	mk_file(&s, "d/.wh.gone", "");
	mk_file(&s, "d/.wh.back", "");
	mk_dir(&s, "d/back");
	mk_file(&s, "o/.wh..wh..opq", "");
	mk_file(&s, "o/.wh.gone", "");
	mk_file(&s, ".wh.top", "");
	mk_file(&s, "f", "1");
	mk_file(&s, ".wh.f", "");
	mk_end(&s);
	unpacks(&s, NULL);
	unpack_test_no_nodes(false);
	assert_true(S_ISREG(look("d/gone").st_mode));
	assert_string_equal(xattr("d/gone", "user.overlay.whiteout"), "y");
	assert_string_equal(xattr("d", "user.overlay.opaque"), "x");
	assert_string_equal(xattr("d/back", "user.overlay.opaque"), "y");
	assert_string_equal(xattr("o", "user.overlay.opaque"), "y");
	assert_string_equal(xattr("top", "user.overlay.whiteout"), "y");
	assert_string_equal(xattr(".", "user.overlay.opaque"), "x");
	holds("f", "1");
}

static void devices_are_counted(void **state)
{
	scoped(str) s = {0};
	struct unpack_stats st;
	struct err e;
	uint8_t h[512];

	mk_fields(h, '3', "null", NULL, 0);
	mk_octal(h + 329, 8, 1);
	mk_octal(h + 337, 8, 3);
	mk_header(&s, h);
	mk_fields(h, '4', "sda", NULL, 0);
	mk_octal(h + 329, 8, 8);
	mk_header(&s, h);
	mk_fields(h, '3', "whiteout", NULL, 0); /* c 0:0 */
	mk_header(&s, h);
	mk_dir(&s, "dev");
	mk_fields(h, '3', "dev/zero", NULL,
		  0); /* not counted: containers have a /dev of their own */
	mk_octal(h + 329, 8, 1);
	mk_header(&s, h);
	mk_file(&s, "after", "1");
	mk_end(&s);
	unpacks(&s, &st);
	assert_int_equal(st.skipped_devices, 3);
	assert_int_equal(look("null").st_mode, 0);
	assert_int_equal(look("sda").st_mode, 0);
	assert_int_equal(look("dev/zero").st_mode, 0);
	assert_int_equal(look("whiteout").st_mode, 0);
	holds("after", "1");
	/* root makes devices, but what anybody may make is a whiteout and no device */
	if (geteuid() == 0) {
		assert_int_equal(unpack_form(&s, FORM_ROOT, NULL, &st, &e), 0);
		assert_int_equal(look("whiteout").st_mode, 0);
		holds("after", "1");
	}
}

static void with_xattr(struct str *s, const char *name, const void *value, size_t n)
{
	scoped(str) body = {0};
	autofree char *key = xasprintf("SCHILY.xattr.%s", name);

	mk_record(&body, key, value, n);
	mk_extra(s, 'x', body.s, body.len);
}

static void xattrs(void **state)
{
	static const char *const reserved[] = {"trusted.overlay.opaque", "trusted.overlay.redirect",
					       "user.overlay.whiteout",	 "user.overlay.opaque",
					       "user.overlay.metacopy",	 "user.hoy.owner"};
	scoped(str) s = {0};
	struct unpack_stats st;

	with_xattr(&s, "user.note", "hi", 2);
	mk_file(&s, "f", "1");
	with_xattr(&s, "user.dir", "d", 1);
	mk_dir(&s, "d");
	with_xattr(&s, "security.selinux", "label", 5);
	mk_file(&s, "g", "1");
	with_xattr(&s, "system.posix_acl_access", "x", 1);
	mk_file(&s, "g2", "1");
	with_xattr(&s, "user.onlink", "x", 1);
	mk_symlink(&s, "l", "f");
	with_xattr(&s, "security.capability", "too short", 9);
	mk_file(&s, "g3", "1");
	mk_end(&s);
	unpacks(&s, &st);
	assert_string_equal(xattr("f", "user.note"), "hi");
	assert_string_equal(xattr("d", "user.dir"), "d");
	assert_null(xattr("g2", "system.posix_acl_access"));
	assert_int_equal(st.skipped_xattrs, 4);
	for (size_t i = 0; i < countof(reserved); i++) {
		str_reset(&s);
		with_xattr(&s, reserved[i], "y", 1);
		mk_dir(&s, "reserved");
		mk_end(&s);
		refused(&s, "reserved xattr");
		assert_int_equal(look("reserved").st_mode, 0);
	}
}

static void wanted_owners_are_kept(void **state)
{
	scoped(str) s = {0};
	scoped(str) owners = {0};

	mk_owned(&s, '0', "www", NULL, 0644, 33, 33, "x");
	mk_owned(&s, '0', "secret", NULL, 0000, 0, 42, "y");
	mk_owned(&s, '0', "unreadable", NULL, 0200, 0, 0, "y");
	mk_owned(&s, '5', "closed", NULL, 0, 0, 0, NULL);
	mk_file(&s, "closed/in", "z");
	mk_owned(&s, '0', "root", NULL, 06755, 0, 0, "z");
	mk_owned(&s, '2', "link", "www", 0777, 5, 6, NULL);
	mk_owned(&s, '6', "fifo", NULL, 0600, 7, 0, NULL);
	mk_owned(&s, '5', "twice", NULL, 0755, 8, 8, NULL);
	mk_owned(&s, '5', "twice", NULL, 0755, 0, 0, NULL);
	mk_end(&s);
	unpacks(&s, NULL);
	assert_int_equal(look("www").st_uid, geteuid());
	assert_string_equal(xattr("www", "user.hoy.owner"), "33:33:644");
	assert_string_equal(xattr("secret", "user.hoy.owner"), "0:42:0");
	assert_string_equal(xattr("unreadable", "user.hoy.owner"), "0:0:200");
	assert_string_equal(xattr("closed", "user.hoy.owner"), "0:0:0");
	assert_null(xattr("root", "user.hoy.owner"));
	assert_null(xattr("twice", "user.hoy.owner"));
	assert_int_equal(look("secret").st_mode, S_IFREG | 0400);
	assert_int_equal(look("unreadable").st_mode, S_IFREG | 0600);
	assert_int_equal(look("closed").st_mode, S_IFDIR | 0700);
	assert_int_equal(look("root").st_mode, S_IFREG | 06755);
	holds("closed/in", "z");
	assert_int_equal(fd_read_file_at(base_fd, "side/owners", &owners, 1000), 0);
	assert_int_equal(owners.len, sizeof "5:6:777 link\0007:0:600 fifo");
	assert_memory_equal(owners.s, "5:6:777 link\0007:0:600 fifo", owners.len);
}

static void ids_out_of_range(void **state)
{
	scoped(str) s = {0};
	struct unpack_stats st;
	struct err e;

	mk_pax(&s, "uid", "70000");
	mk_file(&s, "f", "");
	mk_end(&s);
	assert_int_equal(unpack_form(&s, FORM_SUB, NULL, &st, &e), -EOVERFLOW);
	assert_int_equal(e.id, ERR_ID_RANGE);
	assert_string_equal(e.msg, "layer x: f belongs to uid 70000, but you have 1 uids");
	assert_non_null(strstr(e.hint, "usermod --add-subuids "));
	str_reset(&s);
	mk_pax(&s, "gid", "1");
	mk_file(&s, "f", "");
	mk_end(&s);
	assert_int_equal(unpack_form(&s, FORM_SUB, NULL, &st, &e), -EOVERFLOW);
	assert_non_null(strstr(e.msg, "gid 1"));
	assert_non_null(strstr(e.hint, "usermod --add-subgids "));
	str_reset(&s);
	mk_pax(&s, "uid", "4294967295"); /* chown would take it as "unchanged" */
	mk_file(&s, "f", "");
	mk_end(&s);
	refused_as(&s, ERR_ID_RANGE, "4294967295");
}

static void sparse_files(void **state)
{
	scoped(str) s = {0};
	scoped(str) body = {0};
	scoped(str) zeros = {0};
	uint8_t h[512];

	mk_record(&body, "GNU.sparse.size", "104857600", 9);
	mk_record(&body, "GNU.sparse.map", "1048576,3", 9);
	mk_extra(&s, 'x', body.s, body.len);
	mk_file(&s, "sparse", "abc");
	str_reset(&body);
	mk_record(&body, "GNU.sparse.size", "104857600", 9);
	mk_record(&body, "GNU.sparse.map", "", 0);
	mk_extra(&s, 'x', body.s, body.len);
	mk_file(&s, "hole", "");
	str_reserve(&zeros,
		    1 << 20); /* written out as zeros by tools that do not know sparse files */
	memset(zeros.s, 0, 1 << 20);
	mk_fields(h, '0', "zeros", NULL, 1 << 20);
	mk_header(&s, h);
	mk_data(&s, zeros.s, 1 << 20);
	mk_end(&s);
	unpacks(&s, NULL);
	assert_int_equal(look("sparse").st_size, 104857600);
	assert_true(look("sparse").st_blocks * 512 < 1 << 20);
	assert_int_equal(look("hole").st_size, 104857600);
	assert_int_equal(look("zeros").st_size, 1 << 20);
	assert_true(look("zeros").st_blocks * 512 < 1 << 18);
	char buf[5] = {0};
	autofree char *path = xasprintf("%s/diff/sparse", base);
	autoclose int fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_int_equal(pread(fd, buf, 5, 1048575), 5);
	assert_memory_equal(buf, "\0abc\0", 5);
}

static void long_names(void **state)
{
	scoped(str) s = {0};
	scoped(str) name = {0};
	char part[257];

	memset(part, 'n', 256);
	part[256] = 0;
	mk_pax(&s, "path", part);
	mk_file(&s, "f", "");
	mk_end(&s);
	refused(&s, "more than 255 bytes");
	str_reset(&s);
	part[255] = 0;
	for (int i = 0; i < 15; i++)
		str_addf(&name, "%s%s", i ? "/" : "", part);
	mk_pax(&s, "path", name.s);
	mk_file(&s, "f", "deep");
	mk_end(&s);
	unpacks(&s, NULL);
	holds(name.s, "deep");
}

static void limits(void **state)
{
	scoped(str) s = {0};
	struct unpack_limits lim = {.max_entries = 3, .max_depth = 5};
	struct unpack_stats st;
	struct err e;

	mk_file(&s, "1/2/3/4/5", "");
	assert_int_equal(unpack_form(&s, FORM_ONE, &lim, &st, &e), 0);
	mk_file(&s, "1/2/3/4/other/6", "");
	assert_int_equal(unpack_form(&s, FORM_ONE, &lim, &st, &e), -EINVAL);
	assert_int_equal(e.id, ERR_LAYER);
	str_reset(&s);
	/* depth that is gathered by links is depth all the same */
	mk_dir(&s, "a/b/c/d");
	mk_symlink(&s, "s", "a/b/c/d");
	mk_file(&s, "s/e/g/f", "");
	assert_int_equal(unpack_form(&s, FORM_ONE, &lim, &st, &e), -EINVAL);
	assert_non_null(strstr(e.msg, "too deep"));
	str_reset(&s);
	for (int i = 0; i < 4; i++)
		mk_file(&s, "same", "");
	assert_int_equal(unpack_form(&s, FORM_ONE, &lim, &st, &e), -EFBIG);
	assert_int_equal(e.id, ERR_LAYER_TOO_BIG);
	assert_non_null(strstr(e.hint, "--max-layer-size"));
}

static void broken_archives(void **state)
{
	scoped(str) s = {0};

	mk_file(&s, "f", "0123456789");
	s.len = 515;
	refused_as(&s, ERR_ARCHIVE, "cut off inside f");
	str_reset(&s);
	mk_file(&s, "f", "x");
	mk_file(&s, "f/below", "x");
	mk_end(&s);
	refused(&s, "below something that is no directory");
}

#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(ordinary),
		T(later_replaces_earlier),
		T(out_of_order),
		T(links_stay_inside),
		T(traversal_refused),
		T(traversal_by_links),
		T(links_without_openat2),
		T(hardlinks_refused),
		T(root_must_be_directory),
		T(whiteouts),
		T(opaque),
		T(whiteouts_refused),
		T(xattr_whiteouts),
		T(devices_are_counted),
		T(xattrs),
		T(wanted_owners_are_kept),
		T(ids_out_of_range),
		T(sparse_files),
		T(long_names),
		T(limits),
		T(broken_archives),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
