#include "base/base.h"
#include "monitor/log_files.h"

enum {
	GAP = 3
}; /* a writer that was killed leaves a number out; so many are not left out in a row */

const char *log_file_name(char *buf, const char *name, unsigned index)
{
	if (index)
		snprintf(buf, LOG_NAME_MAX + 12, "%.*s.%u", LOG_NAME_MAX, name, index);
	else
		snprintf(buf, LOG_NAME_MAX + 12, "%.*s", LOG_NAME_MAX, name);
	return buf;
}

static int open_index(const struct log_files *f, unsigned index)
{
	char name[LOG_NAME_MAX + 12];
	int fd = openat(f->dir, log_file_name(name, f->name, index),
			O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

static bool same_file(int a, int b)
{
	struct stat x, y;

	return fstat(a, &x) == 0 && fstat(b, &y) == 0 && x.st_ino == y.st_ino &&
	       x.st_dev == y.st_dev;
}

static off_t size_of(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 ? st.st_size : 0;
}

/* The newest is opened first and stands last. */
static void put_in_order(struct log_files *f)
{
	off_t start = 0;

	for (size_t i = 0; i < f->n / 2; i++) {
		int fd = f->v[i].fd;
		f->v[i].fd = f->v[f->n - 1 - i].fd;
		f->v[f->n - 1 - i].fd = fd;
	}
	for (size_t i = 0; i < f->n; i++) {
		f->v[i].start = start;
		start += size_of(f->v[i].fd);
	}
}

int log_files_open(struct log_files *f, int dir, const char *name)
{
	int r = 0;

	*f = (struct log_files){.dir = fcntl(dir, F_DUPFD_CLOEXEC, 3)};
	snprintf(f->name, sizeof f->name, "%s", name);
	if (f->dir < 0)
		return -errno;
	for (unsigned i = 0, gap = 0; i <= CONFIG_LOG_FILES && gap < GAP && r == 0; i++) {
		int fd = open_index(f, i);
		gap = fd == -ENOENT ? gap + 1 : 0;
		if (fd == -ENOENT)
			continue;
		if (fd < 0)
			r = fd;
		else if (f->n && same_file(fd, f->v[f->n - 1].fd)) /* it was renamed meanwhile */
			close(fd);
		else
			f->v[f->n++].fd = fd;
	}
	put_in_order(f);
	if (r < 0)
		log_files_close(f);
	return r;
}

void log_files_of(struct log_files *f, int fd)
{
	*f = (struct log_files){.dir = -1, .n = 1};
	f->v[0].fd = fd;
}

void log_files_close(struct log_files *f)
{
	for (size_t i = 0; i < f->n; i++)
		close(f->v[i].fd);
	f->n = 0;
	if (f->dir >= 0)
		close(f->dir);
	f->dir = -1;
}

ssize_t log_files_read(const struct log_files *f, void *buf, size_t n, off_t at)
{
	for (size_t i = 0; i < f->n; i++) {
		if (at < f->v[i].start)
			return 0;
		if (i + 1 < f->n && at >= f->v[i + 1].start)
			continue;
		/* Of an older file no more than counts as its own: it does not grow. */
		if (i + 1 < f->n && (off_t)n > f->v[i + 1].start - at)
			n = (size_t)(f->v[i + 1].start - at);
		ssize_t k = pread(f->v[i].fd, buf, n, at - f->v[i].start);
		return k < 0 ? -errno : k;
	}
	return 0;
}

off_t log_files_end(const struct log_files *f)
{
	return f->n ? f->v[f->n - 1].start + size_of(f->v[f->n - 1].fd) : 0;
}

/* Where a file stands now: its number, or -1; *ret_oldest gets the highest number that there is, -1 if none. */
static int find(const struct log_files *f, int fd, int *ret_oldest)
{
	char name[LOG_NAME_MAX + 12];
	struct stat own, st;
	int at = -1;

	*ret_oldest = -1;
	if (fstat(fd, &own) < 0)
		return -1;
	for (unsigned i = 0, gap = 0; i <= CONFIG_LOG_FILES && gap < GAP; i++) {
		bool there = fstatat(f->dir, log_file_name(name, f->name, i), &st,
				     AT_SYMLINK_NOFOLLOW) == 0;
		gap = there ? 0 : gap + 1;
		if (!there)
			continue;
		*ret_oldest = (int)i;
		if (st.st_ino == own.st_ino && st.st_dev == own.st_dev && at < 0)
			at = (int)i;
		if (at == 0)
			break;
	}
	return at;
}

/* What has been read may go, but for the file that tells where we are. */
static void forget(struct log_files *f, off_t read)
{
	size_t k = 0;

	while (k + 1 < f->n && f->v[k + 1].start <= read)
		close(f->v[k++].fd);
	memmove(f->v, f->v + k, (f->n - k) * sizeof *f->v);
	f->n -= k;
}

bool log_files_next(struct log_files *f, off_t read)
{
	if (f->dir < 0 || !f->n)
		return false;
	int own = f->v[f->n - 1].fd;
	for (int tries = 0; tries < 50; tries++) {
		int oldest, again, at = find(f, own, &oldest);
		if (at == 0 || oldest < 0)
			return false;
		int fd = open_index(f, (unsigned)(at < 0 ? oldest : at - 1));
		if (fd < 0) { /* it is on its way to that name */
			usleep(1000);
			continue;
		}
		if (find(f, own, &again) != at) {
			close(fd);
			continue;
		}
		forget(f, read);
		if (f->n == countof(f->v)) { /* never: what is read goes */
			close(fd);
			return false;
		}
		f->missed |= at < 0;
		f->v[f->n].start = f->v[f->n - 1].start + size_of(own);
		f->v[f->n++].fd = fd;
		return true;
	}
	return false;
}
