#include <dirent.h>
#include <sys/sendfile.h>
#include <sys/stat.h>

#include "base/base.h"
#include "runtime/copy_tree.h"

enum { MAX_DEPTH = 200 };

/* Calls fn for every entry of a directory. Takes fd. */
static int each_entry(int fd, int depth, int (*fn)(int dir, const char *name, int depth, void *arg),
		      void *arg)
{
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	int r = d ? 0 : -errno;

	if (!d && fd >= 0)
		close(fd);
	if (d && depth > MAX_DEPTH)
		r = -ELOOP;
	while (r == 0) {
		errno = 0;
		struct dirent *de = readdir(d);
		if (!de) {
			r = -errno;
			break;
		}
		if (strcmp(de->d_name, ".") && strcmp(de->d_name, ".."))
			r = fn(dirfd(d), de->d_name, depth, arg);
	}
	if (d)
		closedir(d);
	return r;
}

static int copy_bytes(int from, int to)
{
	for (;;) {
		ssize_t n = sendfile(to, from, NULL, 1 << 20);
		if (n <= 0)
			return n < 0 ? -errno : 0;
	}
}

/* Owner, mode and times of what was made; an owner that cannot be had here is left out. */
static void dress(int to, const char *name, const struct stat *st)
{
	const struct timespec t[] = {st->st_atim, st->st_mtim};

	(void)!fchownat(to, name, st->st_uid, st->st_gid, AT_SYMLINK_NOFOLLOW);
	if (!S_ISLNK(st->st_mode))
		fchmodat(to, name, st->st_mode & 07777, 0);
	utimensat(to, name, t, AT_SYMLINK_NOFOLLOW);
}

static int copy_file(int dir, const char *name, int to, struct stat *st)
{
	autoclose int in =
		openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (in < 0 || fstat(in, st) < 0)
		return -errno;
	if (!S_ISREG(st->st_mode))
		return -ESTALE; /* exchanged meanwhile */
	autoclose int out =
		openat(to, name, O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW | O_CLOEXEC, 0600);
	return out < 0 ? -errno : copy_bytes(in, out);
}

static int copy_link(int dir, const char *name, int to)
{
	char target[PATH_MAX];
	ssize_t n = readlinkat(dir, name, target, sizeof target - 1);

	if (n < 0)
		return -errno;
	target[n] = 0;
	return symlinkat(target, to, name) < 0 ? -errno : 0;
}

static int copy_entry(int dir, const char *name, int depth, void *arg)
{
	int to = *(int *)arg, r;
	struct stat st;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	if (S_ISDIR(st.st_mode)) {
		if (mkdirat(to, name, 0700) < 0)
			return -errno;
		autoclose int below =
			openat(to, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (below < 0)
			return -errno;
		r = each_entry(openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC),
			       depth + 1, copy_entry, &below);
	} else if (S_ISREG(st.st_mode)) {
		r = copy_file(dir, name, to, &st);
	} else if (S_ISLNK(st.st_mode)) {
		r = copy_link(dir, name, to);
	} else if (S_ISFIFO(st.st_mode)) {
		r = mkfifoat(to, name, 0600) < 0 ? -errno : 0;
	} else {
		return 0;
	}
	if (r == 0)
		dress(to, name, &st);
	return r;
}

int copy_tree(int from, int to)
{
	int fd = openat(from, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? -errno : each_entry(fd, 0, copy_entry, &to);
}

struct owner {
	uid_t uid;
	gid_t gid;
};

static int own_entry(int dir, const char *name, int depth, void *arg)
{
	const struct owner *o = arg;
	struct stat st;
	autoclose int fd = openat(dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0 || fstat(fd, &st) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (S_ISDIR(st.st_mode)) {
		int r = each_entry(openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), depth + 1,
				   own_entry, arg);
		if (r < 0)
			return r;
	}
	if (st.st_uid == o->uid && st.st_gid == o->gid)
		return 0;
	return fchownat(fd, "", o->uid, o->gid, AT_EMPTY_PATH) < 0 ? -errno : 0;
}

int own_tree(int fd, uid_t uid, gid_t gid)
{
	struct owner o = {uid, gid};
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (S_ISDIR(st.st_mode)) {
		int r = each_entry(openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), 0,
				   own_entry, &o);
		if (r < 0)
			return r;
	}
	if (st.st_uid == uid && st.st_gid == gid)
		return 0;
	return fchownat(fd, "", uid, gid, AT_EMPTY_PATH) < 0 ? -errno : 0;
}
