#include <linux/fs.h>
#include <sys/ioctl.h>

#include "base/base.h"
#include "sys/file_copy.h"

static bool plain;

void file_copy_test_plain(bool on)
{
	plain = on;
}

/* By hand: what every file system can. Up to end, or to where the file ends. */
static int copy_plain(int in, int out, off_t at, off_t end)
{
	char buf[64 * 1024];

	while (at < end) {
		size_t want = end - at < (off_t)sizeof buf ? (size_t)(end - at) : sizeof buf;
		ssize_t n = pread(in, buf, want, at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : 0;
		for (ssize_t done = 0; done < n;) {
			ssize_t k = pwrite(out, buf + done, (size_t)(n - done), at + done);
			if (k < 0 && errno != EINTR)
				return -errno;
			done += k > 0 ? k : 0;
		}
		at += n;
	}
	return 0;
}

/* The errors of copy_file_range(2) that say that these two files cannot be copied that way. */
static bool cannot(int code)
{
	return code == EXDEV || code == EINVAL || code == ENOSYS || code == EOPNOTSUPP ||
	       code == EPERM;
}

static int copy_range(int in, int out, off_t at, off_t end)
{
	while (at < end && !plain) {
		off_t from = at, to = at;
		ssize_t n = copy_file_range(in, &from, out, &to, (size_t)(end - at), 0);
		if (n < 0 && cannot(errno))
			break;
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n == 0) /* the end; or a file system that does not say that it cannot */
			break;
		at += n > 0 ? n : 0;
	}
	return copy_plain(in, out, at, end);
}

int file_copy(int in, int out)
{
	struct stat st;
	off_t at = 0;

	if (fstat(in, &st) < 0)
		return -errno;
	if (!st.st_size || (!plain && ioctl(out, FICLONE, in) == 0))
		return 0;
	while (at < st.st_size) {
		off_t data = lseek(in, at, SEEK_DATA);
		if (data < 0 && errno == ENXIO) /* a hole up to the end */
			break;
		off_t hole = data < 0 ? -1 : lseek(in, data, SEEK_HOLE);
		if (data < 0 || hole < 0) { /* a file system that knows no holes */
			data = at;
			hole = st.st_size;
		}
		int r = copy_range(in, out, data, hole);
		if (r < 0)
			return r;
		at = hole;
	}
	return ftruncate(out, st.st_size) < 0 ? -errno : 0;
}

bool file_copy_shares(int dir)
{
	autoclose int in = openat(dir, "shared.1", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	autoclose int out = openat(dir, "shared.2", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	bool yes = in >= 0 && out >= 0 && ftruncate(in, 4096) == 0 && ioctl(out, FICLONE, in) == 0;

	unlinkat(dir, "shared.1", 0);
	unlinkat(dir, "shared.2", 0);
	return yes;
}
