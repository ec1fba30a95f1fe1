#include <dirent.h>
#include <linux/openat2.h>
#include <sys/syscall.h>

#include "base/base.h"

char *path_clean(const char *path)
{
	bool abs = path[0] == '/';
	scoped(str) out = {0};

	if (abs)
		str_addc(&out, '/');
	for (const char *p = path; *p;) {
		size_t n = strcspn(p, "/");
		if (n == 2 && p[0] == '.' && p[1] == '.') {
			char *last = out.len ? strrchr(out.s, '/') : NULL;
			const char *tail = last ? last + 1 : str_cstr(&out);
			if (out.len && *tail && strcmp(tail, "..")) {
				out.len =
					last ? (size_t)(last - out.s) + (abs && last == out.s) : 0;
				out.s[out.len] = 0;
			} else if (!abs) {
				str_add(&out, out.len ? "/.." : "..");
			}
		} else if (n && !(n == 1 && p[0] == '.')) {
			if (out.len && out.s[out.len - 1] != '/')
				str_addc(&out, '/');
			str_addn(&out, p, n);
		}
		p += n;
		p += strspn(p, "/");
	}
	if (!out.len)
		str_addc(&out, '.');
	return str_steal(&out);
}

char *path_join(const char *dir, const char *name)
{
	return xasprintf("%s%s%s", dir, str_ends(dir, "/") ? "" : "/", name);
}

int path_mkdir_p_at(int dir, const char *path, mode_t mode)
{
	if (mkdirat(dir, path, mode) == 0 || errno == EEXIST)
		return 0;
	if (errno != ENOENT)
		return -errno;
	autofree char *copy = xstrdup(path);
	for (char *p = copy + 1; (p = strchr(p, '/')); p++) {
		*p = 0;
		if (mkdirat(dir, copy, mode) < 0 && errno != EEXIST)
			return -errno;
		*p = '/';
	}
	return mkdirat(dir, path, mode) < 0 && errno != EEXIST ? -errno : 0;
}

static bool no_openat2;

void path_test_no_openat2(bool on)
{
	no_openat2 = on;
}

static int openat2_(int dir, const char *path, int flags, mode_t mode, uint64_t resolve)
{
	struct open_how how = {.flags = (uint64_t)(unsigned)flags, .resolve = resolve};

	if (no_openat2) {
		errno = ENOSYS;
		return -1;
	}
	if (flags & (O_CREAT | O_TMPFILE))
		how.mode = mode;
	int fd;
	do /* EAGAIN: a rename raced with ".." in the path; the kernel asks to try again (openat2(2)) */
		fd = (int)syscall(SYS_openat2, dir, path, &how, sizeof how);
	while (fd < 0 && (errno == EINTR || errno == EAGAIN));
	return fd;
}

/*
 * Removing a tree of any depth with few descriptors and little stack: a directory that lies RM_DEPTH levels down is moved up to
 * the top one, which is read again until it is empty.
 */
enum { RM_DEPTH = 60 };

struct rm {
	int top;
	dev_t dev;
	unsigned moved; /* number of the last one, for its name */
	bool again;
};

static int rm_below(struct rm *rm, int fd, unsigned depth);

/* -EAGAIN: it cannot be moved up either. */
static int rm_move_up(struct rm *rm, int dir, const char *name)
{
	char to[32];

	for (int tries = 0; tries < 1000; tries++) {
		snprintf(to, sizeof to, ".rm-%u", ++rm->moved);
		if (syscall(SYS_renameat2, dir, name, rm->top, to, RENAME_NOREPLACE) == 0) {
			rm->again = true;
			return 0;
		}
		if (errno != EEXIST)
			break;
	}
	return -errno;
}

/* What is mounted inside is not part of the tree, be it of the same file system. */
static int rm_open(int dir, const char *name, bool top)
{
	const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	int fd = top ? -1 : openat2_(dir, name, flags, 0, RESOLVE_NO_XDEV);

	return top || (fd < 0 && errno == ENOSYS) ? openat(dir, name, flags) : fd;
}

static int rm_dir(struct rm *rm, int dir, const char *name, unsigned depth)
{
	autoclose int fd = rm_open(dir, name, !depth);

	if (fd < 0 && errno == EACCES) {
		fchmodat(dir, name, 0700, 0);
		fd = rm_open(dir, name, !depth);
	}
	if (fd < 0)
		return -errno;
	struct stat st;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (depth && st.st_dev != rm->dev)
		return -EXDEV;
	int r;
	if (depth == RM_DEPTH) {
		fchmod(fd, 0700); /* a directory that moves has its ".." written */
		return rm_move_up(rm, dir, name);
	}
	if (!depth) {
		rm->top = fd;
		rm->dev = st.st_dev;
	}
	do {
		rm->again = depth && rm->again;
		r = rm_below(rm, fd, depth + 1);
	} while (!depth && rm->again);
	if (unlinkat(dir, name, AT_REMOVEDIR) < 0 && errno != ENOENT && r == 0)
		r = -errno;
	return r;
}

static int rm_entry(struct rm *rm, int dir, const char *name, unsigned char type, unsigned depth)
{
	if (type != DT_DIR) {
		if (unlinkat(dir, name, 0) == 0 || errno == ENOENT)
			return 0;
		if (errno != EISDIR)
			return -errno;
	}
	return rm_dir(rm, dir, name, depth);
}

static int rm_below(struct rm *rm, int fd, unsigned depth)
{
	int own = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), first = 0;
	DIR *d = own < 0 ? NULL : fdopendir(own);

	if (!d) {
		int r = -errno;
		if (own >= 0)
			close(own);
		return r;
	}
	bool made_writable = false;
	for (struct dirent *de; (de = readdir(d));) {
		if (!strcmp(de->d_name, ".") || !strcmp(de->d_name, ".."))
			continue;
		int r = rm_entry(rm, fd, de->d_name, de->d_type, depth);
		if (r == -EACCES && !made_writable) {
			made_writable = true;
			fchmod(fd, 0700);
			r = rm_entry(rm, fd, de->d_name, de->d_type, depth);
		}
		if (r < 0 && first == 0)
			first = r;
	}
	closedir(d);
	return first;
}

int path_rm_tree_at(int dir, const char *name)
{
	struct stat st;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISDIR(st.st_mode))
		return unlinkat(dir, name, 0) < 0 && errno != ENOENT ? -errno : 0;
	struct rm rm = {.top = -1};
	int r = rm_dir(&rm, dir, name, 0);
	return r == -ENOENT ? 0 : r;
}

/*
 * The walk for kernels without openat2: one component at a time with O_NOFOLLOW, links expanded in text, ".." taken from the
 * list of descriptors already opened, so it can never climb above the start.
 */
struct walk {
	int fds[128];
	size_t n;
	bool in_root; /* "/" and ".." at the top stay at the root; else they are -EXDEV */
	int links;
	char rest[PATH_MAX];
};

static void walk_free(struct walk *w)
{
	while (w->n)
		close(w->fds[--w->n]);
}

static int walk_to_top(struct walk *w)
{
	if (!w->in_root)
		return -EXDEV;
	while (w->n > 1)
		close(w->fds[--w->n]);
	return 0;
}

static int walk_link(struct walk *w, const char *name, const char *after)
{
	char target[PATH_MAX], joined[PATH_MAX];
	ssize_t n = readlinkat(w->fds[w->n - 1], name, target, sizeof target - 1);

	if (n < 0)
		return -errno;
	target[n] = 0;
	if (++w->links > 40)
		return -ELOOP;
	int len = snprintf(joined, sizeof joined, "%s%s%s", target, *after ? "/" : "", after);
	if (len < 0 || (size_t)len >= sizeof joined)
		return -ENAMETOOLONG;
	memcpy(w->rest, joined, (size_t)len + 1);
	return target[0] == '/' ? walk_to_top(w) : 0;
}

/* Takes one component off rest. Returns 1 and the final descriptor in *ret when it was the last one. */
static int walk_step(struct walk *w, int flags, mode_t mode, int *ret)
{
	char name[NAME_MAX + 1], after[PATH_MAX];
	const char *p = w->rest + strspn(w->rest, "/");
	size_t n = strcspn(p, "/");

	if (n > NAME_MAX)
		return -ENAMETOOLONG;
	memcpy(name, p, n);
	name[n] = 0;
	snprintf(after, sizeof after, "%s", p + n + strspn(p + n, "/"));
	if (!n || !strcmp(name, ".")) {
		memmove(w->rest, after, strlen(after) + 1);
		if (*after)
			return 0;
		*ret = openat(w->fds[w->n - 1], ".",
			      (flags & ~(O_CREAT | O_EXCL | O_NOFOLLOW)) | O_CLOEXEC);
		return *ret < 0 ? -errno : 1;
	}
	if (!strcmp(name, "..")) {
		if (w->n > 1)
			close(w->fds[--w->n]);
		else if (!w->in_root)
			return -EXDEV;
		snprintf(w->rest, sizeof w->rest, "%s", *after ? after : ".");
		return 0;
	}
	struct stat st;
	bool last = !*after;
	if (fstatat(w->fds[w->n - 1], name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(st.st_mode) &&
	    !(last && (flags & (O_NOFOLLOW | O_EXCL))))
		return walk_link(w, name, after);
	if (last) {
		*ret = openat(w->fds[w->n - 1], name, flags | O_NOFOLLOW | O_CLOEXEC, mode);
		return *ret < 0 ? -errno : 1;
	}
	if (w->n == countof(w->fds))
		return -ENAMETOOLONG;
	int fd = openat(w->fds[w->n - 1], name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	w->fds[w->n++] = fd;
	memmove(w->rest, after, strlen(after) + 1);
	return 0;
}

static int walk_open(int dir, const char *path, int flags, mode_t mode, bool in_root)
{
	__attribute__((cleanup(walk_free))) struct walk w = {.in_root = in_root};
	int fd = -1, r;

	if (strlen(path) >= sizeof w.rest)
		return -ENAMETOOLONG;
	if (path[0] == '/' && !in_root)
		return -EXDEV;
	memcpy(w.rest, path, strlen(path) + 1);
	w.fds[0] = openat(dir, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (w.fds[0] < 0)
		return -errno;
	w.n = 1;
	do
		r = walk_step(&w, flags, mode, &fd);
	while (r == 0);
	return r < 0 ? r : fd;
}

int path_open_in_root(int root, const char *path, int flags, mode_t mode)
{
	int fd = openat2_(root, path, flags | O_CLOEXEC, mode,
			  RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);

	if (fd >= 0)
		return fd;
	return errno == ENOSYS ? walk_open(root, path, flags, mode, true) : -errno;
}

int path_open_beneath(int dir, const char *path, int flags, mode_t mode)
{
	int fd = openat2_(dir, path, flags | O_CLOEXEC, mode,
			  RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS);

	if (fd >= 0)
		return fd;
	return errno == ENOSYS ? walk_open(dir, path, flags, mode, false) : -errno;
}

char *path_find_program(const char *name)
{
	const char *path = getenv("PATH");
	scoped(strv) dirs = {0};

	strv_split(&dirs, str_is_empty(path) ? "/usr/local/bin:/usr/bin:/bin" : path, ':');
	for (size_t i = 0; i < dirs.n; i++) {
		char *at = xasprintf("%s/%s", dirs.v[i], name);
		if (at[0] == '/' && access(at, X_OK) == 0)
			return at;
		free(at);
	}
	return NULL;
}
