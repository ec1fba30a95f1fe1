/*
 * failat.so - makes one call that changes the store fail: for LD_PRELOAD.
 *
 *     FAIL_ROOT=DIR     only calls on files below this directory count
 *     FAIL_COUNT=FILE   8 bytes, shared by all processes: the calls so far, in the order in which they come
 *     FAIL_AT=N         the Nth call fails (0: none, they are only counted)
 *     FAIL_ON=1         and so do all after it that would need room on the disk (a disk that has become full)
 *     FAIL_ERRNO=N      with this error; default ENOSPC
 *     FAIL_LOG=FILE     appended to: what failed
 *
 * It counts what creates, writes, renames, links, truncates, syncs and removes. Removing never fails with FAIL_ON.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static long *count, at;
static int on, error;
static const char *root, *log_path;
static size_t root_len;

__attribute__((constructor)) static void begin(void)
{
	const char *file = getenv("FAIL_COUNT"), *s;
	int fd;

	root = getenv("FAIL_ROOT");
	if (!file || !root)
		return;
	root_len = strlen(root);
	at = (s = getenv("FAIL_AT")) ? atol(s) : 0;
	on = getenv("FAIL_ON") != NULL;
	error = (s = getenv("FAIL_ERRNO")) ? atoi(s) : ENOSPC;
	log_path = getenv("FAIL_LOG");
	fd = (int)syscall(SYS_openat, AT_FDCWD, file, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
	if (fd < 0 || syscall(SYS_ftruncate, fd, sizeof *count) < 0)
		return;
	count = mmap(NULL, sizeof *count, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	if (count == MAP_FAILED)
		count = NULL;
}

static int below(const char *path)
{
	return !strncmp(path, root, root_len) && (!path[root_len] || path[root_len] == '/');
}

static int fd_path(int fd, char *buf)
{
	char link[40];
	ssize_t n;

	snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	n = readlink(link, buf, PATH_MAX - 1);
	if (n < 0)
		return 0;
	buf[n] = 0;
	return 1;
}

static void tell(const char *call, const char *path)
{
	char line[PATH_MAX + 100];
	int fd, n;

	if (!log_path)
		return;
	n = snprintf(line, sizeof line, "%s %s\n", call, path);
	fd = (int)syscall(SYS_openat, AT_FDCWD, log_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC,
			  0666);
	if (fd >= 0) {
		syscall(SYS_write, fd, line, (size_t)n);
		close(fd);
	}
}

/* Does this call fail? name may be NULL: the file of fd itself. */
static int fails(const char *call, int fd, const char *name, int removes)
{
	char path[PATH_MAX] = "";
	int saved = errno;
	long n;

	if (!count)
		return 0;
	if (name && *name == '/')
		snprintf(path, sizeof path, "%s", name);
	else if (!fd_path(fd, path) && fd != AT_FDCWD)
		return errno = saved, 0;
	if (fd == AT_FDCWD && (!name || *name != '/') && !getcwd(path, sizeof path))
		return errno = saved, 0;
	errno = saved;
	if (!below(path))
		return 0;
	n = __atomic_add_fetch(count, 1, __ATOMIC_SEQ_CST);
	if (!at || n < at || (n > at && (!on || removes)) || (on && removes))
		return 0;
	if (name && *name != '/') {
		strncat(path, "/", sizeof path - strlen(path) - 1);
		strncat(path, name, sizeof path - strlen(path) - 1);
	}
	tell(call, path);
	errno = error;
	return 1;
}

#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))
#define WRAP(ret, name, params, args, fd, path, removes)                                           \
	ret name params                                                                            \
	{                                                                                          \
		static ret(*next) params;                                                          \
		if (!next)                                                                         \
			next = (ret(*) params)dlsym(RTLD_NEXT, #name);                             \
		return fails(#name, fd, path, removes) ? (ret)-1 : next args;                      \
	}

WRAP(ssize_t, write, (int fd, const void *p, size_t n), (fd, p, n), fd, NULL, 0)
WRAP(ssize_t, pwrite, (int fd, const void *p, size_t n, off_t o), (fd, p, n, o), fd, NULL, 0)
WRAP(ssize_t, pwrite64, (int fd, const void *p, size_t n, off64_t o), (fd, p, n, o), fd, NULL, 0)
WRAP(ssize_t, writev, (int fd, const struct iovec *v, int n), (fd, v, n), fd, NULL, 0)
WRAP(ssize_t, copy_file_range, (int a, off64_t *p, int fd, off64_t *q, size_t n, unsigned f),
     (a, p, fd, q, n, f), fd, NULL, 0)
WRAP(int, rename, (const char *a, const char *b), (a, b), AT_FDCWD, b, 0)
WRAP(int, renameat, (int d, const char *a, int e, const char *b), (d, a, e, b), e, b, 0)
WRAP(int, renameat2, (int d, const char *a, int e, const char *b, unsigned f), (d, a, e, b, f), e,
     b, 0)
WRAP(int, mkdir, (const char *a, mode_t m), (a, m), AT_FDCWD, a, 0)
WRAP(int, mkdirat, (int d, const char *a, mode_t m), (d, a, m), d, a, 0)
WRAP(int, symlinkat, (const char *t, int d, const char *a), (t, d, a), d, a, 0)
WRAP(int, symlink, (const char *t, const char *a), (t, a), AT_FDCWD, a, 0)
WRAP(int, linkat, (int d, const char *a, int e, const char *b, int f), (d, a, e, b, f), e, b, 0)
WRAP(int, mknodat, (int d, const char *a, mode_t m, dev_t v), (d, a, m, v), d, a, 0)
WRAP(int, unlinkat, (int d, const char *a, int f), (d, a, f), d, a, 1)
WRAP(int, unlink, (const char *a), (a), AT_FDCWD, a, 1)
WRAP(int, rmdir, (const char *a), (a), AT_FDCWD, a, 1)
WRAP(int, fsync, (int fd), (fd), fd, NULL, 0)
WRAP(int, fdatasync, (int fd), (fd), fd, NULL, 0)
WRAP(int, syncfs, (int fd), (fd), fd, NULL, 0)
WRAP(int, ftruncate, (int fd, off_t n), (fd, n), fd, NULL, 0)
WRAP(int, ftruncate64, (int fd, off64_t n), (fd, n), fd, NULL, 0)
WRAP(int, fallocate, (int fd, int m, off_t a, off_t n), (fd, m, a, n), fd, NULL, 0)
WRAP(int, fchownat, (int d, const char *a, uid_t u, gid_t g, int f), (d, a, u, g, f), d, a, 0)
WRAP(int, fsetxattr, (int fd, const char *k, const void *v, size_t n, int f), (fd, k, v, n, f), fd,
     NULL, 0)

#define WRAP_OPENAT(name)                                                                          \
	int name(int d, const char *a, int flags, ...)                                             \
	{                                                                                          \
		static int (*next)(int, const char *, int, ...);                                   \
		va_list l;                                                                         \
		va_start(l, flags);                                                                \
		mode_t mode = flags & (O_CREAT | __O_TMPFILE) ? va_arg(l, mode_t) : 0;             \
		va_end(l);                                                                         \
		if (!next)                                                                         \
			next = (int (*)(int, const char *, int, ...))dlsym(RTLD_NEXT, #name);      \
		if ((flags & O_CREAT || (flags & O_TMPFILE) == O_TMPFILE) &&                       \
		    fails(#name, d, a, 0))                                                         \
			return -1;                                                                 \
		return next(d, a, flags, mode);                                                    \
	}
WRAP_OPENAT(openat)
WRAP_OPENAT(openat64)
