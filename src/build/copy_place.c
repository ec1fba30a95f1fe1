/*
 * How it works: the image belongs to us alone while a step runs, but its links are hostile: so a path is taken apart here, each link in it is read and put in its place as
 * if the image's root were "/", and what is then opened is a path without links, strictly below the root.
 */
#include <sys/xattr.h>

#include "base/base.h"
#include "build/copy_impl.h"

enum { READ_DIR = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC };

/* The last component goes. */
static void pop(struct str *path)
{
	char *slash = path->len ? strrchr(path->s, '/') : NULL;

	path->len = slash ? (size_t)(slash - path->s) : 0;
	if (path->s)
		path->s[path->len] = 0;
}

/* The text of the link dir/name into to; -EINVAL if it is none. */
static ssize_t link_text(int root, const char *dir, const char *name, char to[static PATH_MAX])
{
	autoclose int fd = path_open_beneath(root, *dir ? dir : ".", O_PATH | O_DIRECTORY, 0);

	if (fd < 0)
		return fd;
	ssize_t n = readlinkat(fd, name, to, PATH_MAX - 1);
	if (n < 0)
		return -errno;
	to[n] = 0;
	return n;
}

int copy_place_resolve(int root, const char *path, char **ret, struct err *e)
{
	scoped(str) done = {0};
	autofree char *rest = xstrdup(path);
	char text[PATH_MAX], name[NAME_MAX + 1];
	int links = 0;

	for (char *p = rest; *p;) {
		p += strspn(p, "/");
		size_t n = strcspn(p, "/");
		if (!n)
			break;
		if (n > NAME_MAX || done.len + n + 2 > PATH_MAX)
			return err_set(e, ENAMETOOLONG, "%.200s in the image", path);
		memcpy(name, p, n);
		name[n] = 0;
		p += n;
		if (!strcmp(name, "."))
			continue;
		if (!strcmp(name, "..")) {
			pop(&done);
			continue;
		}
		ssize_t k = link_text(root, str_cstr(&done), name, text);
		if (k < 0) {
			if (done.len)
				str_addc(&done, '/');
			str_add(&done, name);
			continue;
		}
		if (++links > COPY_MAX_LINKS)
			return err_set(e, ELOOP, "%.200s in the image", path);
		if (text[0] == '/')
			str_reset(&done);
		char *next = xasprintf("%s/%s", text, p);
		free(rest);
		rest = p = next;
	}
	*ret = xasprintf("/%s", str_cstr(&done));
	return 0;
}

/* In form one a file stays readable to its user, and the rest is written beside (overlay_marks.h). */
static int keep_owner(int fd, bool dir, uint32_t uid, uint32_t gid, uint32_t mode, uint32_t on_disk)
{
	char text[64];

	if (!uid && !gid && on_disk == mode) {
		fremovexattr(fd, "user.hoy.owner");
		return 0;
	}
	int n = snprintf(text, sizeof text, "%u:%u:%o", uid, gid, mode);
	if (fsetxattr(fd, "user.hoy.owner", text, (size_t)n, 0) == 0)
		return 0;
	(void)dir;
	return errno == EOPNOTSUPP ? 0 : -errno;
}

int copy_place_attr(const struct copy_place *p, int fd, bool dir, bool sgid, uint32_t uid,
		    uint32_t gid, uint32_t mode)
{
	bool one = p->form == FORM_ONE;
	uint32_t on_disk = one ? mode | (dir ? 0700 : 0400) : mode;

	if (!one && (uid || gid || sgid || dir) && fchown(fd, uid, gid) < 0)
		return -errno;
	if (fchmod(fd, on_disk) < 0)
		return -errno;
	return one ? keep_owner(fd, dir, uid, gid, mode, on_disk) : 0;
}

static int make_dir(const struct copy_place *p, int at, const char *name)
{
	struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, p->time};

	if (mkdirat(at, name, 0755) < 0)
		return -errno;
	autoclose int fd = openat(at, name, READ_DIR);
	if (fd < 0)
		return -errno;
	int r = copy_place_attr(p, fd, true, true, p->owner.uid, p->owner.gid, 0755);
	return r == 0 && futimens(fd, times) < 0 ? -errno : r;
}

int copy_place_dir(const struct copy_place *p, const char *path, struct err *e)
{
	autofree char *real = NULL;
	scoped(strv) parts = {0};
	int r = copy_place_resolve(p->root, path, &real, e);

	if (r < 0)
		return r;
	autoclose int fd = path_open_beneath(p->root, ".", READ_DIR, 0);
	strv_split(&parts, real + 1, '/');
	for (size_t i = 0; fd >= 0 && real[1] && i < parts.n; i++) {
		int next = openat(fd, parts.v[i], READ_DIR);
		if (next < 0 && errno == ENOENT) {
			r = make_dir(p, fd, parts.v[i]);
			next = r < 0 ? -1 : openat(fd, parts.v[i], READ_DIR);
			if (r < 0)
				errno = -r;
		}
		int code = errno;
		close(fd);
		fd = next;
		errno = code;
	}
	if (fd >= 0)
		return take_fd(fd);
	int code = errno;
	if (code != ENOTDIR && code != ELOOP)
		return err_set(e, code, "make the directory %s in the image", path);
	err_fail_code(e, ERR_COPY_TO, code,
		      "%s of the image lies in, or is, something that is no directory", path);
	return -code;
}
