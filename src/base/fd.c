#include <poll.h>
#include <linux/close_range.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "base/base.h"
#include "base/rand.h"

void fd_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

int fd_read_all(int fd, struct str *out, size_t max)
{
	size_t start = out->len;

	for (;;) {
		str_reserve(out, 16384);
		ssize_t n = read(fd, out->s + out->len, out->cap - out->len - 1);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		out->s[out->len + (size_t)n] = 0;
		if (n == 0)
			return 0;
		out->len += (size_t)n;
		if (out->len - start > max)
			return -EFBIG;
	}
}

int fd_read_file_at(int dir, const char *name, struct str *out, size_t max)
{
	autoclose int fd =
		openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	struct stat st;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	if ((uintmax_t)st.st_size > max)
		return -EFBIG;
	if (!st.st_size) /* or a file of /proc, which does not say */
		return fd_read_all(fd, out, max);
	str_reserve(out, (size_t)st.st_size + 1);
	for (size_t left = (size_t)st.st_size; left;) {
		ssize_t n = read(fd, out->s + out->len, left);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break; /* cut while we read */
		out->len += (size_t)n;
		left -= (size_t)n;
	}
	out->s[out->len] = 0;
	return 0;
}

int fd_write_all(int fd, const void *p, size_t n)
{
	const char *s = p;

	while (n) {
		ssize_t k = write(fd, s, n);
		if (k < 0 && errno == EINTR)
			continue;
		if (k < 0 &&
		    errno == EAGAIN) { /* whoever shares this pipe or terminal made it so */
			poll(&(struct pollfd){.fd = fd, .events = POLLOUT}, 1, -1);
			continue;
		}
		if (k < 0)
			return -errno;
		s += k;
		n -= (size_t)k;
	}
	return 0;
}

int fd_write_file_at(int dir, const char *name, const void *p, size_t n, mode_t mode)
{
	autoclose int fd =
		openat(dir, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode);

	if (fd < 0)
		return -errno;
	return fd_write_all(fd, p, n);
}

enum replacing { REPLACE, REPLACE_SYNCED, REPLACE_SOON };

static int take_place(int dir, const char *tmp, const char *name, enum replacing how)
{
	if (how == REPLACE_SOON && renameat2(dir, tmp, dir, name, RENAME_EXCHANGE) == 0) {
		unlinkat(dir, tmp, 0);
		return 0;
	}
	return renameat(dir, tmp, dir, name) < 0 ? -errno : 0;
}

static int replace(int dir, const char *name, const void *p, size_t n, mode_t mode,
		   enum replacing how)
{
	char hex[9];
	autofree char *tmp = xasprintf("%s.%s.tmp", name, rand_hex(hex, 8));
	autoclose int fd = openat(dir, tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);

	if (fd < 0)
		return -errno;
	int r = fd_write_all(fd, p, n);
	if (r == 0 && how == REPLACE_SYNCED && fdatasync(fd) < 0)
		r = -errno;
	if (r == 0)
		r = take_place(dir, tmp, name, how);
	if (r < 0)
		unlinkat(dir, tmp, 0);
	return r;
}

int fd_replace_at(int dir, const char *name, const void *p, size_t n, mode_t mode, bool sync)
{
	return replace(dir, name, p, n, mode, sync ? REPLACE_SYNCED : REPLACE);
}

int fd_replace_soon_at(int dir, const char *name, const void *p, size_t n, mode_t mode)
{
	return replace(dir, name, p, n, mode, REPLACE_SOON);
}

enum { MAX_FDS = 16 };
union control {
	struct cmsghdr align;
	char buf[CMSG_SPACE(MAX_FDS * sizeof(int))];
};

ssize_t fd_send_msg(int sock, const void *p, size_t n, const int *fds, size_t nfds)
{
	union control c = {0};
	struct iovec io = {(void *)p, n};
	struct msghdr m = {.msg_iov = &io, .msg_iovlen = 1};

	if (nfds > MAX_FDS)
		return -EINVAL;
	if (nfds) {
		m.msg_control = c.buf;
		m.msg_controllen = CMSG_SPACE(nfds * sizeof(int));
		struct cmsghdr *h = CMSG_FIRSTHDR(&m);
		h->cmsg_level = SOL_SOCKET;
		h->cmsg_type = SCM_RIGHTS;
		h->cmsg_len = CMSG_LEN(nfds * sizeof(int));
		memcpy(CMSG_DATA(h), fds, nfds * sizeof(int));
	}
	ssize_t k;
	do
		k = sendmsg(sock, &m, MSG_NOSIGNAL);
	while (k < 0 && errno == EINTR);
	return k < 0 ? -errno : k;
}

ssize_t fd_recv_msg(int sock, void *p, size_t n, int *fds, size_t *nfds)
{
	union control c;
	struct iovec io = {p, n};
	struct msghdr m = {.msg_iov = &io,
			   .msg_iovlen = 1,
			   .msg_control = c.buf,
			   .msg_controllen = sizeof c.buf};
	size_t room = nfds ? *nfds : 0, got = 0;
	ssize_t k;

	/* A peer that closed before it had read all that we sent leaves ECONNRESET, once, before the messages it still sent us. */
	bool reset = false;
	do {
		k = recvmsg(sock, &m, MSG_CMSG_CLOEXEC);
	} while (k < 0 && (errno == EINTR || (errno == ECONNRESET && !reset && (reset = true))));
	if (nfds)
		*nfds = 0;
	if (k < 0)
		return errno == ECONNRESET || (reset && errno == EAGAIN) ? 0 : -errno;
	for (struct cmsghdr *h = CMSG_FIRSTHDR(&m); h; h = CMSG_NXTHDR(&m, h)) {
		if (h->cmsg_level != SOL_SOCKET || h->cmsg_type != SCM_RIGHTS)
			continue;
		size_t count = (h->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < count; i++) {
			int fd;
			memcpy(&fd, CMSG_DATA(h) + i * sizeof(int), sizeof fd);
			if (got < room)
				fds[got++] = fd;
			else
				close(fd);
		}
	}
	if (nfds)
		*nfds = got;
	return k;
}

static int by_value(const void *a, const void *b)
{
	return (*(const int *)a > *(const int *)b) - (*(const int *)a < *(const int *)b);
}

void fd_kept_close(const struct fd_kept *k)
{
	for (size_t i = 0; i < k->n; i++)
		close(k->v[i]);
}

size_t fd_kept_add(const struct fd_kept *k, int *list, size_t n)
{
	for (size_t i = 0; i < k->n; i++)
		list[n++] = k->v[i];
	return n;
}

void fd_close_except(const int *keep, size_t n)
{
	int sorted[64];
	unsigned from = 3;
	size_t m = 0;

	for (size_t i = 0; i < n && m < countof(sorted); i++)
		if (keep[i] >= 3)
			sorted[m++] = keep[i];
	qsort(sorted, m, sizeof *sorted, by_value);
	for (size_t i = 0; i < m; i++) {
		if ((unsigned)sorted[i] > from)
			syscall(SYS_close_range, from, (unsigned)sorted[i] - 1, 0);
		from = (unsigned)sorted[i] + 1;
	}
	syscall(SYS_close_range, from, ~0U, 0);
}
