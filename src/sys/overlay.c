#include <linux/mount.h>
#include <sys/mount.h>
#include <sys/syscall.h>

#include "base/base.h"
#include "sys/overlay.h"

static int set(int fs, const char *key, const char *value)
{
	unsigned cmd = value ? FSCONFIG_SET_STRING : FSCONFIG_SET_FLAG;

	return syscall(SYS_fsconfig, fs, cmd, key, value, 0) < 0 ? -errno : 0;
}

static int set_fd(int fs, const char *key, int fd)
{
	char path[32];

	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	return set(fs, key, path);
}

/* -EOPNOTSUPP: this kernel has no "lowerdir+". */
static int by_context(const struct overlay *o)
{
	autoclose int fs = (int)syscall(SYS_fsopen, "overlay", FSOPEN_CLOEXEC);
	int r = 0;

	if (fs < 0)
		return -errno;
	set(fs, "source", o->source ? o->source : "overlay");
	for (size_t i = 0; i < o->nlower && r == 0; i++) {
		r = set_fd(fs, "lowerdir+", o->lower[i]);
		if (i == 0 && r == -EINVAL)
			return -EOPNOTSUPP;
	}
	if (r == 0 && o->upper >= 0)
		r = set_fd(fs, "upperdir", o->upper);
	if (r == 0 && o->upper >= 0)
		r = set_fd(fs, "workdir", o->work);
	if (r == 0)
		r = set(fs, "userxattr", NULL);
	if (r == 0 && o->no_sync && o->upper >= 0)
		r = set(fs, "volatile", NULL);
	if (r == 0 && syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		r = errno == EINVAL
			    ? -EOPNOTSUPP
			    : -errno; /* before 6.5 any key is taken, and refused only here */
	if (r < 0)
		return r;
	int mnt = (int)syscall(SYS_fsmount, fs, FSMOUNT_CLOEXEC, 0);
	return mnt < 0 ? -errno : mnt;
}

static int by_mount(const struct overlay *o)
{
	scoped(str) opts = {0};
	char target[40];

	str_add(&opts, "userxattr,lowerdir=");
	for (size_t i = 0; i < o->nlower; i++)
		str_addf(&opts, "%s/proc/self/fd/%d", i ? ":" : "", o->lower[i]);
	if (o->upper >= 0)
		str_addf(&opts, ",upperdir=/proc/self/fd/%d,workdir=/proc/self/fd/%d%s", o->upper,
			 o->work, o->no_sync ? ",volatile" : "");
	autoclose int dir =
		openat(o->target_dir, o->target, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (dir < 0)
		return -errno;
	snprintf(target, sizeof target, "/proc/self/fd/%d", dir);
	if (mount(o->source ? o->source : "overlay", target, "overlay", 0, str_cstr(&opts)) < 0)
		return -errno;
	int root = openat(o->target_dir, o->target, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return root < 0 ? -errno : root;
}

static bool old_call;

void overlay_test_old_call(bool on)
{
	old_call = on;
}

int overlay_mount(const struct overlay *o, bool *ret_attached, struct err *e)
{
	int fd = old_call ? -EOPNOTSUPP : by_context(o);

	*ret_attached = false;
	if (fd == -EOPNOTSUPP || fd == -ENOSYS) {
		fd = by_mount(o);
		*ret_attached = true;
	}
	if (fd >= 0)
		return fd;
	err_set(e, fd, "mount the overlay of %zu layers", o->nlower);
	if (fd == -ENODEV)
		return err_hint(
			e, "the kernel's overlay module is not loaded: as root, modprobe overlay");
	if (fd == -EPERM || fd == -EINVAL)
		return err_hint(e, "unprivileged overlay needs Linux 5.11 or later, and a file "
				   "system with user "
				   "xattrs under the store");
	return fd;
}
