/*
 * Unit tests of steps that only write: what lies on disk is what the tar says, the tar can be made again, and the same work gives the same layer.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <sys/mman.h>

#include "base/base.h"
#include "base/proc.h"
#include "build/step_impl.h"
#include "store/adopt.h"
#include "store/replay.h"
#include "sys/overlay_marks.h"

enum { EPOCH = 1000000000 };

static struct place {
	char root[64];
	struct home home;
	struct strs layers;
	struct arena arena;
} here, there;
static struct step_result *res;

static int open_place(struct place *p)
{
	struct err e;

	*p = (struct place){0};
	snprintf(p->root, sizeof p->root, "/var/tmp/hoy-step-XXXXXX");
	return mkdtemp(p->root) && home_open(&p->home, p->root, &e) == 0 ? 0 : -1;
}

static int set_up(void **state)
{
	res = mmap(NULL, sizeof *res, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return res == MAP_FAILED || open_place(&here) < 0 || open_place(&there) < 0 ? -1 : 0;
}

static int close_place(struct place *p)
{
	int r = home_rm_tree(&p->home, "layers", NULL);

	home_free(&p->home);
	arena_free(&p->arena);
	return r < 0 && r != -ENOENT ? r : path_rm_tree_at(AT_FDCWD, p->root);
}

static int tear_down(void **state)
{
	munmap(res, sizeof *res);
	return close_place(&here) < 0 || close_place(&there) < 0 ? -1 : 0;
}

static int run_shell(const char *cmd, struct err *e)
{
	const char *const argv[] = {"sh", "-ec", cmd, NULL};
	struct spawn sp = {.path = "/bin/sh", .argv = argv, .in = 0, .out = 2, .err = 2};
	pid_t pid;
	int r = proc_spawn(&sp, &pid, e);

	return r == 0 && proc_wait(pid) == 0 ? 0 : err_fail(e, ERR_INTERNAL, "%.200s", cmd);
}

static int shell_in_root(const struct step_place *p, void *arg, struct err *e)
{
	if (fchdir(p->root) < 0)
		return err_set(e, errno, "fchdir");
	/* A socket, which no layer holds. */
	if (mknodat(p->root, "sock", S_IFSOCK | 0600, 0) < 0)
		return err_set(e, errno, "mknod");
	mode_t mask = umask(022);
	int r = run_shell(arg, e);
	umask(mask);
	return chdir("/") < 0 ? -errno : r;
}

/* One more layer: what cmd, run in the root, changes. Its diffID, or "" if nothing did. */
static const char *step(struct place *p, const char *cmd)
{
	const struct step_base b = {.h = &p->home, .layers = &p->layers, .epoch = EPOCH};
	char text[DIGEST_STR];
	struct err e = {0};

	if (step_write(&b, "test", shell_in_root, (void *)(uintptr_t)cmd, res, &e) < 0)
		fail_msg("%s", e.msg);
	if (res->empty)
		return "";
	strs_add(&p->arena, &p->layers, digest_str(&res->layer.diffid, text));
	return p->layers.v[p->layers.n - 1];
}

/* What is on disk equals what unpacking the tar gives: the layer is added to the other store, and both are listed. */
static int unpack_there(const struct u0_map *map, void *arg, struct err *e)
{
	struct digest d;
	struct replay *r;
	struct layer_info info;
	char a[128], b[128], cmd[1000];
	int k = digest_parse(arg, &d, e);

	if (k == 0)
		k = replay_open(&r, &here.home, &d, map->form, e);
	if (k < 0)
		return k;
	struct layer_job j = {
		.source = replay_source(r), .what = "layer", .blob_size = -1, .diffid = d};
	k = layer_add(&there.home, map, &j, &info, e);
	replay_close(r);
	if (k < 0)
		return k;
	snprintf(cmd, sizeof cmd,
		 "list() { (cd \"$1/diff\"; find . -mindepth 1 \\( -type c -printf '%%p c\\n' "
		 "-o -type d -printf '%%p %%m %%U:%%G %%T@\\n' "
		 "-o -printf '%%p %%y %%m %%U:%%G %%l %%n %%T@ %%s\\n' \\) | sort; find . -type f "
		 "-exec cksum {} "
		 "+ | sort); }\n"
		 "list %s/%s >/tmp/x.$$; list %s/%s >/tmp/y.$$; r=0; diff /tmp/x.$$ /tmp/y.$$ || "
		 "r=1; rm /tmp/?.$$; exit $r",
		 here.root, layer_path(&d, map->form, a, sizeof a), there.root,
		 layer_path(&d, map->form, b, sizeof b));
	return run_shell(cmd, e);
}

static void same_as_tar(const char *diffid)
{
	struct err e = {0};

	if (u0_run(&here.home, unpack_there, (void *)(uintptr_t)diffid, &e) < 0)
		fail_msg("%s", e.msg);
}

static const char first[] =
	"mkdir -p a/b c/d/e etc/sub usr; echo one >a/one; echo two >a/b/two; ln a/one a/again; ln "
	"-s one a/l;"
	"mkfifo a/fifo; touch -d @500000000.5 a/old; echo x >c/d/e/x; echo y >c/y; chmod 700 c;"
	"head -c 700000 /dev/zero | tr '\\0' z >usr/big; chown 3:4 usr/big 2>/dev/null || true";
static const char second[] =
	"rm a/one; echo more >>a/b/two; rm -r c; mkdir c; echo new >c/new; mv a/l a/moved;"
	"chmod 711 usr; mkdir -p n/m; : >n/empty; rm -f a/fifo;"
	"mkdir gone; echo z >gone/z; rm -r gone; touch a/b; rm -r etc; mkdir -p etc/sub";

static void test_layers(void **state)
{
	const char *a = step(&here, first), *b = step(&here, second);

	same_as_tar(a);
	same_as_tar(b);
	assert_string_equal(
		step(&here,
		     "test ! -e a/one; test -e a/again; test \"$(cat a/b/two)\" = 'two\nmore';"
		     "test ! -e c/y; test \"$(cat c/new)\" = new; "
		     "test \"$(stat -c %Y a/moved)\" = 1000000000;"
		     "test \"$(stat -c %Y a/old)\" = 500000000;"
		     "test \"$(stat -c %a usr)\" = 711; test -e n/empty; test ! -e a/fifo; test -d "
		     "etc/sub"),
		"");
}

/* The same work at another time, in another order, with other inode numbers. */
static void test_same_twice(void **state)
{
	static const char again[] =
		"mkdir usr; head -c 700000 /dev/zero | tr '\\0' z >usr/big; mkdir -p c/d/e;"
		"chown 3:4 usr/big 2>/dev/null || true; echo tmp >zzz; rm zzz;"
		"echo y >c/y; chmod 700 c; echo x >c/d/e/x; mkdir -p etc/sub a/b; ln -s one a/l;"
		"touch -d @500000000.5 a/old; mkfifo a/fifo; echo two >a/b/two; echo one >a/again;"
		"ln a/again a/one; for i in 1 2 3 4 5 6 7 8 9; do echo $i >a/f$i; done; rm a/f?";
	const char *a = step(&here, first), *b = step(&there, again);

	assert_string_equal(a, b);
	assert_string_equal(step(&here, second), step(&there, second));
}

static void test_nothing(void **state)
{
	step(&here, first);
	assert_string_equal(step(&here, "cat a/again; chmod 755 a; echo t >t; rm t; mkdir -p a/b"),
			    "");
	assert_true(res->empty && !digest_known(&res->layer.diffid));
}

static int owner_is_7_8(const struct step_place *p, void *arg, struct err *e)
{
	struct stat st;
	struct owner_kept o = {0};
	autoclose int fd = path_open_in_root(p->root, "real/x/y", O_RDONLY | O_DIRECTORY, 0);

	if (fd < 0 || fstat(fd, &st) < 0)
		return err_set(e, errno, "open");
	owner_kept_read(fd, &o);
	bool good = p->map->form == FORM_ONE ? o.uid == 7 && o.gid == 8
					     : st.st_uid == 7 && st.st_gid == 8;
	return good ? 0 : err_fail(e, ERR_INTERNAL, "%u:%u", st.st_uid, st.st_gid);
}

static void test_workdir(void **state)
{
	struct image_doc doc = {.config = {.user = "7:8"}};
	struct step_base b = {.h = &here.home, .layers = &here.layers, .doc = &doc, .epoch = EPOCH};
	struct err e = {0};
	char text[DIGEST_STR];

	step(&here, "mkdir real; ln -s /real link; ln -s nowhere dangling; : >file");
	if (step_workdir(&b, "/link/./x/../x/y", res, &e) < 0)
		fail_msg("%s", e.msg);
	strs_add(&here.arena, &here.layers, digest_str(&res->layer.diffid, text));
	same_as_tar(text);
	step(&here, "test -d real/x/y; test \"$(stat -c %a real/x)\" = 755;"
		    "test \"$(stat -c %Y real/x)\" = 1000000000");
	assert_true(res->empty);
	assert_int_equal(step_write(&b, "test", owner_is_7_8, NULL, res, &e), 0);
	assert_int_equal(step_workdir(&b, "/real/x", res, &e), 0);
	assert_true(res->empty);
	assert_true(step_workdir(&b, "/dangling/x", res, &e) < 0);
	assert_true(step_workdir(&b, "/file/x", res, &e) < 0);
	assert_non_null(strstr(e.hint, "a file of the image"));
}

/* What is squashed shows the same. */
static void test_squash(void **state)
{
	struct step_base b = {.h = &here.home, .layers = &here.layers, .epoch = EPOCH};
	struct err e = {0};
	char text[DIGEST_STR];

	step(&here, first);
	step(&here, second);
	step(&here, "echo 3 >third; rm -r n; rm c/new");
	if (step_squash(&b, 1, res, &e) < 0)
		fail_msg("%s", e.msg);
	assert_false(res->empty);
	here.layers.n = 1;
	strs_add(&here.arena, &here.layers, digest_str(&res->layer.diffid, text));
	same_as_tar(text);
	/* usr/big, which nobody has touched, is not in it */
	assert_true(res->layer.tar_size < 100000);
	step(&here,
	     "test ! -e a/one; test -e a/again; test -e usr/big; test ! -e n; test ! -e c/y; test "
	     "! -e c/new; test -d c; test \"$(cat third)\" = 3; test \"$(stat -c %a usr)\" = 711");
	assert_true(res->empty);
	b.layers = &here.layers;
	if (step_squash(&b, 0, res, &e) < 0)
		fail_msg("%s", e.msg);
	here.layers.n = 0;
	strs_add(&here.arena, &here.layers, digest_str(&res->layer.diffid, text));
	step(&here, "test \"$(cat third)\" = 3; test -e usr/big; test ! -e a/one");
	assert_true(res->empty);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_layers, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_same_twice, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_nothing, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_workdir, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_squash, set_up, tear_down),
	};

	return cmocka_run_group_tests_name("step", tests, NULL, NULL);
}
