#include <dirent.h>
#include <sys/file.h>

#include "base/base.h"
#include "store/partial.h"

enum { PARTIAL_PATH = 96, WEEK = 7 * 24 * 3600 };

static char *partial_path(const struct digest *blob, char buf[static PARTIAL_PATH])
{
	snprintf(buf, PARTIAL_PATH, "blobs/partial/%s", blob->hex);
	return buf;
}

/* True if the name still leads to what is open: it may have been placed or dropped before we had the lock. */
static bool still_there(const struct home *h, const char *path, int fd, uint64_t *ret_size)
{
	struct stat mine, named;

	if (fstat(fd, &mine) < 0 || fstatat(h->fd, path, &named, AT_SYMLINK_NOFOLLOW) < 0 ||
	    mine.st_ino != named.st_ino || mine.st_dev != named.st_dev)
		return false;
	*ret_size = (uint64_t)mine.st_size;
	return true;
}

int partial_open(const struct home *h, const struct digest *blob, int *ret, uint64_t *ret_size,
		 struct err *e)
{
	char path[PARTIAL_PATH];

	*ret = -1;
	partial_path(blob, path);
	for (int tries = 0; tries < 100; tries++) {
		autoclose int fd =
			openat(h->fd, path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
		if (fd < 0 && errno == ENOENT) {
			int r = path_mkdir_p_at(h->fd, "blobs/partial", 0700);
			if (r < 0 && r != -EEXIST)
				return err_set(e, r, "make %s/blobs/partial", h->path);
			continue;
		}
		if (fd < 0)
			return err_set(e, errno, "open %s/%s", h->path, path);
		if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
			if (errno != EWOULDBLOCK)
				return err_set(e, errno, "lock %s/%s", h->path, path);
			*ret = take_fd(fd);
			return -EAGAIN;
		}
		if (still_there(h, path, fd, ret_size)) {
			*ret = take_fd(fd);
			return 0;
		}
	}
	return err_set(e, EBUSY, "lock %s/%s", h->path, path);
}

int partial_wait(int fd, struct err *e)
{
	while (flock(fd, LOCK_EX) < 0)
		if (errno != EINTR)
			return err_set(e, errno, "wait for another pull");
	return 0;
}

void partial_drop(const struct home *h, const struct digest *blob)
{
	char path[PARTIAL_PATH];

	unlinkat(h->fd, partial_path(blob, path), 0);
}

int partial_place(const struct home *h, const struct digest *blob, struct err *e)
{
	char from[PARTIAL_PATH], to[PARTIAL_PATH];
	int r = path_mkdir_p_at(h->fd, "blobs/sha256", 0700);

	snprintf(to, sizeof to, "blobs/sha256/%s", blob->hex);
	if (r < 0 && r != -EEXIST)
		return err_set(e, r, "make %s/blobs/sha256", h->path);
	if (renameat(h->fd, partial_path(blob, from), h->fd, to) < 0)
		return err_set(e, errno, "write %s/%s", h->path, to);
	return 0;
}

static bool has_gone_stale(const struct home *h, const char *name, int fd)
{
	char path[PARTIAL_PATH];
	struct stat st;

	snprintf(path, sizeof path, "blobs/sha256/%.64s", name);
	return faccessat(h->fd, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0 ||
	       (fstat(fd, &st) == 0 && (!st.st_size || st.st_mtime < time(NULL) - WEEK));
}

void partial_sweep(const struct home *h)
{
	int dir = openat(h->fd, "blobs/partial", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = dir < 0 ? NULL : fdopendir(dir);
	bool empty = true;

	if (!d)
		return;
	for (struct dirent *de; (de = readdir(d));) {
		if (!strcmp(de->d_name, ".") || !strcmp(de->d_name, ".."))
			continue;
		autoclose int fd =
			openat(dir, de->d_name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
		if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0 &&
		    has_gone_stale(h, de->d_name, fd))
			unlinkat(dir, de->d_name, 0);
		else
			empty = false;
	}
	closedir(d);
	if (empty)
		unlinkat(h->fd, "blobs/partial", AT_REMOVEDIR);
}
