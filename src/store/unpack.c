/*
 * How it works: the tar parser calls on_entry(), which cleans the name, sorts out whiteouts, refuses what is not allowed, enters the
 * directory and makes the entry there. Files stay open until on_end() has given them owner, mode and time.
 */
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include "base/base.h"
#include "store/unpack_impl.h"

static bool no_nodes;

void unpack_test_no_nodes(bool on)
{
	no_nodes = on;
}

static int refuse(struct unpack *u, const char *why, struct err *e)
{
	return unpack_refuse(u, u->path, why, e);
}

static int failed(struct unpack *u, const char *verb, struct err *e)
{
	return err_set(e, errno, "%s %.200s", verb, u->path);
}

/* A file that stands for "nothing here", for file systems that store no device nodes. */
static int xattr_whiteout(struct unpack *u, const char *name, struct err *e)
{
	struct level *l = unpack_top(u);
	autoclose int fd =
		openat(l->fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd < 0 && errno == EEXIST)
		return -EEXIST;
	if (fd < 0 || fsetxattr(fd, "user.overlay.whiteout", "y", 1, 0) < 0)
		return failed(u, "write", e);
	u->xattr_whiteouts = true;
	return unpack_set_opaque(u, "x", e);
}

/* Whiteouts speak of the layers below only: what this layer itself brings under that name stays (layer.md, "Whiteouts"). */
static int whiteout(struct unpack *u, const char *name, struct err *e)
{
	struct level *l = unpack_top(u);
	struct stat st;

	u->stats.whiteouts++;
	l->dirty = true;
	int r = no_nodes ? -EPERM : mknodat(l->fd, name, S_IFCHR, makedev(0, 0)) < 0 ? -errno : 0;
	if (r == -EPERM || r == -EOPNOTSUPP || r == -ENOSYS)
		r = xattr_whiteout(u, name, e);
	else if (r < 0 && r != -EEXIST)
		return err_set(e, r, "write %.200s", u->path);
	if (r != -EEXIST)
		return r;
	if (fstatat(l->fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return failed(u, "look at", e);
	if (!S_ISDIR(st.st_mode))
		return 0;
	r = unpack_push(u, name, strlen(name));
	return r < 0 ? unpack_push_failed(u, r, e) : unpack_set_opaque(u, "y", e);
}

/* Names with ".wh." in them. AUFS kept notes of its own under ".wh..wh."; the only one with a meaning is the opaque mark. */
static int marks(struct unpack *u, char *base, bool *ret_handled, struct err *e)
{
	size_t parent = base > u->path ? (size_t)(base - u->path) - 1 : 0;

	*ret_handled = true;
	for (const char *p = u->path; p; p = strchr(p, '/')) {
		p += *p == '/';
		if (!str_starts(p, ".wh."))
			continue;
		if (str_starts(p, ".wh..wh.") && strcmp(p, ".wh..wh..opq") != 0) {
			u->stats.skipped_other++;
			return 0;
		}
		if (p != base)
			return refuse(u, "lies below a whiteout", e);
		if (!p[4] || !strcmp(p + 4, ".") || !strcmp(p + 4, ".."))
			return refuse(u, "is a malformed whiteout", e);
		int r = unpack_enter(u, u->path, parent, e);
		if (r < 0)
			return r;
		return !strcmp(p, ".wh..wh..opq") ? unpack_set_opaque(u, "y", e)
						  : whiteout(u, base + 4, e);
	}
	*ret_handled = false;
	return 0;
}

/* What is mounted on a file keeps it from being replaced: then it is written, as it is. */
static int write_in_place(struct unpack *u, const char *name, struct err *e)
{
	struct stat st;

	u->fd = openat(unpack_top(u)->fd, name, O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (u->fd < 0 || fstat(u->fd, &st) < 0)
		return failed(u, "write", e);
	if (!S_ISREG(st.st_mode))
		return refuse(u, "would replace something that is mounted there", e);
	return ftruncate(u->fd, 0) < 0 ? failed(u, "write", e) : 0;
}

static int make_file(struct unpack *u, const char *name, const struct tar_entry *t, struct err *e)
{
	struct level *l = unpack_top(u);
	mode_t mode = unpack_mode(u, t->mode, false);
	bool was_whiteout;

	for (int tries = 0; tries < 2; tries++) {
		u->fd = openat(l->fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
			       mode);
		if (u->fd >= 0 || errno != EEXIST)
			break;
		int r = unpack_remove(u, name, &was_whiteout, e);
		if (r == -EBUSY && u->plain)
			r = write_in_place(u, name, e);
		if (r < 0)
			return r;
		if (u->fd >= 0)
			break;
	}
	if (u->fd < 0)
		return failed(u, "create", e);
	u->size = t->size;
	u->at = 0;
	if (u->recipe)
		recipe_file(u->recipe, u->cur, name);
	return unpack_set_xattrs(u, u->fd, t, e);
}

/* The new or the present directory; what it holds stays. */
static int make_dir(struct unpack *u, const char *name, const struct tar_entry *t, struct err *e)
{
	struct level *l = unpack_top(u);
	bool was_whiteout = false, made = true;
	mode_t mode = unpack_mode(u, t->mode, true);
	int r = mkdirat(l->fd, name, mode) < 0 ? -errno : 0;
	struct stat st;

	if (r == -EEXIST) {
		if (fstatat(l->fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			return failed(u, "look at", e);
		made = !S_ISDIR(st.st_mode);
		r = made ? unpack_remove(u, name, &was_whiteout, e) : 0;
		if (r < 0)
			return r;
		r = made && mkdirat(l->fd, name, mode) < 0 ? -errno : 0;
	}
	if (r < 0)
		return err_set(e, r, "make %.200s", u->path);
	r = unpack_push(u, name, strlen(name));
	if (r < 0)
		return unpack_push_failed(u, r, e);
	l = unpack_top(u);
	r = unpack_set_xattrs(u, l->fd, t, e);
	if (r == 0)
		r = unpack_set_attr(u, l->fd, true, made, e);
	if (r == 0 && was_whiteout)
		r = unpack_set_opaque(u, "y", e);
	if (u->how.owner == UNPACK_SELF && (t->mode & 0700) != 0700)
		l->mode = (int)t->mode; /* when all is in it */
	l->mtime = t->mtime;
	l->has_mtime = l->dirty = true;
	l->sgid = t->mode & S_ISGID;
	return r;
}

static int make_root(struct unpack *u, const struct tar_entry *t, struct err *e)
{
	if (t->type != TAR_DIR)
		return unpack_refuse(u, "/", "is no directory", e);
	if (u->how.keep_root)
		return 0;
	int r = unpack_enter(u, "", 0, e);
	struct level *l = unpack_top(u);
	if (r == 0)
		r = unpack_set_xattrs(u, l->fd, t, e);
	if (r == 0)
		r = unpack_set_attr(u, l->fd, true, false, e);
	l->mtime = t->mtime;
	l->has_mtime = l->dirty = true;
	l->sgid = t->mode & S_ISGID;
	return r;
}

static bool same_file(int dir_a, const char *a, int dir_b, const char *b)
{
	struct stat x, y;

	return fstatat(dir_a, a, &x, AT_SYMLINK_NOFOLLOW) == 0 &&
	       fstatat(dir_b, b, &y, AT_SYMLINK_NOFOLLOW) == 0 && x.st_ino == y.st_ino &&
	       x.st_dev == y.st_dev;
}

static int make_hardlink(struct unpack *u, const char *name, const struct tar_entry *t,
			 struct err *e)
{
	struct level *l = unpack_top(u);
	char target[UNPACK_NAME + 1];
	const char *base;
	bool was_whiteout;
	int r = unpack_clean(u, t->link, target, e);

	if (r == 0)
		r = unpack_rename(u, target, e);
	if (r < 0)
		return r;
	if (!*target)
		return refuse(u, "is a hard link to the root", e);
	autoclose int dir = unpack_open_parent(u, target, &base);
	r = dir < 0 ? dir : linkat(dir, base, l->fd, name, 0) < 0 ? -errno : 0;
	if (r == -EEXIST) {
		if (same_file(dir, base, l->fd, name))
			return 0;
		r = unpack_remove(u, name, &was_whiteout, e);
		if (r < 0)
			return r;
		r = linkat(dir, base, l->fd, name, 0) < 0 ? -errno : 0;
	}
	enum err_id id = u->plain ? ERR_ARCHIVE : ERR_LAYER;
	if (r == -ENOENT || r == -ENOTDIR || r == -ELOOP)
		return err_fail(e, id, "the hard link %.150s leads to %.150s, which is not there",
				u->path, t->link);
	if (r == -EPERM)
		return err_fail(e, id, "the hard link %.150s leads to %.150s, which is no file",
				u->path, t->link);
	return r < 0 ? err_set(e, r, "link %.200s", u->path) : 0;
}

/* Links, FIFOs and device nodes: made by one call, without a descriptor. */
static int make_node(struct unpack *u, const char *name, const struct tar_entry *t)
{
	int dir = unpack_top(u)->fd;
	mode_t kind = t->type == TAR_FIFO ? S_IFIFO : t->type == TAR_CHAR ? S_IFCHR : S_IFBLK;

	if (t->type == TAR_SYMLINK)
		return symlinkat(t->link, dir, name) < 0 ? -errno : 0;
	if (t->type == TAR_FIFO)
		return mknodat(dir, name, kind | unpack_mode(u, t->mode, false), 0) < 0 ? -errno
											: 0;
	/* 0:0 would be a whiteout; only real root may make the others */
	if (u->map.form != FORM_ROOT || u->how.no_devices || (t->major == 0 && t->minor == 0) ||
	    t->major > 0xfff || t->minor > 0xfffff)
		return -EPERM;
	dev_t dev = makedev((unsigned)t->major, (unsigned)t->minor);
	return mknodat(dir, name, kind | (t->mode & 0777), dev) < 0 ? -errno : 0;
}

static int make_other(struct unpack *u, const char *name, const struct tar_entry *t, struct err *e)
{
	bool was_whiteout, device = t->type == TAR_CHAR || t->type == TAR_BLOCK;
	int r = make_node(u, name, t);

	if (r == -EEXIST || (device && r == -EPERM)) {
		int k = unpack_remove(u, name, &was_whiteout, e);
		if (k < 0)
			return k;
		if (r == -EEXIST)
			r = make_node(u, name, t);
	}
	if (device && r == -EPERM) {
		/* below /dev nobody misses it: containers get a /dev of their own */
		u->stats.skipped_devices += !str_starts(u->path, "dev/");
		return 0;
	}
	if (r < 0)
		return err_set(e, r, "make %.200s", u->path);
	r = unpack_set_xattrs(u, -1, t, e); /* counts them */
	return r < 0 ? r : unpack_set_owner_at(u, name, t, e);
}

/* Whether an entry that is no layer's may take the place of what is there. */
static int check_place(struct unpack *u, const char *name, bool dir, struct err *e)
{
	struct stat st;

	if (!u->plain || u->how.overwrite ||
	    fstatat(unpack_top(u)->fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
	    (S_ISDIR(st.st_mode) != 0) == dir)
		return 0;
	err_fail(e, ERR_COPY, "%.200s is %s there, and %s in the source", u->path,
		 dir ? "no directory" : "a directory", dir ? "a directory" : "none");
	return err_hint(e, "--overwrite lets one take the place of the other");
}

static int make_entry(struct unpack *u, const char *base, const struct tar_entry *t, struct err *e)
{
	int r = check_place(u, base, t->type == TAR_DIR, e);

	if (r < 0)
		return r;
	unpack_top(u)->dirty = true;
	switch (t->type) {
	case TAR_FILE:
		return make_file(u, base, t, e);
	case TAR_DIR:
		return make_dir(u, base, t, e);
	case TAR_HARDLINK:
		return make_hardlink(u, base, t, e);
	case TAR_SYMLINK:
	case TAR_CHAR:
	case TAR_BLOCK:
	case TAR_FIFO:
		break;
	}
	return make_other(u, base, t, e);
}

/* What unpack_plain changes of an entry. */
static struct tar_entry plain_entry(const struct unpack *u, const struct tar_entry *t)
{
	struct tar_entry to = *t;

	if (u->how.owner == UNPACK_FIXED) {
		to.uid = u->how.uid;
		to.gid = u->how.gid;
	}
	if (u->how.no_set_ids && to.type != TAR_DIR)
		to.mode &= 01777;
	return to;
}

static void note_id(struct unpack *u, uint64_t id)
{
	if (id > u->stats.max_id && id < 65534)
		u->stats.max_id = (uint32_t)id;
}

static int on_entry(void *arg, const struct tar_entry *from, struct err *e)
{
	struct unpack *u = arg;
	bool handled = false;
	const struct tar_entry entry = plain_entry(u, from), *t = &entry;

	if (++u->stats.entries > u->lim.max_entries) {
		err_fail_code(e, ERR_LAYER_TOO_BIG, EFBIG, "more than %" PRIu64 " entries",
			      u->lim.max_entries);
		return err_hint(e, "if you trust the image, raise --max-layer-size: 1 MiB allows "
				   "1024 entries");
	}
	if (t->mtime.tv_sec > u->stats.newest)
		u->stats.newest = t->mtime.tv_sec;
	note_id(u, t->uid);
	note_id(u, t->gid);
	u->path[0] = 0;
	int r = unpack_clean(u, t->path, u->path, e);
	if (r == 0)
		r = unpack_rename(u, u->path, e);
	if (r < 0)
		return r;
	char *base = strrchr(u->path, '/');
	base = base ? base + 1 : u->path;
	if (!u->plain)
		r = marks(u, base, &handled, e);
	if (r < 0 || handled)
		return r < 0 ? r : TAR_SKIP;
	r = unpack_check_attr(u, t, e);
	if (r < 0)
		return r;
	if (!u->path[0]) {
		r = make_root(u, t, e);
		return r < 0 ? r : TAR_SKIP;
	}
	r = unpack_enter(u, u->path, base > u->path ? (size_t)(base - u->path) - 1 : 0, e);
	if (r == 0)
		r = make_entry(u, base, t, e);
	return r < 0 || u->fd >= 0 ? r : TAR_SKIP;
}

static bool all_zero(const uint8_t *p, size_t n)
{
	return !p[0] && !p[n - 1] && !memcmp(p, p + 1, n - 1);
}

static int on_data(void *arg, uint64_t offset, const void *buf, size_t n, struct err *e)
{
	struct unpack *u = arg;
	const char *p = buf;

	if (u->recipe) {
		int r = recipe_content(u->recipe, offset, buf, n, e);
		if (r < 0)
			return r;
	}
	if (n >= 4096 && all_zero(buf, n))
		return 0; /* a hole */
	u->stats.bytes += n;
	while (n) {
		ssize_t k = pwrite(u->fd, p, n, (off_t)offset);
		if (k < 0 && errno == EINTR)
			continue;
		if (k < 0)
			return failed(u, "write", e);
		p += k;
		n -= (size_t)k;
		offset += (uint64_t)k;
	}
	u->at = offset;
	return 0;
}

static int on_end(void *arg, struct err *e)
{
	struct unpack *u = arg;
	autoclose int fd = take_fd(u->fd);
	struct timespec ts[2] = {{.tv_nsec = UTIME_OMIT}, u->attr.mtime};

	if (u->at < u->size && ftruncate(fd, (off_t)u->size) < 0)
		return failed(u, "write", e);
	int r = unpack_set_attr(u, fd, false, true, e);
	if (r < 0)
		return r;
	return futimens(fd, ts) < 0 ? failed(u, "set the time of", e) : 0;
}

int unpack_open(struct unpack **ret, int dir, int side, const struct u0_map *map,
		const struct unpack_limits *lim, const char *what, struct err *e)
{
	static const struct tar_ops ops = {on_entry, on_data, on_end};
	struct stat st;

	if (fstat(dir, &st) < 0)
		return err_set(e, errno, "open the directory of %s", what);
	struct unpack *u = xcalloc(1, sizeof *u);
	u->tar = tar_new(&ops, u);
	u->what = xstrdup(what);
	u->dir = dir;
	u->side = side;
	u->map = *map;
	u->fd = u->replaced = -1;
	if (lim)
		u->lim = *lim;
	if (!u->lim.max_entries)
		u->lim.max_entries =
			u->lim.max_bytes >> 10 > 1000000 ? u->lim.max_bytes >> 10 : 1000000;
	if (!u->lim.max_depth)
		u->lim.max_depth = 200;
	if (u->lim.max_depth >= UNPACK_MAX_DEPTH)
		u->lim.max_depth = UNPACK_MAX_DEPTH - 1;
	u->levels[0] = (struct level){
		.fd = dir, .mtime = st.st_mtim, .sgid = st.st_mode & S_ISGID, .mode = -1};
	u->n = 1;
	*ret = u;
	return 0;
}

void unpack_as_plain(struct unpack *u, const struct unpack_plain *p)
{
	u->plain = true;
	u->how = *p;
}

int unpack_record(struct unpack *u, struct err *e)
{
	return recipe_new(&u->recipe, u->side, e);
}

int unpack_feed(struct unpack *u, const void *p, size_t n, struct err *e)
{
	/* of a layer: an inherited default ACL would change the mode of everything */
	if (!u->plain && !u->begun)
		fremovexattr(u->dir, "system.posix_acl_default");
	u->begun = true;
	if (u->recipe)
		recipe_piece(u->recipe, p, n);
	int r = tar_feed(u->tar, p, n, e);
	if (r == 0 && u->recipe)
		r = recipe_piece_end(u->recipe, e);

	return r < 0 && e ? err_context(e, "%s", u->what) : r;
}

bool unpack_ended(const struct unpack *u)
{
	return tar_ended(u->tar);
}

int unpack_finish(struct unpack *u, struct unpack_stats *ret, struct err *e)
{
	int r = tar_finish(u->tar, e);

	if (r == 0)
		r = unpack_flush_owners(u, e);
	if (r == 0 && u->recipe)
		r = recipe_end(u->recipe, e);
	unpack_leave_all(u);
	if (ret)
		*ret = u->stats;
	return r < 0 && e ? err_context(e, "%s", u->what) : r;
}

void unpack_close(struct unpack *u)
{
	if (!u)
		return;
	unpack_leave_all(u);
	fd_close(&u->fd);
	fd_close(&u->replaced);
	recipe_free(u->recipe);
	tar_free(u->tar);
	str_free(&u->owners);
	free(u->what);
	free(u);
}
