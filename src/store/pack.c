/*
 * How it works: a stack of open directories, each with its sorted names and how far we are. read() gives what waits in the buffer (headers,
 * padding, the end), then content of the present file, then asks the walk for the next entry. Directories come before what is in them; in a layer, the header of one
 * that did not change waits in its level until something in it is given. Each level of a layer also has the directory of the same path
 * below open, if there is one.
 */
#include <dirent.h>
#include <linux/magic.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include "base/base.h"
#include "data/tar_write.h"
#include "sys/overlay_marks.h"
#include "store/copied.h"
#include "store/pack.h"
#include "sys/idmap.h"

enum { READ_FILE = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC };
enum { MAX_DEPTH = 400, MAX_LINKS_BUCKETS = 4096, MAX_XATTR = 64 * 1024 };

struct pack_level {
	int fd;
	struct strv names;
	size_t at;
	size_t end;	 /* of the path */
	int below;	 /* of a layer; -1: none */
	bool opaque;	 /* its mark is to be given */
	struct str wait; /* its header, until something in it is given */
	/* what becomes the layer itself: */
	bool touched;	       /* its time is to be set on disk */
	struct timespec mtime; /* to this */
};

/* A file with several names that was met. */
struct pack_link {
	struct pack_link *next;
	dev_t dev;
	ino_t ino;
	const char *path;
};

struct pack {
	const struct home *h;
	char *what;
	struct stat root, store;
	struct pack_level levels[MAX_DEPTH];
	size_t n;
	struct str path; /* of the present entry */
	struct arena arena;
	struct pack_link *links[MAX_LINKS_BUCKETS];

	struct str buf; /* headers and padding on their way out */
	size_t given;
	int file; /* the present file, or -1 */
	uint64_t left, size;
	size_t padding;
	bool begun, ended;
	bool changes; /* of a copy that was whole then */
	struct timespec when;
	bool kept_owners, no_root, layer, mounts, mapped, views, built;
	struct pack_build build;
	struct pack_stats stats;
	const char *name; /* of the root; NULL: it is "." */
	struct u0_map map;
};

struct pack *pack_open(const struct home *h, int dir, const char *what)
{
	struct pack *p = xcalloc(1, sizeof *p);

	p->h = h;
	p->what = xstrdup(what);
	p->file = -1;
	p->levels[0].fd = fcntl(dir, F_DUPFD_CLOEXEC, 3);
	p->levels[0].below = -1;
	p->n = 1;
	return p;
}

void pack_kept_owners(struct pack *p)
{
	p->kept_owners = true;
}

void pack_without_root(struct pack *p)
{
	p->no_root = true;
}

void pack_named(struct pack *p, const char *name)
{
	p->name = arena_strdup(&p->arena, name);
}

void pack_mounts(struct pack *p)
{
	p->mounts = true;
}

void pack_map_owners(struct pack *p, const struct u0_map *map)
{
	p->mapped = true;
	p->map = *map;
}

void pack_as_layer(struct pack *p, int below)
{
	p->layer = p->no_root = true;
	p->levels[0].below = fcntl(below, F_DUPFD_CLOEXEC, 3);
}

void pack_as_changes(struct pack *p, int below, struct timespec when)
{
	pack_as_layer(p, below);
	p->changes = true;
	p->when = when;
}

void pack_as_views(struct pack *p, int below)
{
	pack_as_layer(p, below);
	p->changes = p->views = true;
}

void pack_as_built(struct pack *p, const struct pack_build *b)
{
	p->built = true;
	p->build = *b;
}

struct pack_stats pack_stats(const struct pack *p)
{
	return p->stats;
}

static void leave(struct pack *p)
{
	struct pack_level *l = &p->levels[--p->n];

	fd_close(&l->fd);
	fd_close(&l->below);
	strv_free(&l->names);
	str_free(&l->wait);
}

void pack_close(struct pack *p)
{
	if (!p)
		return;
	while (p->n)
		leave(p);
	fd_close(&p->file);
	str_free(&p->path);
	str_free(&p->buf);
	arena_free(&p->arena);
	free(p->what);
	free(p);
}

static int failed(const struct pack *p, int r, const char *verb, struct err *e)
{
	return err_set(e, r, "%s %s%s%.200s", verb, p->what, p->path.len ? "/" : "",
		       str_cstr(&p->path));
}

static int add_names(struct pack *p, int dir, struct strv *to, struct err *e)
{
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);

	if (!d)
		return failed(p, errno, "read", e);
	errno = 0;
	for (struct dirent *de; (de = readdir(d)); errno = 0)
		if (strcmp(de->d_name, ".") && strcmp(de->d_name, ".."))
			strv_add(to, de->d_name);
	int r = errno == ENOENT ? 0 : -errno; /* removed meanwhile */
	closedir(d);
	return r < 0 ? failed(p, r, "read", e) : 0;
}

/* Among the changes of a copy are names that only the layers have. */
static int read_names(struct pack *p, struct err *e)
{
	struct pack_level *l = &p->levels[p->n - 1];
	struct strv *v = &l->names;
	int r = add_names(p, l->fd, v, e);

	if (r == 0 && p->changes && l->below >= 0)
		r = add_names(p, l->below, v, e);
	if (r < 0)
		return r;
	strv_sort(v);
	size_t kept = 0;
	for (size_t i = 0; i < v->n; i++) {
		if (kept && !strcmp(v->v[kept - 1], v->v[i]))
			free(v->v[i]);
		else
			v->v[kept++] = v->v[i];
	}
	v->n = kept;
	return 0;
}

static bool wanted_xattr(const char *name)
{
	if (!strcmp(name, "security.capability"))
		return true;
	return str_starts(name, "user.") && !str_starts(name, "user.overlay.") &&
	       !str_starts(name, "user.hoy.");
}

/* Of the file that was copied up, and of directories with such files in them: nothing looks at these in a lower directory. */
static bool is_upper_mark(const char *name)
{
	static const char *const marks[] = {"origin", "impure",	  "nlink",   "redirect",
					    "uuid",   "metacopy", "protattr"};

	if (!str_starts(name, "user.overlay."))
		return false;
	for (size_t i = 0; i < countof(marks); i++)
		if (!strcmp(name + strlen("user.overlay."), marks[i]))
			return true;
	return false;
}

static int by_name(const void *a, const void *b)
{
	const struct tar_xattr *x = a, *y = b;

	return strcmp(x->name, y->name);
}

/* The xattrs that travel, sorted; fd is a file or directory, readable or O_PATH. clean: marks of an upper directory are removed. */
static void add_xattrs(struct arena *a, int fd, struct tar_entry *t, bool clean)
{
	char path[40], names[4096];
	struct tar_xattr *v = arena_alloc(a, 64 * sizeof *v);

	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	ssize_t n = listxattr(path, names, sizeof names);
	for (const char *s = names; n > 0 && s < names + n && t->nxattrs < 64; s += strlen(s) + 1) {
		if (clean && is_upper_mark(s))
			removexattr(path, s);
		if (!wanted_xattr(s))
			continue;
		char *value = arena_alloc(a, MAX_XATTR);
		ssize_t len = getxattr(path, s, value, MAX_XATTR);
		if (len >= 0)
			v[t->nxattrs++] =
				(struct tar_xattr){arena_strdup(a, s), value, (size_t)len};
	}
	if (t->nxattrs)
		qsort(v, t->nxattrs, sizeof *v, by_name);
	t->xattrs = v;
}

/* The name under which the file was met before, or NULL: then it is remembered. */
static const char *met_before(struct pack *p, const struct stat *st)
{
	struct pack_link **to = &p->links[(st->st_ino ^ st->st_dev) % MAX_LINKS_BUCKETS];

	for (struct pack_link *l = *to; l; l = l->next)
		if (l->ino == st->st_ino && l->dev == st->st_dev)
			return l->path;
	struct pack_link *l = arena_alloc(&p->arena, sizeof *l);
	*l = (struct pack_link){*to, st->st_dev, st->st_ino,
				arena_strdup(&p->arena, str_cstr(&p->path))};
	*to = l;
	return NULL;
}

static void fill_entry(struct tar_entry *t, const struct stat *st, const char *path)
{
	*t = (struct tar_entry){
		.path = path,
		.mode = st->st_mode & 07777,
		.uid = st->st_uid,
		.gid = st->st_gid,
		.mtime = st->st_mtim,
		.type = S_ISREG(st->st_mode)   ? TAR_FILE
			: S_ISDIR(st->st_mode) ? TAR_DIR
			: S_ISLNK(st->st_mode) ? TAR_SYMLINK
			: S_ISCHR(st->st_mode) ? TAR_CHAR
			: S_ISBLK(st->st_mode) ? TAR_BLOCK
					       : TAR_FIFO,
	};
	if (S_ISCHR(st->st_mode) || S_ISBLK(st->st_mode)) {
		t->major = major(st->st_rdev);
		t->minor = minor(st->st_rdev);
	}
}

static uint64_t map_id(const struct id_map *m, uint64_t id)
{
	int64_t in = id <= UINT32_MAX ? idmap_in(m, (uint32_t)id) : -1;

	return in < 0 ? 65534 : (uint64_t)in;
}

static void map_owner(const struct pack *p, struct tar_entry *t)
{
	if (!p->mapped)
		return;
	t->uid = map_id(&p->map.uids, t->uid);
	t->gid = map_id(&p->map.gids, t->gid);
}

/* The owner that the file would have if there were more ids. */
static void take_kept_owner(const struct pack *p, int fd, struct tar_entry *t)
{
	struct owner_kept o = {.mode = t->mode};

	map_owner(p, t);
	if (!p->kept_owners || !owner_kept_read(fd, &o))
		return;
	t->uid = o.uid;
	t->gid = o.gid;
	t->mode = o.mode;
}

static void note_ids(struct pack *p, const struct tar_entry *t)
{
	struct pack_stats *s = &p->stats;

	if (t->uid < 65534 && t->uid > s->max_id)
		s->max_id = (uint32_t)t->uid;
	if (t->gid < 65534 && t->gid > s->max_id)
		s->max_id = (uint32_t)t->gid;
}

/* ---- what a build changes */

static bool settles(const struct pack *p)
{
	return p->built && p->build.settle;
}

static bool is_older(struct timespec a, struct timespec b)
{
	return a.tv_sec < b.tv_sec || (a.tv_sec == b.tv_sec && a.tv_nsec < b.tv_nsec);
}

/* The time that an entry gets. True if that is another. */
static bool set_time(const struct pack *p, struct tar_entry *t)
{
	const struct pack_build *b = &p->build;

	if (!p->built || b->epoch < 0 || (!b->all && is_older(t->mtime, b->since)))
		return false;
	t->mtime = (struct timespec){.tv_sec = b->epoch};
	return true;
}

static int set_time_on_disk(struct pack *p, int dir, const char *name, struct timespec mtime,
			    struct err *e)
{
	struct timespec v[2] = {{.tv_nsec = UTIME_OMIT}, mtime};
	int r = *name ? utimensat(dir, name, v, AT_SYMLINK_NOFOLLOW) : futimens(dir, v);

	return r < 0 ? failed(p, errno, "set the time of", e) : 0;
}

static int fix_time(struct pack *p, int dir, const char *name, struct tar_entry *t, struct err *e)
{
	return set_time(p, t) && settles(p) ? set_time_on_disk(p, dir, name, t->mtime, e) : 0;
}

/* Is not in the layer, and so not in the directory that becomes it. */
static int drop(struct pack *p, int dir, const char *name, int flags, struct err *e)
{
	if (!settles(p))
		return 0;
	p->levels[p->n - 1].touched = true;
	return unlinkat(dir, name, flags) < 0 ? failed(p, errno, "remove", e) : 0;
}

/* Is the present path a mount point that was made, or does one lie below it? */
static bool was_made(const struct pack *p, bool below_too)
{
	const char *path = str_cstr(&p->path);
	const struct strs *v = p->built ? p->build.leave : NULL;
	size_t n = strlen(path);

	for (size_t i = 0; v && i < v->n; i++) {
		const char *s = v->v[i] + (v->v[i][0] == '/');
		if (!strncmp(s, path, n) && (!s[n] || (below_too && s[n] == '/')))
			return true;
	}
	return false;
}

/* All that is in a directory was seen. */
static int finish_dir(struct pack *p, struct err *e)
{
	struct pack_level *l = &p->levels[p->n - 1];

	if (!settles(p) || p->n == 1)
		return 0;
	p->path.len = l->end;
	if (p->path.s)
		p->path.s[l->end] = 0;
	if (l->wait.len) {
		const char *path = str_cstr(&p->path), *slash = strrchr(path, '/');
		int dir = p->levels[p->n - 2].fd;
		if (unlinkat(dir, slash ? slash + 1 : path, AT_REMOVEDIR) < 0)
			return failed(p, errno, "remove", e);
		p->levels[p->n - 2].touched = true;
		return 0;
	}
	return l->touched ? set_time_on_disk(p, l->fd, "", l->mtime, e) : 0;
}

/* Gives a header, and before it those of the directories that waited for something in them. */
static void put_header(struct pack *p, const struct tar_entry *t)
{
	for (size_t i = 0; i < p->n; i++) {
		struct str *w = &p->levels[i].wait;
		p->stats.entries += w->len > 0;
		str_addn(&p->buf, w->s, w->len);
		str_free(w);
	}
	tar_write_header(&p->buf, t);
	p->stats.entries++;
	note_ids(p, t);
}

/* file is open for reading, or -1 with errno set; it becomes the pack's. */
static int put_file(struct pack *p, int file, struct tar_entry *t, struct arena *scratch,
		    struct err *e)
{
	struct stat st;

	p->file = file;
	if (p->file < 0 || fstat(p->file, &st) < 0)
		return failed(p, errno, "read", e);
	if (!S_ISREG(st.st_mode))
		return failed(p, ESTALE, "read", e);
	fill_entry(t, &st, t->path);
	t->size = p->left = p->size = (uint64_t)st.st_size;
	p->padding = tar_padding(t->size);
	add_xattrs(scratch, p->file, t, settles(p));
	take_kept_owner(p, p->file, t);
	int r = fix_time(p, p->file, "", t, e);
	if (r < 0)
		return r;
	uint64_t room = (uint64_t)st.st_blocks * 512;
	p->stats.bytes += t->size < room ? t->size : room;
	put_header(p, t);
	if (!p->left)
		fd_close(&p->file);
	return 0;
}

/* Does this directory look as the one below it? Times do not count: they tell of what is in it. */
static bool same_dir(struct pack *p, int below, const struct tar_entry *t)
{
	scoped(arena) a = {0};
	struct tar_entry was;
	struct stat st;

	if (below < 0 || fstat(below, &st) < 0)
		return false;
	fill_entry(&was, &st, "");
	take_kept_owner(p, below, &was);
	add_xattrs(&a, below, &was, false);
	bool same = was.uid == t->uid && was.gid == t->gid && was.mode == t->mode &&
		    was.nxattrs == t->nxattrs;
	for (size_t i = 0; same && i < was.nxattrs; i++) {
		const struct tar_xattr *x = &was.xattrs[i], *y = &t->xattrs[i];
		same = !strcmp(x->name, y->name) && x->len == y->len &&
		       !memcmp(x->value, y->value, x->len);
	}
	return same;
}

/* File systems whose files are the kernel's words: they cannot be copied, or never end. */
static bool holds_files(int fd)
{
	static const unsigned kernels[] = {PROC_SUPER_MAGIC,	SYSFS_MAGIC,   CGROUP_SUPER_MAGIC,
					   CGROUP2_SUPER_MAGIC, DEBUGFS_MAGIC, TRACEFS_MAGIC,
					   DEVPTS_SUPER_MAGIC,	BPF_FS_MAGIC,  SECURITYFS_MAGIC,
					   0x19800202 /* mqueue */};
	struct statfs fs;

	if (fstatfs(fd, &fs) < 0)
		return false;
	for (size_t i = 0; i < countof(kernels); i++)
		if ((unsigned)fs.f_type == kernels[i])
			return false;
	return true;
}

static int put_dir(struct pack *p, int dir, const char *name, struct tar_entry *t,
		   struct arena *scratch, struct err *e)
{
	struct stat st;
	autoclose int fd =
		openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0 || fstat(fd, &st) < 0)
		return failed(p, errno, "read", e);
	if (st.st_dev == p->store.st_dev && st.st_ino == p->store.st_ino)
		return 0; /* the store itself: it grows while we read */
	fill_entry(t, &st, arena_printf(scratch, "%s/", t->path));
	add_xattrs(scratch, fd, t, settles(p));
	take_kept_owner(p, fd, t);
	int up = p->levels[p->n - 1].below;
	autoclose int below =
		up < 0 ? -1 : openat(up, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct pack_level l = {.end = p->path.len};
	l.touched = set_time(p, t);
	l.mtime = t->mtime;
	note_ids(p, t);
	if (p->layer && (same_dir(p, below, t) || (below < 0 && was_made(p, true))))
		tar_write_header(&l.wait, t);
	else
		put_header(p, t);
	if (st.st_dev != p->root.st_dev && !(p->mounts && holds_files(fd)))
		return 0;
	if (p->n == MAX_DEPTH) {
		str_free(&l.wait);
		return failed(p, ENAMETOOLONG, "read", e);
	}
	if (p->layer && !p->changes && below >= 0 && overlay_is_opaque(fd)) {
		l.opaque = true;
		fd_close(&below); /* nothing of it is to be seen any more */
	}
	l.fd = take_fd(fd);
	l.below = take_fd(below);
	p->levels[p->n++] = l;
	return read_names(p, e);
}

/* An entry that says that something below is gone: ".wh.NAME". */
static void put_mark(struct pack *p, const char *name, struct arena *scratch)
{
	const char *path = str_cstr(&p->path);
	const char *slash = strrchr(path, '/');
	int dir = slash ? (int)(slash + 1 - path) : 0;
	struct tar_entry t = {.path = arena_printf(scratch, "%.*s.wh.%s", dir, path, name),
			      .type = TAR_FILE};

	put_header(p, &t);
}

/* What hoy makes in each container, for mounts over it: nothing that a container can write to. */
static bool is_generated(const struct pack *p, int dir, const char *name, const struct stat *st)
{
	static const char *const empty[] = {"etc/hostname", "etc/hosts", "etc/resolv.conf",
					    "run/.containerenv"};
	const char *path = str_cstr(&p->path);
	char link[16];

	if (p->built && S_ISREG(st->st_mode))
		return !st->st_size && was_made(p, false);
	if (p->built && !was_made(p, false))
		return false;
	for (size_t i = 0; i < countof(empty); i++)
		if (!strcmp(path, empty[i]))
			return S_ISREG(st->st_mode) && !st->st_size;
	return !strcmp(path, "etc/mtab") && S_ISLNK(st->st_mode) &&
	       readlinkat(dir, name, link, sizeof link) == 12 && !memcmp(link, "/proc/mounts", 12);
}

/* Of two overlays of one store; what each has of its own would differ in more. */
static bool same_inode(const struct stat *a, const struct stat *b)
{
	return a->st_ino == b->st_ino && a->st_mode == b->st_mode && a->st_size == b->st_size &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_ctim.tv_sec == b->st_ctim.tv_sec &&
	       a->st_mtim.tv_nsec == b->st_mtim.tv_nsec && a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

/* 1: the entry of an upper directory is dealt with. */
static int put_layer_entry(struct pack *p, int dir, const char *name, const struct stat *st,
			   struct arena *scratch, struct err *e)
{
	int below = p->levels[p->n - 1].below;
	struct stat was;

	bool before = below >= 0 && fstatat(below, name, &was, AT_SYMLINK_NOFOLLOW) == 0;
	if (!p->changes && overlay_is_whiteout(dir, name, st)) {
		if (before)
			put_mark(p, name, scratch);
		int r = before ? 0 : drop(p, dir, name, 0, e);
		return r < 0 ? r : 1;
	}
	if (p->changes && before && !S_ISDIR(st->st_mode) &&
	    (p->views ? same_inode(st, &was)
		      : copied_unchanged(dir, below, name, st, &was, p->when)))
		return 1;
	if (!str_starts(name, ".wh.")) {
		if (!is_generated(p, dir, name, st))
			return 0;
		int r = drop(p, dir, name, 0, e);
		return r < 0 ? r : 1;
	}
	err_fail(e, ERR_LAYER,
		 "/%.200s of %s cannot be in a layer: such a name says there that a file is gone",
		 str_cstr(&p->path), p->what);
	return err_hint(e, "remove or rename it in the container");
}

static int put_entry(struct pack *p, int dir, const char *name, struct err *e)
{
	scoped(arena) scratch = {0};
	struct tar_entry t;
	struct stat st;
	char link[4097];

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
		if (errno != ENOENT)
			return failed(p, errno, "read", e);
		if (p->changes && p->levels[p->n - 1].below >= 0 &&
		    faccessat(p->levels[p->n - 1].below, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
			put_mark(p, name, &scratch);
		return 0;
	}
	if (S_ISSOCK(st.st_mode))
		return drop(p, dir, name, 0, e);
	int r = p->layer ? put_layer_entry(p, dir, name, &st, &scratch, e) : 0;
	if (r)
		return r < 0 ? r : 0;
	fill_entry(&t, &st, str_cstr(&p->path));
	if (!S_ISDIR(st.st_mode) && st.st_nlink > 1) {
		const char *other = met_before(p, &st);
		if (other) {
			t.type = TAR_HARDLINK;
			t.link = other;
			map_owner(p, &t);
			set_time(p, &t); /* on disk it was set by its first name */
			put_header(p, &t);
			return 0;
		}
	}
	if (S_ISREG(st.st_mode))
		return put_file(p, openat(dir, name, READ_FILE), &t, &scratch, e);
	if (S_ISDIR(st.st_mode))
		return put_dir(p, dir, name, &t, &scratch, e);
	if (S_ISLNK(st.st_mode)) {
		ssize_t n = readlinkat(dir, name, link, sizeof link - 1);
		if (n <= 0)
			return failed(p, n < 0 ? errno : EINVAL, "read", e);
		link[n] = 0;
		t.link = link;
	}
	map_owner(p, &t);
	r = fix_time(p, dir, name, &t, e);
	if (r == 0)
		put_header(p, &t);
	return r;
}

/* The root is no directory: it is all there is. */
static int put_single(struct pack *p, struct err *e)
{
	scoped(arena) scratch = {0};
	int fd = p->levels[0].fd;
	char link[4097], path[40];
	struct tar_entry t;

	fill_entry(&t, &p->root, p->name);
	str_add(&p->path, p->name);
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	if (S_ISREG(p->root.st_mode)) {
		int r = put_file(p, open(path, READ_FILE & ~O_NOFOLLOW), &t, &scratch, e);
		leave(p);
		return r;
	}
	if (S_ISSOCK(p->root.st_mode)) {
		err_fail(e, ERR_COPY, "%s is a socket", p->what);
		return err_hint(e, "it means nothing anywhere else: bind it with --volume");
	}
	if (S_ISLNK(p->root.st_mode)) {
		ssize_t n = readlinkat(fd, "", link, sizeof link - 1);
		if (n <= 0)
			return failed(p, n < 0 ? errno : EINVAL, "read", e);
		link[n] = 0;
		t.link = link;
	}
	map_owner(p, &t);
	put_header(p, &t);
	leave(p);
	return 0;
}

static int put_root(struct pack *p, struct err *e)
{
	scoped(arena) scratch = {0};
	struct pack_level *l = &p->levels[0];
	struct tar_entry t;

	p->begun = true;
	if (fstat(l->fd, &p->root) < 0 || (p->h && fstat(p->h->fd, &p->store) < 0))
		return failed(p, errno, "read", e);
	if (p->mounts && !S_ISLNK(p->root.st_mode) && !holds_files(l->fd)) {
		err_fail(e, ERR_COPY, "%s is of the kernel, which writes it when it is read",
			 p->what);
		return err_hint(e, "read it where it is: hoy exec CONTAINER cat FILE");
	}
	if (!S_ISDIR(p->root.st_mode))
		return put_single(p, e);
	int r = read_names(p, e);
	if (r < 0 || p->no_root)
		return r;
	fill_entry(&t, &p->root, p->name ? arena_printf(&scratch, "%s/", p->name) : "./");
	autoclose int fd = openat(l->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	add_xattrs(&scratch, fd, &t, false);
	map_owner(p, &t);
	put_header(p, &t);
	if (p->name) {
		str_add(&p->path, p->name);
		l->end = p->path.len;
	}
	return 0;
}

/* The mark of a directory that hides what is below; it may have had no reason to be given itself. */
static void put_opaque(struct pack *p, struct pack_level *l)
{
	scoped(arena) scratch = {0};
	struct tar_entry t = {.path = arena_printf(&scratch, "%.*s/.wh..wh..opq", (int)l->end,
						   str_cstr(&p->path)),
			      .type = TAR_FILE};

	l->opaque = false;
	put_header(p, &t);
}

/* Fills the buffer with the next header, or the end. */
static int next(struct pack *p, struct err *e)
{
	static const char zero[TAR_END_SIZE];

	str_reset(&p->buf);
	p->given = 0;
	if (!p->begun) {
		int r = put_root(p, e);
		if (r < 0)
			return r;
	}
	while (!p->buf.len && p->n) {
		struct pack_level *l = &p->levels[p->n - 1];
		if (l->opaque) {
			put_opaque(p, l);
			break;
		}
		if (l->at == l->names.n) {
			int r = finish_dir(p, e);
			if (r < 0)
				return r;
			leave(p);
			continue;
		}
		const char *name = l->names.v[l->at++];
		p->path.len = l->end;
		if (l->end)
			str_addc(&p->path, '/');
		str_add(&p->path, name);
		if (p->path.len >= PATH_MAX)
			return failed(p, ENAMETOOLONG, "read", e);
		int r = put_entry(p, l->fd, name, e);
		if (r < 0)
			return r;
	}
	if (!p->buf.len && !p->ended) {
		p->ended = true;
		str_addn(&p->buf, zero, sizeof zero);
	}
	return 0;
}

static ssize_t read_content(struct pack *p, void *buf, size_t n, struct err *e)
{
	static const char zero[TAR_BLOCK_SIZE];
	ssize_t k;

	do
		k = read(p->file, buf, n < p->left ? n : (size_t)p->left);
	while (k < 0 && errno == EINTR);
	if (k < 0)
		return failed(p, errno, "read", e);
	if (k == 0) {
		err_set(e, ESTALE, "%s/%.200s became shorter while it was read", p->what,
			str_cstr(&p->path));
		return err_hint(e, "let nobody write there meanwhile");
	}
	if (p->built && p->build.content)
		p->build.content(p->build.arg, str_cstr(&p->path), p->size - p->left, buf,
				 (size_t)k);
	p->left -= (uint64_t)k;
	if (!p->left) {
		fd_close(&p->file);
		str_reset(&p->buf);
		p->given = 0;
		str_addn(&p->buf, zero, p->padding);
	}
	return k;
}

static ssize_t pack_read(void *arg, void *buf, size_t n, struct err *e)
{
	struct pack *p = arg;
	char *to = buf;
	size_t have = 0;

	while (have < n) {
		if (p->given < p->buf.len) {
			size_t k = p->buf.len - p->given;
			k = k < n - have ? k : n - have;
			memcpy(to + have, p->buf.s + p->given, k);
			p->given += k;
			have += k;
		} else if (p->file >= 0) {
			ssize_t k = read_content(p, to + have, n - have, e);
			if (k < 0)
				return k;
			have += (size_t)k;
		} else {
			int r = next(p, e);
			if (r < 0)
				return r;
			if (!p->buf.len)
				break;
		}
	}
	return (ssize_t)have;
}

struct source pack_source(struct pack *p)
{
	return (struct source){pack_read, p};
}
