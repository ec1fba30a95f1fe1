#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include "sys/overlay_marks.h"

bool overlay_is_whiteout(int dir, const char *name, const struct stat *st)
{
	if (S_ISCHR(st->st_mode) && st->st_rdev == makedev(0, 0))
		return true;
	if (!S_ISREG(st->st_mode) || st->st_size)
		return false;
	autoclose int fd =
		openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	return fd >= 0 && fgetxattr(fd, "user.overlay.whiteout", NULL, 0) >= 0;
}

bool overlay_is_opaque(int dir)
{
	char c;

	if (fgetxattr(dir, "user.overlay.opaque", &c, 1) == 1)
		return c == 'y';
	return errno == EOPNOTSUPP &&
	       faccessat(dir, OVERLAY_OPAQUE_FILE, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

bool owner_kept_read(int fd, struct owner_kept *ret)
{
	char text[64], *end;
	ssize_t n = fgetxattr(fd, "user.hoy.owner", text, sizeof text - 1);

	if (n <= 0)
		return false;
	text[n] = 0;
	if (strspn(text, "0123456789:") != (size_t)n)
		return false;
	unsigned long uid = strtoul(text, &end, 10);
	if (end == text || *end != ':' || uid >= UINT32_MAX)
		return false;
	char *from = end + 1;
	unsigned long gid = strtoul(from, &end, 10);
	if (end == from || (*end && *end != ':') || gid >= UINT32_MAX)
		return false;
	if (*end) {
		from = end + 1;
		unsigned long mode = strtoul(from, &end, 8);
		if (end == from || *end || mode > 07777)
			return false;
		ret->mode = (uint32_t)mode;
	}
	ret->uid = (uint32_t)uid;
	ret->gid = (uint32_t)gid;
	return true;
}

int owner_kept_write(int fd, uint32_t uid, uint32_t gid)
{
	char text[32];
	int n = snprintf(text, sizeof text, "%u:%u", uid, gid);

	return fsetxattr(fd, "user.hoy.owner", text, (size_t)n, 0) < 0 ? -errno : 0;
}
