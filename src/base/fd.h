/*
 * fd.h - file descriptors: whole reads and writes, atomic replacement of files, passing descriptors.
 *
 * Every descriptor is O_CLOEXEC from birth. Files are replaced, never edited.
 */
#ifndef BASE_FD_H
#define BASE_FD_H

#define autoclose __attribute__((cleanup(fd_cleanup)))
static inline void fd_cleanup(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}
void fd_close(int *fd); /* closes if open and sets it to -1 */

/* Reads until end of file or max bytes, adding to out; -EFBIG if there is more than max. */
int fd_read_all(int fd, struct str *out, size_t max);
/* Opens a regular file (O_NOFOLLOW on the last part, O_NONBLOCK, so neither a FIFO nor a device can block) and reads it.
 * -EINVAL if it is not a regular file, -EFBIG if it is longer than max. */
int fd_read_file_at(int dir, const char *name, struct str *out, size_t max);
/* Waits while there is no room, also where the descriptor does not block. */
int fd_write_all(int fd, const void *p, size_t n);
int fd_write_file_at(int dir, const char *name, const void *p, size_t n,
		     mode_t mode); /* creates or truncates */

/* Replaces dir/name by the bytes given: a new file beside it, fdatasync if sync, rename. Leaves nothing behind on failure. */
int fd_replace_at(int dir, const char *name, const void *p, size_t n, mode_t mode, bool sync);
/* The same for what is replaced all the time and means nothing after a boot: the disk hears of it when it likes, so after a power cut the file may be
 * empty. (ext4 writes a file to the disk at once when it is renamed over another one, but not when the two are exchanged.) */
int fd_replace_soon_at(int dir, const char *name, const void *p, size_t n, mode_t mode);

/* One message over a unix socket, with up to 16 descriptors. Receiving takes ownership; surplus ones are closed.
 * *nfds holds the room in fds and is set to the number received. Returns the bytes sent or received (0: the peer is gone),
 * or a negative errno (-EPIPE, -EAGAIN ...). SIGPIPE is never raised. */
ssize_t fd_send_msg(int sock, const void *p, size_t n, const int *fds, size_t nfds);
ssize_t fd_recv_msg(int sock, void *p, size_t n, int *fds, size_t *nfds);

/* Descriptors that go to another process under their own numbers (3 and up). */
enum { FD_KEPT_MAX = 48 };
struct fd_kept {
	int v[FD_KEPT_MAX];
	size_t n;
};
void fd_kept_close(const struct fd_kept *k);
/* Adds the numbers to a list for fd_close_except(), which has room for FD_KEPT_MAX more. */
size_t fd_kept_add(const struct fd_kept *k, int *list, size_t n);

/* Closes all descriptors from 3 up, except those in keep. */
void fd_close_except(const int *keep, size_t n);

#endif
