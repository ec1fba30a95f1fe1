#include <linux/mount.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/xattr.h>

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

/* Where only the marks of overlayfs cannot be kept, mounting succeeds and the first use of a mark fails. One call: ENODATA is the good answer. */
static int look_for_xattrs(const struct overlay *o)
{
	char path[32];

	snprintf(path, sizeof path, "/proc/self/fd/%d", o->upper >= 0 ? o->upper : o->lower[0]);
	return getxattr(path, "user.overlay.opaque", NULL, 0) < 0 && errno == EOPNOTSUPP
		       ? -EOPNOTSUPP
		       : 0;
}

static int no_overlay(int code, size_t nlower, bool xattrs, struct err *e)
{
	char what[40];

	snprintf(what, sizeof what, "mount the overlay of %zu layers", nlower);
	if (!xattrs) {
		err_fail_code(e, ERR_NO_OVERLAY, code,
			      "%s: the file system under the store has no user xattrs", what);
		return err_hint(e, "keep the store elsewhere with --root: ext4, xfs, btrfs, or "
				   "tmpfs since Linux 6.6");
	}
	if (code != -ENODEV && code != -EPERM && code != -EINVAL && code != -ENOSYS &&
	    code != -EOPNOTSUPP)
		return err_set(e, code, "%s", what);
	err_fail_code(e, ERR_NO_OVERLAY, code, "%s: %s", what, strerror(-code));
	if (code == -ENODEV)
		return err_hint(
			e, "the kernel's overlay module is not loaded: as root, modprobe overlay");
	return err_hint(e, "unprivileged overlay needs Linux 5.11 or later, and a file system with "
			   "user xattrs under the store: not NFS, FUSE, or another overlay");
}

static bool old_call;

void overlay_test_old_call(bool on)
{
	old_call = on;
}

int overlay_mount(const struct overlay *o, bool *ret_attached, struct err *e)
{
	bool xattrs = look_for_xattrs(o) == 0;
	int fd = !xattrs || old_call ? -EOPNOTSUPP : by_context(o);

	*ret_attached = false;
	if (xattrs && (fd == -EOPNOTSUPP || fd == -ENOSYS)) {
		fd = by_mount(o);
		*ret_attached = true;
	}
	return fd < 0 ? no_overlay(fd, o->nlower, xattrs, e) : fd;
}
