#include <sys/mount.h>
#include <sys/stat.h>

#include "base/base.h"
#include "engine/mounted.h"

int mounted_need_unshare(const char *what, struct u0_map *ret, struct err *e)
{
	if (u0_inside(ret))
		return 0;
	err_fail(e, ERR_NOT_UNSHARED, "%s can be mounted only inside of `hoy unshare`", what);
	return err_hint(e, "start a shell there: hoy unshare; then: cd $(hoy %s NAME)",
			what[0] == 'i' ? "image mount" : "mount");
}

int mounted_dir(const struct home *h, struct err *e)
{
	int fd = home_dir(h, "mounts", e);

	if (fd >= 0 && mkdirat(fd, MOUNTED_EMPTY, 0700) < 0 && errno != EEXIST) {
		int r = err_set(e, errno, "make %s/mounts/%s", h->path, MOUNTED_EMPTY);
		close(fd);
		return r;
	}
	return fd;
}

bool mounted_at(int dir, const char *name)
{
	struct statx st;

	return statx(dir, name, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, 0, &st) == 0 &&
	       (st.stx_attributes_mask & STATX_ATTR_MOUNT_ROOT) &&
	       (st.stx_attributes & STATX_ATTR_MOUNT_ROOT);
}

int mounted_end(const struct home *h, int dir, const char *name, bool force, struct err *e)
{
	autofree char *path = xasprintf("%s/mounts/%s", h->path, name);

	if (umount2(path, UMOUNT_NOFOLLOW | (force ? MNT_DETACH : 0)) < 0) {
		err_set(e, errno, "unmount %s", path);
		return errno == EBUSY
			       ? err_hint(e, "somebody is in there; -f unmounts all the same")
			       : -e->code;
	}
	unlinkat(dir, name, AT_REMOVEDIR);
	return 0;
}
