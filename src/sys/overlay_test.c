/* Both ways to mount an overlay, in a user namespace of the test's own: the file system context, and mount(2) as on kernels before 6.5. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <sched.h>
#include <sys/wait.h>

#include "base/base.h"
#include "base/proc.h"
#include "sys/mounts.h"
#include "sys/overlay.h"
#include "sys/userns.h"

enum { LAYERS = 127, NO_USERNS = 77 };

static int dir(int at, const char *name)
{
	mkdirat(at, name, 0755);
	return openat(at, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

/* In the child: mounts 127 layers from a directory whose name would need escaping, and looks at the result. Returns an exit code. */
static int mount_and_look(int base)
{
	struct err e = {0};
	int lower[LAYERS];
	char name[40], text[8] = "";
	bool attached;

	for (int i = 0; i < LAYERS; i++) {
		snprintf(name, sizeof name, "lower:%d, x", i);
		lower[i] = dir(base, name);
		snprintf(name, sizeof name, "lower:%d, x/f%d", i, i);
		fd_write_file_at(base, name, "x", 1, 0644);
		snprintf(name, sizeof name, "lower:%d, x/top", i);
		fd_write_file_at(base, name, i ? "under" : "above", 5, 0644);
	}
	struct overlay o = {lower, LAYERS,  dir(base, "up,per"), dir(base, "wo:rk"), true,
			    base,  "target"};
	close(dir(base, "target"));
	int mnt = overlay_mount(&o, &attached, &e);
	if (mnt < 0) {
		fprintf(stderr, "%s\n", e.msg);
		return 1;
	}
	int last = openat(mnt, "f126", O_RDONLY | O_CLOEXEC),
	    top = openat(mnt, "top", O_RDONLY | O_CLOEXEC);
	if (last < 0 || top < 0 || read(top, text, 5) != 5 || strcmp(text, "above"))
		return 2;
	if (fd_write_file_at(mnt, "new", "n", 1, 0644) < 0 ||
	    faccessat(base, "up,per/new", F_OK, 0) < 0)
		return 3;
	return 0;
}

static int in_namespace(bool old_call)
{
	char path[] = "/var/tmp/hoy-overlay-XXXXXX";
	struct err e = {0};

	if (!mkdtemp(path))
		return 1;
	pid_t pid = proc_fork(0, NULL);
	if (pid == 0) {
		if (userns_become(0, 0, &e) < 0 || unshare(CLONE_NEWNS) < 0)
			_exit(NO_USERNS);
		overlay_test_old_call(old_call);
		int base = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		_exit(mount_and_look(base));
	}
	int r = proc_wait(pid);
	path_rm_tree_at(AT_FDCWD, path);
	return r;
}

static void both_calls(void **state)
{
	for (int old = 0; old < 2; old++) {
		int r = in_namespace(old);
		if (r == NO_USERNS)
			skip();
		assert_int_equal(r, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(both_calls)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
