#include <dirent.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "base/base.h"
#include "sys/copy_tree.h"
#include "sys/file_copy.h"
#include "sys/overlay_marks.h"

enum { MAX_DEPTH = 400, LINK_BUCKETS = 1024, MAX_XATTR = 64 * 1024 };

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

/* A file with several names that was copied under one of them. */
struct copied_link {
	struct copied_link *next;
	dev_t dev;
	ino_t ino;
	const char *path;
};

struct copier {
	int root;	 /* the target */
	bool layer;	 /* copy_layer() */
	struct str path; /* of the present entry, below root; where it failed */
	struct arena arena;
	struct copied_link *links[LINK_BUCKETS];
};

static void copier_free(struct copier *c)
{
	str_free(&c->path);
	arena_free(&c->arena);
}

/* Where entries of one directory go. */
struct copy_to {
	struct copier *c;
	int fd;
	bool fresh; /* it was made for this, and is empty */
};

static bool travels(const char *name)
{
	if (!strcmp(name, "security.capability"))
		return true;
	return str_starts(name, "user.") && !str_starts(name, "user.overlay.");
}

/* It is the disk that fails, and not that this file system, or this user, cannot have such a thing. */
static bool is_disk(int code)
{
	return code == ENOSPC || code == EDQUOT || code == EIO;
}

static int copy_xattrs(int in, int out)
{
	char names[4096];
	ssize_t n = flistxattr(in, names, sizeof names);
	char *value = NULL;
	int r = 0;

	for (const char *s = names; n > 0 && s < names + n && r == 0; s += strlen(s) + 1) {
		if (!travels(s))
			continue;
		if (!value)
			value = xcalloc(1, MAX_XATTR);
		ssize_t len = fgetxattr(in, s, value, MAX_XATTR);
		if (len >= 0 && fsetxattr(out, s, value, (size_t)len, 0) < 0 && is_disk(errno))
			r = -errno;
	}
	free(value);
	return r;
}

/* What the directory has from a layer further down does not show through. */
static void drop_xattrs(int fd)
{
	char names[4096];
	ssize_t n = flistxattr(fd, names, sizeof names);

	for (const char *s = names; n > 0 && s < names + n; s += strlen(s) + 1)
		if (travels(s))
			fremovexattr(fd, s);
}

/* Some file systems let nobody change an owner, not even to what it is. 0 or -errno. */
static int give(int dir, const char *name, int flags, const struct stat *st)
{
	struct stat is;

	if (fchownat(dir, name, st->st_uid, st->st_gid, flags | AT_SYMLINK_NOFOLLOW) == 0)
		return 0;
	int code = errno;
	if (fstatat(dir, name, &is, flags | AT_SYMLINK_NOFOLLOW) == 0 && is.st_uid == st->st_uid &&
	    is.st_gid == st->st_gid)
		return 0;
	return -code;
}

/* Owner, mode and times of what was made. The mode comes behind the owner, which takes bits away. */
static int dress(const struct copier *c, int to, const char *name, const struct stat *st)
{
	const struct timespec t[] = {st->st_atim, st->st_mtim};

	int r = give(to, name, 0, st);

	if (r < 0 && c->layer)
		return r;
	if (!S_ISLNK(st->st_mode) && fchmodat(to, name, st->st_mode & 07777, 0) < 0 && c->layer)
		return -errno;
	if (utimensat(to, name, t, AT_SYMLINK_NOFOLLOW) < 0 && c->layer && is_disk(errno))
		return -errno;
	return 0;
}

static int copy_file(struct copier *c, int dir, const char *name, int to, struct stat *st)
{
	autoclose int in =
		openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (in < 0 || fstat(in, st) < 0)
		return -errno;
	if (!S_ISREG(st->st_mode))
		return -ESTALE; /* exchanged meanwhile */
	autoclose int out =
		openat(to, name, O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW | O_CLOEXEC, 0600);
	int r = out < 0 ? -errno : file_copy(in, out);
	/* capabilities would not survive the change of the owner */
	if (r == 0) {
		int k = give(out, "", AT_EMPTY_PATH, st);
		r = c->layer ? k : 0;
	}
	return r < 0 ? r : copy_xattrs(in, out);
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

/* The entry of the target that has the same file already; NULL: then this one is remembered. */
static const char *met_before(struct copier *c, const struct stat *st)
{
	struct copied_link **to = &c->links[(st->st_ino ^ st->st_dev) % LINK_BUCKETS];

	for (struct copied_link *l = *to; l; l = l->next)
		if (l->ino == st->st_ino && l->dev == st->st_dev)
			return l->path;
	struct copied_link *l = arena_alloc(&c->arena, sizeof *l);
	*l = (struct copied_link){*to, st->st_dev, st->st_ino,
				  arena_strdup(&c->arena, str_cstr(&c->path))};
	*to = l;
	return NULL;
}

/* 1: it is another name of what was copied before. */
static int copy_name(struct copier *c, int to, const char *name, const struct stat *st)
{
	const char *other = st->st_nlink > 1 ? met_before(c, st) : NULL;
	const char *slash = other ? strrchr(other, '/') : NULL;

	if (!other)
		return 0;
	autofree char *parent = slash ? xasprintf("%.*s", (int)(slash - other), other) : NULL;
	autoclose int dir = slash ? path_open_beneath(c->root, parent, O_PATH | O_DIRECTORY, 0)
				  : fcntl(c->root, F_DUPFD_CLOEXEC, 3);
	/* too many names, or a file system without: it becomes a file of its own */
	return dir >= 0 && linkat(dir, slash ? slash + 1 : other, to, name, 0) == 0;
}

/* Makes room for an entry of a layer. 1: the directory that is there stays. */
static int make_way(struct copy_to *t, int dir, const char *name, const struct stat *st)
{
	struct stat was;

	if (t->fresh || fstatat(t->fd, name, &was, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	if (S_ISDIR(st->st_mode) && S_ISDIR(was.st_mode)) {
		autoclose int fd =
			openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (fd < 0)
			return -errno;
		if (!overlay_is_opaque(fd))
			return 1;
	}
	return path_rm_tree_at(t->fd, name);
}

static int copy_entry(int dir, const char *name, int depth, void *arg);

static int copy_dir(struct copy_to *t, int dir, const char *name, int depth, bool stays)
{
	enum { FLAGS = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC };

	if (!stays && mkdirat(t->fd, name, 0700) < 0)
		return -errno;
	autoclose int to = openat(t->fd, name, FLAGS);
	if (to < 0)
		return -errno;
	if (stays)
		drop_xattrs(to);
	struct copy_to below = {t->c, to, !stays};
	autoclose int from = openat(dir, name, FLAGS);
	int r = from < 0 ? -errno : copy_xattrs(from, to);
	return r < 0 ? r : each_entry(take_fd(from), depth + 1, copy_entry, &below);
}

/* Whiteouts, and what lies in the way of the entry. 1: done; 2: the directory stays. */
static int apply(struct copy_to *t, int dir, const char *name, const struct stat *st)
{
	if (!t->c->layer)
		return 0;
	if (!strcmp(name, OVERLAY_OPAQUE_FILE))
		return 1;
	if (!overlay_is_whiteout(dir, name, st)) {
		int r = make_way(t, dir, name, st);
		return r == 1 ? 2 : r;
	}
	int r = t->fresh ? 0 : path_rm_tree_at(t->fd, name);
	return r < 0 ? r : 1;
}

static int copy_any(struct copy_to *t, int dir, const char *name, int depth, struct stat *st)
{
	mode_t type = st->st_mode & S_IFMT;
	int r = apply(t, dir, name, st);

	if (r < 0 || r == 1)
		return r < 0 ? r : 0;
	if (type == S_IFSOCK || ((type == S_IFCHR || type == S_IFBLK) && !t->c->layer))
		return 0;
	bool stays = r == 2;
	if (type != S_IFDIR && copy_name(t->c, t->fd, name, st))
		return 0;
	if (type == S_IFDIR)
		r = copy_dir(t, dir, name, depth, stays);
	else if (type == S_IFREG)
		r = copy_file(t->c, dir, name, t->fd, st);
	else if (type == S_IFLNK)
		r = copy_link(dir, name, t->fd);
	else
		r = mknodat(t->fd, name, type | 0600, st->st_rdev) < 0 ? -errno : 0;
	return r < 0 ? r : dress(t->c, t->fd, name, st);
}

static int copy_entry(int dir, const char *name, int depth, void *arg)
{
	struct copy_to *t = arg;
	struct str *path = &t->c->path;
	size_t end = path->len;
	struct stat st;

	if (end)
		str_addc(path, '/');
	str_add(path, name);
	int r = fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0
			? -errno
			: copy_any(t, dir, name, depth, &st);
	if (r == -ENOENT && faccessat(dir, name, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
		r = 0; /* it has gone meanwhile */
	if (r == 0) {
		path->len = end;
		path->s[end] = 0;
	}
	return r;
}

static int copy_all(struct copier *c, int from, int to, bool fresh)
{
	struct copy_to t = {c, to, fresh};
	int fd = openat(from, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	c->root = to;
	return fd < 0 ? -errno : each_entry(fd, 0, copy_entry, &t);
}

int copy_tree(int from, int to)
{
	scoped(copier) c = {0};

	return copy_all(&c, from, to, true);
}

int copy_layer(int from, int to, struct err *e)
{
	scoped(copier) c = {.layer = true};
	int r = copy_all(&c, from, to, false);

	return r < 0 ? err_set(e, r, "copy /%.300s", str_cstr(&c.path)) : 0;
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
