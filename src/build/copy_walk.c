/*
 * How it works: a directory is read at once by getdents64(2), its names are sorted, and each is looked at relative to the directory's descriptor. A regular file of a context
 * needs its digest: the stat cache knows it, or it is opened and read, and its stat must be the same before and after. Nothing else is opened, so neither a FIFO nor a device
 * can block or act.
 */
#include <sys/syscall.h>
#include <sys/xattr.h>

#include "base/base.h"
#include "build/copy_impl.h"

enum { READ_FILE = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC };
enum { READ_DIR = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC };
enum { MAX_XATTR = 64 << 10, MAX_NAMES = 1 << 30 };

struct copy_known {
	struct copy_known *next;
	uint64_t dev, ino;
	size_t entry;
};

/* linux/dirent.h, which libc does not have. */
struct dirent64_raw {
	uint64_t ino;
	int64_t off;
	uint16_t len;
	uint8_t type;
	char name[];
};

static int by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

void copy_names_free(struct copy_names *n)
{
	free(n->block);
	free(n->v);
	*n = (struct copy_names){0};
}

int copy_names_read(int fd, struct copy_names *ret)
{
	_Alignas(8) char buf[64 << 10];
	scoped(str) names = {0};
	size_t n = 0;

	*ret = (struct copy_names){0};
	if (lseek(fd, 0, SEEK_SET) < 0)
		return -errno;
	for (;;) {
		long k = syscall(SYS_getdents64, fd, buf, sizeof buf);
		if (k < 0)
			return -errno;
		if (k == 0)
			break;
		for (long at = 0; at < k;) {
			const struct dirent64_raw *d = (const void *)(buf + at);
			at += d->len;
			if (!strcmp(d->name, ".") || !strcmp(d->name, ".."))
				continue;
			str_addn(&names, d->name, strlen(d->name) + 1);
			n++;
		}
		if (names.len > MAX_NAMES)
			return -EFBIG;
	}
	if (!n)
		return 0;
	ret->block = str_steal(&names);
	ret->v = xcalloc(n, sizeof *ret->v);
	ret->n = n;
	const char *s = ret->block;
	for (size_t i = 0; i < n; i++, s += strlen(s) + 1)
		ret->v[i] = s;
	qsort(ret->v, n, sizeof *ret->v, by_name);
	return 0;
}

bool copy_ignored(const struct copy_find *f, const char *path, bool dir)
{
	return f->ignore && *path && ignore_matches(f->ignore, path) &&
	       !(dir && ignore_may_hold(f->ignore, path));
}

/* 0: it is left out; 1: it is taken; 2: a directory that is there only if something below it is taken back. */
static int taken(const struct copy_find *f, const char *path, size_t strip, bool dir)
{
	const struct ignore *const lists[] = {f->ignore, f->exclude};
	const char *const paths[] = {path, path + strip};
	int r = 1;

	for (size_t i = 0; i < countof(lists); i++) {
		if (!lists[i] || !ignore_matches(lists[i], paths[i]))
			continue;
		if (!dir || !ignore_may_hold(lists[i], paths[i]))
			return 0;
		r = 2;
	}
	return r;
}

bool copy_wants_xattr(const char *name)
{
	if (!strcmp(name, "security.capability"))
		return true;
	return str_starts(name, "user.") && !str_starts(name, "user.overlay.") &&
	       !str_starts(name, "user.hoy.");
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The extended attributes that are copied, sorted, into the hash. 1: there are some. */
static int hash_xattrs(struct hash *h, int fd)
{
	char names[4096];
	autofree char *value = NULL;
	scoped(strv) wanted = {0};
	ssize_t n = flistxattr(fd, names, sizeof names);

	for (const char *s = names; n > 0 && s < names + n; s += strlen(s) + 1)
		if (copy_wants_xattr(s))
			strv_add(&wanted, s);
	if (!wanted.n)
		return 0;
	qsort(wanted.v, wanted.n, sizeof *wanted.v, by_text);
	value = xmalloc(MAX_XATTR);
	for (size_t i = 0; i < wanted.n; i++) {
		ssize_t len = fgetxattr(fd, wanted.v[i], value, MAX_XATTR);
		if (len < 0)
			continue;
		hash_add(h, wanted.v[i], strlen(wanted.v[i]) + 1);
		hash_add(h, &len, sizeof len);
		hash_add(h, value, (size_t)len);
	}
	return 1;
}

static void to_bytes(const struct digest *d, uint8_t ret[static STAT_SHA])
{
	for (int i = 0; i < STAT_SHA; i++) {
		unsigned v = 0;
		for (int k = 0; k < 2; k++) {
			char c = d->hex[2 * i + k];
			v = v << 4 | (unsigned)(c <= '9' ? c - '0' : c - 'a' + 10);
		}
		ret[i] = (uint8_t)v;
	}
}

/* Of a file with attributes: the digest over that of its content and them. */
int copy_sha(int fd, uint8_t ret[static STAT_SHA], bool *ret_xattrs)
{
	static char buf[256 << 10];
	scoped(hash) h = {0};
	scoped(hash) x = {0};
	struct digest d;
	ssize_t k;

	if (hash_open(&h, NULL) < 0 || hash_open(&x, NULL) < 0)
		return -ENOENT;
	for (off_t at = 0; (k = pread(fd, buf, sizeof buf, at)); at += k > 0 ? k : 0) {
		if (k < 0 && errno != EINTR)
			return -errno;
		if (k > 0)
			hash_add(&h, buf, (size_t)k);
	}
	hash_end(&h, &d);
	*ret_xattrs = false;
	if (hash_xattrs(&x, fd)) {
		hash_add(&x, d.hex, 64);
		hash_end(&x, &d);
		*ret_xattrs = true;
	}
	to_bytes(&d, ret);
	return 0;
}

static int failed(const struct copy_find *f, int r, const char *verb, const char *path,
		  struct err *e)
{
	return err_set(e, r, "%s %s of the %s", verb, *path ? path : ".", f->job->from.name);
}

static int changed(const struct copy_find *f, const char *path, struct err *e)
{
	err_fail_code(e, ERR_COPY_CHANGED, ESTALE, "%s of the %s changed while it was read", path,
		      f->job->from.name);
	return err_hint(e, "build again when nobody writes there");
}

static bool same_stat(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
	       a->st_mode == b->st_mode && a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
	       a->st_mtim.tv_nsec == b->st_mtim.tv_nsec && a->st_ctim.tv_sec == b->st_ctim.tv_sec &&
	       a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

static int read_file(struct copy_find *f, int dir, const char *name, struct copy_entry *n,
		     const struct stat *st, struct err *e)
{
	struct stat before, after;
	autoclose int fd = openat(dir, name, READ_FILE);

	if (fd < 0 || fstat(fd, &before) < 0) {
		int code = errno;
		failed(f, code, "read", n->path, e);
		return code == EACCES && *f->job->from.name
			       ? err_hint(e,
					  "make it readable, or leave it out by .containerignore")
			       : -code;
	}
	if (!same_stat(st, &before))
		return changed(f, n->path, e);
	int r = copy_sha(fd, n->sha, &n->xattrs);
	if (r < 0)
		return failed(f, r, "read", n->path, e);
	if (fstat(fd, &after) < 0 || !same_stat(&before, &after))
		return changed(f, n->path, e);
	n->racy = stat_cache_racy(st, f->now);
	if (f->cache && !n->racy)
		stat_cache_add(f->cache, n->path, st, n->sha, n->xattrs);
	return 0;
}

/* The attributes of a directory: its digest. */
static int read_dir(struct copy_find *f, int dir, const char *name, struct copy_entry *n,
		    struct err *e)
{
	scoped(hash) x = {0};
	struct digest d;
	autoclose int fd = openat(dir, name, READ_DIR);

	if (fd < 0)
		return failed(f, errno, "read", n->path, e);
	if (flistxattr(fd, NULL, 0) <= 0)
		return 0;
	int r = hash_open(&x, e);
	if (r < 0 || !hash_xattrs(&x, fd))
		return r;
	hash_end(&x, &d);
	to_bytes(&d, n->sha);
	n->xattrs = n->hashed = true;
	return 0;
}

static int read_link(struct copy_find *f, int dir, const char *name, struct copy_entry *n,
		     struct err *e)
{
	char text[4097];
	ssize_t k = readlinkat(dir, name, text, sizeof text - 1);

	if (k <= 0)
		return failed(f, k < 0 ? errno : EINVAL, "read", n->path, e);
	n->text = arena_strndup(&f->plan->arena, text, (size_t)k);
	return 0;
}

static int refuse(const struct copy_find *f, const char *path, mode_t mode, struct err *e)
{
	const char *kind = S_ISFIFO(mode)   ? "FIFO"
			   : S_ISSOCK(mode) ? "socket"
			   : S_ISBLK(mode)  ? "block device"
					    : "character device";

	err_fail(e, ERR_COPY_SOURCE, "%s of the %s is a %s, which cannot be copied", path,
		 f->job->from.name, kind);
	return err_hint(e, "remove it, or leave it out by .containerignore");
}

void copy_walk_begin(struct copy_find *f)
{
	memset(f->known, 0, sizeof f->known);
}

/* Another name of a file of this item: its number + 1. */
static uint32_t met_before(struct copy_find *f, const struct stat *st)
{
	struct copy_known **to = &f->known[(st->st_ino ^ st->st_dev) % countof(f->known)], *k;

	for (k = *to; k; k = k->next)
		if (k->ino == st->st_ino && k->dev == st->st_dev)
			return (uint32_t)k->entry + 1;
	k = arena_alloc(&f->plan->arena, sizeof *k);
	*k = (struct copy_known){*to, st->st_dev, st->st_ino, f->plan->n};
	*to = k;
	return 0;
}

static struct copy_entry *next_entry(struct copy_plan *p)
{
	if (p->n == p->cap) {
		p->cap = p->cap ? 2 * p->cap : 64;
		p->v = xrealloc(p->v, p->cap * sizeof *p->v);
	}
	return &p->v[p->n];
}

int copy_walk_add(struct copy_find *f, int dir, const char *name, const char *path,
		  const struct stat *st, struct err *e)
{
	struct copy_plan *p = f->plan;
	int r = 0;

	if (!S_ISREG(st->st_mode) && !S_ISDIR(st->st_mode) && !S_ISLNK(st->st_mode)) {
		if (f->context)
			return refuse(f, path, st->st_mode, e);
		if (S_ISSOCK(st->st_mode))
			return 1;
	}
	if (p->n >= COPY_MAX_ENTRIES)
		return err_fail_code(e, ERR_COPY_SOURCE, E2BIG,
				     "%s of the %s is more than %d files", path, f->job->from.name,
				     COPY_MAX_ENTRIES);
	struct copy_entry *n = next_entry(p);
	*n = (struct copy_entry){
		.path = path,
		.dev = st->st_dev,
		.ino = st->st_ino,
		.size = st->st_size,
		.mtime = st->st_mtim,
		.ctime = st->st_ctim,
		.mode = st->st_mode,
		.uid = st->st_uid,
		.gid = st->st_gid,
		.xattrs = !f->context,
	};
	if (!S_ISDIR(st->st_mode) && st->st_nlink > 1)
		n->same = met_before(f, st);
	if (S_ISLNK(st->st_mode)) {
		r = read_link(f, dir, name, n, e);
	} else if (S_ISDIR(st->st_mode) && f->context) {
		r = read_dir(f, dir, name, n, e);
	} else if (S_ISREG(st->st_mode) && f->context) {
		n->hashed = true;
		if (!f->cache || !stat_cache_find(f->cache, path, st, n->sha, &n->xattrs))
			r = read_file(f, dir, name, n, st, e);
	}
	if (r == 0)
		p->n++;
	return r;
}

static const char *join(struct arena *a, const char *path, const char *name)
{
	size_t n = strlen(path), k = strlen(name);
	char *to = arena_alloc(a, n + 1 + k + 1);

	memcpy(to, path, n);
	if (n)
		to[n++] = '/';
	memcpy(to + n, name, k);
	return to;
}

static int walk_names(struct copy_find *f, int fd, const struct copy_names *names, const char *path,
		      size_t strip, unsigned depth, struct err *e)
{
	struct stat st;

	for (size_t i = 0; i < names->n; i++) {
		const char *name = names->v[i];
		const char *full = join(&f->plan->arena, path, name);
		if (strlen(full) >= PATH_MAX)
			return failed(f, ENAMETOOLONG, "read", full, e);
		if (fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
			if (errno == ENOENT) /* gone meanwhile */
				continue;
			return failed(f, errno, "read", full, e);
		}
		bool dir = S_ISDIR(st.st_mode);
		int how = taken(f, full, strip, dir);
		if (!how)
			continue;
		int r = copy_walk_add(f, fd, name, full, &st, e);
		if (r < 0)
			return r;
		if (!dir)
			continue;
		autoclose int below = openat(fd, name, READ_DIR);
		if (below < 0)
			return failed(f, errno, "read", full, e);
		size_t before = f->plan->n;
		r = copy_walk(f, below, full, strip, depth + 1, e);
		if (r < 0)
			return r;
		if (how == 2 && f->plan->n == before)
			f->plan->n--;
	}
	return 0;
}

int copy_walk(struct copy_find *f, int fd, const char *path, size_t strip, unsigned depth,
	      struct err *e)
{
	struct copy_names names;

	if (depth > COPY_MAX_DEPTH)
		return failed(f, ENAMETOOLONG, "read", path, e);
	int r = copy_names_read(fd, &names);
	if (r < 0)
		failed(f, r, "read", path, e);
	else
		r = walk_names(f, fd, &names, path, strip, depth, e);
	copy_names_free(&names);
	return r;
}
