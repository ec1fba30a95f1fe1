#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include "base/base.h"
#include "store/unpack_impl.h"
#include "sys/overlay_marks.h"

int unpack_refuse(const struct unpack *u, const char *name, const char *why, struct err *e)
{
	return err_fail(e, u->plain ? ERR_ARCHIVE : ERR_LAYER, "the entry %.200s %s", name, why);
}

int unpack_rename(const struct unpack *u, char *path, struct err *e)
{
	size_t first = strcspn(path, "/"), rest = strlen(path + first), n;

	if (!u->how.as || !*path)
		return 0;
	n = strlen(u->how.as);
	if (!n && rest) { /* the slash goes, too */
		first++;
		rest--;
	}
	if (n + rest > UNPACK_NAME)
		return unpack_refuse(u, path, "gets too long a name", e);
	memmove(path + n, path + first, rest + 1);
	memcpy(path, u->how.as, n);
	return 0;
}

int unpack_clean(struct unpack *u, const char *name, char *to, struct err *e)
{
	size_t at = 0;
	unsigned depth = 0;

	for (const char *p = name; *p;) {
		size_t n = strcspn(p, "/");
		if (n == 2 && p[0] == '.' && p[1] == '.') {
			if (!at)
				return unpack_refuse(u, name, "leaves the root", e);
			while (at && to[--at] != '/')
				;
			depth--;
		} else if (n && !(n == 1 && p[0] == '.')) {
			if (n > NAME_MAX)
				return unpack_refuse(u, name, "has a part of more than 255 bytes",
						     e);
			if (++depth > u->lim.max_depth)
				return unpack_refuse(u, name, "lies too deep", e);
			if (at)
				to[at++] = '/';
			memcpy(to + at, p, n); /* never longer than name, which fits */
			at += n;
		}
		p += n;
		p += strspn(p, "/");
	}
	to[at] = 0;
	return 0;
}

static void leave(struct unpack *u)
{
	struct level *l = unpack_top(u);
	struct timespec ts[2] = {{.tv_nsec = UTIME_OMIT}, l->mtime};

	if (l->mode >= 0)
		fchmod(l->fd, (mode_t)l->mode);
	if (l->dirty && l->has_mtime)
		futimens(l->fd, ts);
	if (u->n > 1) /* the root is the caller's */
		close(l->fd);
	u->n--;
	u->cur[u->n ? unpack_top(u)->end : 0] = 0;
}

void unpack_leave_all(struct unpack *u)
{
	while (u->n)
		leave(u);
}

int unpack_push_failed(struct unpack *u, int r, struct err *e)
{
	return r == -ENAMETOOLONG ? unpack_refuse(u, u->path, "lies too deep", e)
				  : err_set(e, r, "open the directory of %.200s", u->path);
}

int unpack_push(struct unpack *u, const char *name, size_t n)
{
	size_t at = unpack_top(u)->end;
	autoclose int fd =
		openat(unpack_top(u)->fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (u->n > u->lim.max_depth || at + 1 + n > UNPACK_NAME)
		return -ENAMETOOLONG;
	if (at)
		u->cur[at++] = '/';
	memcpy(u->cur + at, name, n);
	u->cur[at + n] = 0;
	u->levels[u->n++] = (struct level){
		.end = at + n,
		.mtime = st.st_mtim,
		.has_mtime = true,
		.sgid = st.st_mode & S_ISGID,
		.mode = -1,
	};
	unpack_top(u)->fd = take_fd(fd);
	return 0;
}

bool unpack_is_whiteout(struct unpack *u, const char *name)
{
	struct stat st;

	if (u->plain || fstatat(unpack_top(u)->fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return false;
	if (S_ISCHR(st.st_mode) && st.st_rdev == makedev(0, 0))
		return true;
	if (!u->xattr_whiteouts || !S_ISREG(st.st_mode) || st.st_size)
		return false;
	autoclose int fd = openat(unpack_top(u)->fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	return fd >= 0 && fgetxattr(fd, "user.overlay.whiteout", NULL, 0) >= 0;
}

/* What is replaced holds content that the recipe speaks of: it goes to replaced/<number>. 1: it is out of the way. */
static int keep_replaced(struct unpack *u, const char *name, struct err *e)
{
	int dir = unpack_top(u)->fd;
	struct stat st;
	char number[16];

	if (!u->recipe || fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
	    !(S_ISDIR(st.st_mode) || (S_ISREG(st.st_mode) && st.st_size > 0)))
		return 0;
	int k = recipe_move(u->recipe, u->cur, name);
	if (k < 0)
		return 0; /* too many: there will be no recipe */
	if (u->replaced < 0) {
		if (mkdirat(u->side, "replaced", 0755) < 0)
			return err_set(e, errno, "make a directory for what %.200s replaces",
				       u->path);
		u->replaced = openat(u->side, "replaced", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	}
	snprintf(number, sizeof number, "%d", k);
	if (u->replaced < 0 || renameat(dir, name, u->replaced, number) < 0)
		return err_set(e, errno, "keep what %.200s replaces", u->path);
	return 1;
}

int unpack_remove(struct unpack *u, const char *name, bool *ret_whiteout, struct err *e)
{
	int dir = unpack_top(u)->fd;

	*ret_whiteout = unpack_is_whiteout(u, name);
	unpack_top(u)->dirty = true;
	int kept = keep_replaced(u, name, e);
	if (kept)
		return kept < 0 ? kept : 0;
	if (unlinkat(dir, name, 0) == 0 || errno == ENOENT)
		return 0;
	int r = errno == EISDIR || errno == EPERM ? path_rm_tree_at(dir, name) : -errno;
	return r < 0 ? err_set(e, r, "replace %.200s", u->path) : 0;
}

int unpack_set_opaque(struct unpack *u, const char *value, struct err *e)
{
	static const char attr[] = "user.overlay.opaque";
	struct level *l = unpack_top(u);
	char now;

	if (u->n == 1 && *value == 'y') {
		u->stats.opaque_root = true;
		return 0;
	}
	/* "y" hides more than "x", which only says that there are whiteouts in xattrs */
	if (*value == 'x' && fgetxattr(l->fd, attr, &now, 1) == 1 && now == 'y')
		return 0;
	if (fsetxattr(l->fd, attr, value, 1, 0) == 0)
		return 0;
	int code = errno;
	autoclose int mark = code != EOPNOTSUPP || *value != 'y'
				     ? -1
				     : openat(l->fd, OVERLAY_OPAQUE_FILE,
					      O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (mark >= 0)
		return 0;
	err_set(e, code, "mark %.200s as opaque", u->path);
	return err_hint(e, "the store must lie on a file system with user extended attributes "
			   "(ext4, xfs, btrfs, or tmpfs since Linux 6.6)");
}

/* The child of the top that stands where a directory is needed: makes one if nothing or a whiteout is there. */
static int make_missing(struct unpack *u, const char *name, int why, struct err *e)
{
	int dir = unpack_top(u)->fd;
	bool whiteout = why != -ENOENT && unpack_is_whiteout(u, name);

	if (why != -ENOENT && !whiteout)
		return 0;
	unpack_top(u)->dirty = true;
	if ((whiteout && unlinkat(dir, name, 0) < 0) || mkdirat(dir, name, 0755) < 0)
		return err_set(e, errno, "make the directory of %.200s", u->path);
	int r = unpack_push(u, name, strlen(name));
	if (r < 0)
		return unpack_push_failed(u, r, e);
	if (whiteout)
		r = unpack_set_opaque(u, "y", e);
	return r < 0 ? r : 1;
}

/* name in the top is no directory: if it is a link to one inside the root, *path becomes the real path with rest behind it. */
static int follow(struct unpack *u, const char *name, const char *rest, char *path, struct err *e)
{
	char link[40], real[2 * UNPACK_NAME], at[UNPACK_NAME + NAME_MAX + 2];

	snprintf(at, sizeof at, "%s/%s", u->cur, name);
	autoclose int fd = path_open_in_root(u->dir, at, O_PATH | O_DIRECTORY, 0);
	if (fd < 0)
		return unpack_refuse(u, u->path,
				     fd == -ENOTDIR ? "lies below something that is no directory"
						    : "lies below a link to no directory in there",
				     e);
	snprintf(link, sizeof link, "/proc/self/fd/%d", u->dir);
	ssize_t root = readlink(link, u->root_path, sizeof u->root_path - 1);
	snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	ssize_t n = readlink(link, real, sizeof real - 1);
	if (root < 0 || n < 0)
		return errno == ENAMETOOLONG ? unpack_refuse(u, u->path, "lies too deep", e)
					     : err_set(e, errno, "read %s", link);
	real[n] = 0;
	if (n < root || memcmp(real, u->root_path, (size_t)root) != 0 ||
	    (real[root] && real[root] != '/'))
		return unpack_refuse(u, u->path, "lies below a link that leaves the root", e);
	char joined[sizeof real + UNPACK_NAME];
	int len = snprintf(joined, sizeof joined, "%s/%s", real + root, rest);
	if (len > UNPACK_NAME)
		return unpack_refuse(u, u->path, "lies too deep", e);
	return unpack_clean(u, joined, path, e);
}

/* Leaves levels until the top is the directory itself or one above it. */
static void leave_to(struct unpack *u, const char *path, size_t len)
{
	for (; u->n > 1; leave(u)) {
		size_t end = unpack_top(u)->end;
		if (end <= len && !memcmp(u->cur, path, end) && (end == len || path[end] == '/'))
			return;
	}
}

int unpack_enter(struct unpack *u, const char *from, size_t len, struct err *e)
{
	char path[UNPACK_NAME + 1], name[NAME_MAX + 1];
	int links = 0;

	leave_to(u, from, len);
	if (unpack_top(u)->end == len)
		return 0;
	memcpy(path, from, len);
	path[len] = 0;
	for (;;) {
		const char *p = path + unpack_top(u)->end;
		p += *p == '/';
		size_t n = strcspn(p, "/");
		if (!n)
			return 0;
		memcpy(name, p, n);
		name[n] = 0;
		int r = unpack_push(u, name, n);
		if (r == 0)
			continue;
		if (r != -ENOENT && r != -ENOTDIR && r != -ELOOP)
			return unpack_push_failed(u, r, e);
		r = make_missing(u, name, r, e);
		if (r < 0)
			return r;
		if (r)
			continue;
		if (++links > 40)
			return unpack_refuse(u, u->path, "lies below too many links", e);
		r = follow(u, name, p + n, path, e);
		if (r < 0)
			return r;
		leave_to(u, path, strlen(path));
	}
}

int unpack_open_parent(struct unpack *u, const char *path, const char **ret_base)
{
	const char *slash = strrchr(path, '/');
	char parent[UNPACK_NAME + 1];

	*ret_base = slash ? slash + 1 : path;
	if (!slash)
		return fcntl(u->dir, F_DUPFD_CLOEXEC, 3);
	memcpy(parent, path, (size_t)(slash - path));
	parent[slash - path] = 0;
	return path_open_in_root(u->dir, parent, O_PATH | O_DIRECTORY, 0);
}
