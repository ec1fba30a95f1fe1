#include <linux/mount.h>
#include <sys/mount.h>
#include <sys/syscall.h>

#include "base/base.h"
#include "sys/mounts.h"

static int sys_fsconfig(int fd, unsigned cmd, const char *key, const void *value, int aux)
{
	return (int)syscall(SYS_fsconfig, fd, cmd, key, value, aux);
}

/* The kernel's message about a file system context, without its "e " prefix (fsopen(2)). */
static int explain(int fd, const char *fstype, const char *what, int errnum, struct err *e)
{
	char said[200];
	ssize_t n = read(fd, said, sizeof said - 1);

	said[n > 2 ? n : 0] = 0;
	said[strcspn(said, "\n")] = 0;
	if (*said)
		return err_set(e, errnum, "mount %s: %s", fstype, said + 2);
	return err_set(e, errnum, "mount %s%s%s", fstype, what ? ", option " : "",
		       what ? what : "");
}

static int set_option(int fd, const char *opt)
{
	char key[64];
	const char *eq = strchr(opt, '=');

	if (!eq)
		return sys_fsconfig(fd, FSCONFIG_SET_FLAG, opt, NULL, 0);
	if ((size_t)(eq - opt) >= sizeof key) {
		errno = EINVAL;
		return -1;
	}
	memcpy(key, opt, (size_t)(eq - opt));
	key[eq - opt] = 0;
	return sys_fsconfig(fd, FSCONFIG_SET_STRING, key, eq + 1, 0);
}

int mount_new(const char *fstype, const char *const *opts, unsigned attrs, struct err *e)
{
	return mount_new_of(fstype, fstype, opts, attrs, e);
}

int mount_new_of(const char *fstype, const char *source, const char *const *opts, unsigned attrs,
		 struct err *e)
{
	autoclose int fd = (int)syscall(SYS_fsopen, fstype, FSOPEN_CLOEXEC);

	if (fd < 0)
		return err_set(e, errno, "file system %s", fstype);
	sys_fsconfig(fd, FSCONFIG_SET_STRING, "source", source,
		     0); /* what df and mount show; not all take it */
	for (; opts && *opts; opts++)
		if (set_option(fd, *opts) < 0)
			return explain(fd, fstype, *opts, errno, e);
	if (sys_fsconfig(fd, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return explain(fd, fstype, NULL, errno, e);
	int mnt = (int)syscall(SYS_fsmount, fd, FSMOUNT_CLOEXEC, attrs);
	return mnt < 0 ? explain(fd, fstype, NULL, errno, e) : mnt;
}

int mount_clone(int dir, const char *path, bool recursive)
{
	unsigned flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | (recursive ? AT_RECURSIVE : 0);
	int fd = (int)syscall(SYS_open_tree, dir, path, flags | (*path ? 0 : AT_EMPTY_PATH));

	return fd < 0 ? -errno : fd;
}

int mount_attach(int mnt, int target)
{
	unsigned flags = MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH;

	return syscall(SYS_move_mount, mnt, "", target, "", flags) < 0 ? -errno : 0;
}

static int setattr(int mnt, struct mount_attr *a, bool recursive)
{
	unsigned flags = AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0);

	return syscall(SYS_mount_setattr, mnt, "", flags, a, sizeof *a) < 0 ? -errno : 0;
}

int mount_attr(int mnt, unsigned set, unsigned clear, bool recursive)
{
	struct mount_attr a = {.attr_set = set, .attr_clr = clear};

	return setattr(mnt, &a, recursive);
}

int mount_idmap(int mnt, int userns, bool recursive)
{
	struct mount_attr a = {.attr_set = MOUNT_ATTR_IDMAP, .userns_fd = (uint64_t)userns};

	return setattr(mnt, &a, recursive);
}

int mount_propagation(int mnt, unsigned long flag, bool recursive)
{
	struct mount_attr a = {.propagation = flag};

	return setattr(mnt, &a, recursive);
}

int mount_pivot(int root, struct err *e)
{
	/* pivot_root(2), NOTES: with "." twice the old root ends up over the new one and can be detached at once. */
	if (fchdir(root) < 0 || syscall(SYS_pivot_root, ".", ".") < 0)
		return err_set(e, errno, "pivot_root");
	if (umount2(".", MNT_DETACH) < 0 || chdir("/") < 0)
		return err_set(e, errno, "leave the old root");
	return 0;
}
