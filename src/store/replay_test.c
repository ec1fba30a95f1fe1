/*
 * Unit tests of recipes: whatever a layer's tar looks like, it comes back byte for byte; and what was changed on disk comes back as an
 * error.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <sys/mman.h>

#include "base/base.h"
#include "base/proc.h"
#include "data/tar_make.h"
#include "state/tmp.h"
#include "store/replay.h"

static char root[64];
static struct home home;

/* Shared with the child in U0. */
static struct shared {
	struct digest diffid;
	enum u0_form form;
	int replaced; /* entries of replaced/ that are looked for: 0 none, 1 some */
} * sh;
static struct str tar; /* the layer of the test */
static struct str got; /* in the child */

static int set_up(void **state)
{
	struct err e;

	snprintf(root, sizeof root, "/var/tmp/hoy-replay-XXXXXX");
	if (!mkdtemp(root) || home_open(&home, root, &e) < 0)
		return -1;
	sh = mmap(NULL, sizeof *sh, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	str_reset(&tar);
	return sh == MAP_FAILED ? -1 : 0;
}

static int tear_down(void **state)
{
	int r = home_rm_tree(&home, "layers", NULL);

	home_free(&home);
	munmap(sh, sizeof *sh);
	str_free(&tar);
	return r < 0 && r != -ENOENT ? r : path_rm_tree_at(AT_FDCWD, root);
}

struct bytes {
	const struct str *s;
	size_t at;
};

static ssize_t give(void *arg, void *buf, size_t n, struct err *e)
{
	struct bytes *b = arg;
	size_t left = b->s->len - b->at;

	n = n < left ? n : left;
	n = n < 1000 ? n : 1000; /* pieces that split headers and files */
	memcpy(buf, b->s->s + b->at, n);
	b->at += n;
	return (ssize_t)n;
}

static int take_in(void *arg, const void *p, size_t n, struct err *e)
{
	str_addn(&got, p, n);
	return 0;
}

static int add_inside(const struct u0_map *map, void *arg, struct err *e)
{
	struct bytes b = {&tar, 0};
	struct layer_job job = {.source = {give, &b}, .what = "layer t", .blob_size = -1};
	struct layer_info info;
	int r = layer_add(&home, map, &job, &info, e);

	sh->diffid = info.diffid;
	sh->form = map->form;
	return r;
}

static int replay_inside(const struct u0_map *map, void *arg, struct err *e)
{
	struct sink sink = {take_in, NULL};
	struct replay *r;
	uint64_t size = 0;
	int k = replay_open(&r, &home, &sh->diffid, map->form, e);

	if (k < 0)
		return k;
	k = replay_all(r, &sink, &size, e);
	replay_close(r);
	if (k == 0 && (got.len != tar.len || size != tar.len || memcmp(got.s, tar.s, tar.len) != 0))
		k = err_fail(e, ERR_INTERNAL, "%zu bytes came back for %zu", got.len, tar.len);
	return k;
}

static void adds(void)
{
	struct err e = {0};

	if (u0_run(&home, add_inside, NULL, &e) < 0)
		fail_msg("%s", e.msg);
}

static void comes_back(void)
{
	struct err e = {0};

	adds();
	if (u0_run(&home, replay_inside, NULL, &e) < 0)
		fail_msg("%s", e.msg);
}

/* Runs cmd in the layer's directory, inside of U0. */
static int shell_inside(const struct u0_map *map, void *arg, struct err *e)
{
	char path[200], buf[100];

	snprintf(path, sizeof path, "%s/%s", root,
		 layer_path(&sh->diffid, map->form, buf, sizeof buf));
	const char *const argv[] = {"sh", "-c", arg, NULL};
	struct spawn sp = {.path = "/bin/sh", .argv = argv, .in = 0, .out = 1, .err = 2};
	pid_t pid;
	int r = chdir(path) < 0 ? -errno : proc_spawn(&sp, &pid, e);
	return r == 0 && proc_wait(pid) == 0 ? 0 : err_set(e, EIO, "%s", (const char *)arg);
}

static void shell(const char *cmd)
{
	struct err e = {0};

	if (u0_run(&home, shell_inside, (void *)(uintptr_t)cmd, &e) < 0)
		fail_msg("%s", e.msg);
}

static void refused(const char *why)
{
	struct err e = {0};

	assert_true(u0_run(&home, replay_inside, NULL, &e) < 0);
	assert_int_equal(e.id, ERR_LAYER_REBUILD);
	if (!strstr(e.msg, why))
		fail_msg("%s", e.msg);
}

static void big_file(struct str *s, const char *name, size_t n)
{
	autofree char *text = xmalloc(n + 1);

	for (size_t i = 0; i < n; i++)
		text[i] = (char)('a' + i * 7 % 26);
	text[n] = 0;
	mk_file(s, name, text);
}

static void test_all_kinds(void **state)
{
	mk_dir(&tar, "d/");
	mk_file(&tar, "d/empty", "");
	mk_file(&tar, "./d/../d//small", "small");
	big_file(&tar, "d/big", 300000);
	mk_hardlink(&tar, "hard", "d/big");
	mk_symlink(&tar, "l", "d");
	mk_file(&tar, "l/through", "written through a link");
	mk_pax(&tar, "path", "d/pax");
	mk_owned(&tar, '0', "x", NULL, 04755, 0, 0, "pax");
	mk_owned(&tar, '0', "secret", NULL, 0, 0, 0, "not even for its owner");
	mk_file(&tar, ".wh.gone", "");
	mk_file(&tar, ".wh..wh.plnk", "AUFS, with content that is left out");
	mk_end(&tar);
	str_add(&tar, "behind the end");
	comes_back();
}

static void test_zeros(void **state)
{
	uint8_t h[512];

	mk_fields(h, '0', "zeros", NULL, 1 << 20);
	mk_header(&tar, h);
	for (int i = 0; i < 1 << 14; i++)
		str_addn(&tar,
			 "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
			 "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
			 64);
	mk_file(&tar, "after", "after");
	comes_back(); /* without an end mark */
}

static void test_replaced(void **state)
{
	mk_file(&tar, "f", "first");
	mk_file(&tar, "f", "second");
	mk_file(&tar, "f", "third");
	mk_dir(&tar, "d");
	mk_dir(&tar, "d/e");
	mk_file(&tar, "d/e/x", "below a directory");
	mk_file(&tar, "d/e/x", "twice");
	mk_file(&tar, "d-not", "a name that only begins alike");
	mk_file(&tar, "d", "no directory any more");
	mk_symlink(&tar, "d", "elsewhere");
	mk_file(&tar, "h", "linked");
	mk_hardlink(&tar, "h2", "h");
	mk_hardlink(&tar, "f", "h");
	mk_file(&tar, "h", "its name is another's now");
	mk_file(&tar, "h2", "and this one too");
	mk_end(&tar);
	comes_back();
	shell("test $(ls replaced | wc -l) = 8 || { ls -lR replaced >&2; false; }");
}

/* Every tar of the parser's corpus, sparse ones of all kinds among them. */
static void test_corpus(void **state)
{
	static const char *const names[] = {"gnu-sparse", "gnu",	"long",	      "pax",
					    "sparse-0.0", "sparse-0.1", "sparse-1.0", "v7"};
	const char *src = getenv("TOP");

	for (size_t i = 0; i < countof(names); i++) {
		char path[500];
		snprintf(path, sizeof path, "%s/tests/fuzz/tar/%s.tar", src ? src : "..", names[i]);
		str_reset(&tar);
		assert_int_equal(fd_read_file_at(AT_FDCWD, path, &tar, 16 << 20), 0);
		print_message("# %s\n", names[i]);
		comes_back();
	}
}

static void test_changed(void **state)
{
	mk_file(&tar, "f", "content");
	mk_file(&tar, "g", "other content");
	mk_file(&tar, "g", "replaced");
	mk_end(&tar);
	comes_back();
	shell("cp -p diff/f keep && printf CONTENT >diff/f");
	refused("one of its files was changed");
	shell("printf c >diff/f");
	refused("its file f is shorter");
	shell("mv keep diff/f && printf more >>diff/f");
	comes_back(); /* what is behind the end is nothing of the layer's tar */
	shell("rm diff/f && ln -s g diff/f");
	refused("its file f is gone");
	shell("rm diff/f && mkfifo diff/f");
	refused("its file f is a file no more");
	shell("rm diff/f && printf content >diff/f && rm -r replaced/0");
	refused("its file g is gone");
}

static void test_no_recipe(void **state)
{
	mk_file(&tar, "f", "content");
	mk_end(&tar);
	comes_back();
	shell("cp recipe keep; printf x | dd of=recipe bs=1 seek=0 conv=notrunc 2>/dev/null");
	refused("damaged");
	shell("head -c 20 keep >recipe");
	struct err e = {0};
	assert_true(u0_run(&home, replay_inside, NULL, &e) < 0);
	shell("rm recipe");
	refused("earlier release");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_all_kinds, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_zeros, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_replaced, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_corpus, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_changed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_no_recipe, set_up, tear_down),
	};

	return cmocka_run_group_tests_name("replay", tests, NULL, NULL);
}
