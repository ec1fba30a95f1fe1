/*
 * How it works: for each item the directory that it goes into is opened (and made), then its entries are put there in their order. Directories are a stack of levels, each with the
 * descriptors of both sides, so every file is opened relative to its directory and no path is walked twice. What a directory has besides its content (owner,
 * mode, times) it gets when its level is left.
 */
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include "base/base.h"
#include "build/archive.h"
#include "build/copy_impl.h"
#include "build/copy_mode.h"
#include "runtime/user.h"
#include "sys/file_copy.h"
#include "sys/overlay_marks.h"

enum { READ_FILE = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC };
enum { READ_DIR = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC };
enum { MAX_XATTR = 64 << 10 };

struct level {
	int to, from;
	const char *path;	       /* in the source */
	size_t len;		       /* of it */
	const struct copy_entry *attr; /* given when it is left; NULL: it keeps what it has */
	bool sgid;
};

struct doing {
	const struct copy_job *job;
	const struct copy_plan *plan;
	struct copy_place place;
	bool keep; /* owners and times are the source's: of a stage or an image */
	struct level *levels;
	size_t n;
};

static int failed(const struct doing *d, int code, const char *path, struct err *e)
{
	if (code == EINVAL || code == EOVERFLOW) {
		err_fail_code(e, ERR_ID_RANGE, code, "%s cannot have the owner %u:%u here", path,
			      d->place.owner.uid, d->place.owner.gid);
		return err_hint(e, "these ids are not among yours: use smaller ones, or get more "
				   "(hoy doctor)");
	}
	return err_set(e, code, "put %s into the image", path);
}

static int changed(const struct doing *d, const char *path, struct err *e)
{
	err_fail_code(e, ERR_COPY_CHANGED, ESTALE,
		      "%s of the %s has changed since it was looked at", path, d->job->from.name);
	return err_hint(e, "build again when nobody writes there");
}

static int in_the_way(const char *path, const char *what, struct err *e)
{
	return err_fail_code(e, ERR_COPY_TO, EEXIST, "%s cannot go into the image: %s", path, what);
}

static bool same_time(struct timespec a, struct timespec b)
{
	return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

/* Is what is open the file that was looked at, and as it was? */
static bool is_entry(const struct copy_entry *n, int fd)
{
	struct stat st;

	if (fstat(fd, &st) < 0 || st.st_dev != n->dev || st.st_ino != n->ino ||
	    st.st_mode != n->mode)
		return false;
	return S_ISDIR(st.st_mode) || (st.st_size == n->size && same_time(st.st_mtim, n->mtime) &&
				       same_time(st.st_ctim, n->ctime));
}

static int copy_xattrs(int from, int to)
{
	char names[4096];
	autofree char *value = NULL;
	ssize_t n = flistxattr(from, names, sizeof names);

	for (const char *s = names; n > 0 && s < names + n; s += strlen(s) + 1) {
		if (!copy_wants_xattr(s))
			continue;
		value = value ?: xmalloc(MAX_XATTR);
		ssize_t len = fgetxattr(from, s, value, MAX_XATTR);
		if (len >= 0 && fsetxattr(to, s, value, (size_t)len, 0) < 0 &&
		    (errno == ENOSPC || errno == EDQUOT))
			return -errno;
	}
	return 0;
}

/* Owner, mode and time of one that is open on both sides (from -1: a text or what was fetched). */
static int set_attr(const struct doing *d, const struct copy_entry *n, int from, int to, bool sgid)
{
	bool dir = S_ISDIR(n->mode);
	struct owner_kept o = {.mode = n->mode & 07777};
	struct timespec t[2] = {{.tv_nsec = UTIME_OMIT}, d->keep ? n->mtime : d->place.time};

	if (d->keep) {
		o.uid = n->uid;
		o.gid = n->gid;
		if (d->place.form == FORM_ONE && from >= 0)
			owner_kept_read(from, &o);
	}
	if (d->place.owner.set) {
		o.uid = d->place.owner.uid;
		o.gid = d->place.owner.gid;
	}
	if (d->job->chmod)
		copy_mode_apply(d->job->chmod, dir, &o.mode);
	int r = copy_place_attr(&d->place, to, dir, sgid, o.uid, o.gid, o.mode);
	if (r == 0 && from >= 0 && n->xattrs) /* behind the chown, which takes capabilities away */
		r = copy_xattrs(from, to);
	return r == 0 && futimens(to, t) < 0 ? -errno : r;
}

/* Makes room for something that is no directory: 0 if what was there is gone. */
static int clear(int dir, const char *name)
{
	struct stat st;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	if (S_ISDIR(st.st_mode))
		return -EISDIR;
	return unlinkat(dir, name, 0) < 0 ? -errno : 0;
}

/* Where a file of the image stood that could not be replaced. */
static int blocked(const struct doing *d, int r, const char *path, struct err *e)
{
	return r == -EISDIR ? in_the_way(path, "a directory of that name is there", e)
			    : failed(d, -r, path, e);
}

static int create(int dir, const char *name)
{
	const int flags = O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
	int fd = openat(dir, name, flags, 0600);

	if (fd >= 0 || errno != EEXIST)
		return fd < 0 ? -errno : fd;
	int r = clear(dir, name);
	if (r < 0)
		return r;
	fd = openat(dir, name, flags, 0600);
	return fd < 0 ? -errno : fd;
}

/* What could have changed without its times showing it is looked at once more, as it arrived. */
static int check_racy(const struct copy_entry *n, int from, int to)
{
	uint8_t sha[STAT_SHA];
	bool xattrs;
	int r = copy_sha(n->xattrs ? from : to, sha, &xattrs);

	return r < 0 ? r : memcmp(sha, n->sha, sizeof sha) ? -ESTALE : 0;
}

static int put_file(struct doing *d, const struct copy_entry *n, int dir, int from_dir,
		    const char *name, const char *from_name, bool sgid, struct err *e)
{
	autoclose int from = openat(from_dir, from_name, READ_FILE);

	if (from < 0)
		return failed(d, errno, n->path, e);
	if (!is_entry(n, from))
		return changed(d, n->path, e);
	autoclose int to = create(dir, name);
	if (to < 0)
		return blocked(d, to, n->path, e);
	int r = file_copy(from, to);
	if (r == 0 && n->racy)
		r = check_racy(n, from, to);
	if (r == -ESTALE || (r == 0 && !is_entry(n, from)))
		return changed(d, n->path, e);
	if (r == 0)
		r = set_attr(d, n, from, to, sgid);
	return r < 0 ? failed(d, -r, n->path, e) : 0;
}

/* Links and nodes: owner and time by name, which only they have (form one: lost, as overlay_marks.h says). */
static int set_attr_at(const struct doing *d, const struct copy_entry *n, int dir, const char *name,
		       bool sgid)
{
	struct timespec t[2] = {{.tv_nsec = UTIME_OMIT}, d->keep ? n->mtime : d->place.time};
	uint32_t uid = d->place.owner.set ? d->place.owner.uid : d->keep ? n->uid : 0;
	uint32_t gid = d->place.owner.set ? d->place.owner.gid : d->keep ? n->gid : 0;
	uint32_t mode = n->mode & 07777;

	if (d->place.form != FORM_ONE && (uid || gid || sgid) &&
	    fchownat(dir, name, uid, gid, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	if (!S_ISLNK(n->mode)) {
		if (d->job->chmod)
			copy_mode_apply(d->job->chmod, false, &mode);
		if (fchmodat(dir, name, mode, 0) < 0)
			return -errno;
	}
	return utimensat(dir, name, t, AT_SYMLINK_NOFOLLOW) < 0 ? -errno : 0;
}

static int make_other(const struct copy_entry *n, int dir, const char *name)
{
	if (S_ISLNK(n->mode))
		return symlinkat(n->text, dir, name) < 0 ? -errno : 0;
	return mknodat(dir, name, n->mode, 0) < 0 ? -errno : 0;
}

static int put_other(struct doing *d, const struct copy_entry *n, int dir, const char *name,
		     bool sgid, struct err *e)
{
	if (S_ISCHR(n->mode) || S_ISBLK(n->mode)) {
		err_fail(e, ERR_COPY_SOURCE, "%s of the %s is a device, which cannot be copied",
			 n->path, d->job->from.name);
		return err_hint(e, "every container has its own /dev: leave it out with --exclude");
	}
	int r = make_other(n, dir, name);
	if (r == -EEXIST && (r = clear(dir, name)) == 0)
		r = make_other(n, dir, name);
	if (r == 0)
		r = set_attr_at(d, n, dir, name, sgid);
	return r < 0 ? blocked(d, r, n->path, e) : 0;
}

static int leave(struct doing *d, struct err *e)
{
	struct level *l = &d->levels[--d->n];
	int r = l->attr ? set_attr(d, l->attr, l->from, l->to, true) : 0;

	if (r < 0)
		failed(d, -r, l->attr->path, e);
	fd_close(&l->to);
	fd_close(&l->from);
	return r;
}

static int leave_to(struct doing *d, const char *path, struct err *e)
{
	while (d->n > 1) {
		const struct level *l = &d->levels[d->n - 1];
		if (!strncmp(path, l->path, l->len) && path[l->len] == '/')
			return 0;
		int r = leave(d, e);
		if (r < 0)
			return r;
	}
	return 0;
}

static int put_dir(struct doing *d, const struct copy_entry *n, const char *name, struct err *e)
{
	struct level *up = &d->levels[d->n - 1];
	struct stat st;
	bool made = mkdirat(up->to, name, 0700) == 0;

	if (!made && errno != EEXIST)
		return failed(d, errno, n->path, e);
	autoclose int to = openat(up->to, name, READ_DIR);
	if (to < 0 && (errno == ENOTDIR || errno == ELOOP)) {
		in_the_way(n->path, "something that is no directory is there", e);
		return err_hint(e, "where it is a link, copy into what it leads to");
	}
	if (to < 0 || fstat(to, &st) < 0)
		return failed(d, errno, n->path, e);
	autoclose int from = openat(up->from, name, READ_DIR);
	if (from < 0 || !is_entry(n, from))
		return changed(d, n->path, e);
	if (d->n == COPY_MAX_DEPTH + 2)
		return failed(d, ENAMETOOLONG, n->path, e);
	d->levels[d->n++] = (struct level){
		.path = n->path,
		.len = strlen(n->path),
		.attr = made || !n->weak ? n : NULL,
		.sgid = st.st_mode & S_ISGID,
	};
	d->levels[d->n - 1].to = take_fd(to);
	d->levels[d->n - 1].from = take_fd(from);
	return 0;
}

/* Another name of a file that was put already. strip: of the source's paths. 1: it is not there. */
static int put_again(struct doing *d, const struct copy_entry *first, size_t strip, int dir,
		     const char *name)
{
	for (int i = 0; i < 2; i++) {
		if (linkat(d->levels[0].to, first->path + strip, dir, name, 0) == 0)
			return 0;
		if (errno != EEXIST)
			return errno == EMLINK || errno == ENOENT ? 1 : -errno;
		int r = clear(dir, name);
		if (r < 0)
			return r;
	}
	return -EEXIST;
}

static int put_entry(struct doing *d, const struct copy_plan *p, const struct copy_entry *n,
		     size_t strip, struct err *e)
{
	int r = leave_to(d, n->path, e);
	const struct level *l = &d->levels[d->n - 1];
	const char *slash = strrchr(n->path, '/'), *name = slash ? slash + 1 : n->path;

	if (r < 0)
		return r;
	if (S_ISDIR(n->mode))
		return put_dir(d, n, name, e);
	if (n->same) {
		r = put_again(d, &p->v[n->same - 1], strip, l->to, name);
		if (r <= 0)
			return r < 0 ? blocked(d, r, n->path, e) : 0;
	}
	return S_ISREG(n->mode) ? put_file(d, n, l->to, l->from, name, name, l->sgid, e)
				: put_other(d, n, l->to, name, l->sgid, e);
}

static bool has_sgid(int dir)
{
	struct stat st;

	return fstat(dir, &st) == 0 && (st.st_mode & S_ISGID);
}

/* What is in a directory, into to. */
static int put_tree(struct doing *d, const struct copy_plan *p, const struct copy_item *i, int to,
		    struct err *e)
{
	const struct copy_entry *first = &p->v[i->first];
	int r = 0;

	if (!i->n)
		return 0;
	autofree char *base = xstrndup(first->path, i->strip ? i->strip - 1 : 0);
	d->levels[0] = (struct level){
		.to = fcntl(to, F_DUPFD_CLOEXEC, 3),
		.from = path_open_beneath(i->root, *base ? base : ".", READ_DIR, 0),
		.path = "",
		.sgid = has_sgid(to),
	};
	d->n = 1;
	if (d->levels[0].to < 0 || d->levels[0].from < 0)
		r = changed(d, i->word, e);
	for (size_t k = 0; r == 0 && k < i->n; k++)
		r = put_entry(d, p, first + k, i->strip, e);
	while (d->n && r == 0)
		r = leave(d, e);
	while (d->n) /* after a failure: only closed */
		d->levels[d->n - 1].attr = NULL, leave(d, NULL);
	return r;
}

/* A text, or what was fetched: from memory or a file without a name. */
static int put_made(struct doing *d, const struct copy_item *i, int dir, const char *name,
		    struct err *e)
{
	bool text = i->kind == COPY_TEXT;
	struct copy_entry n = {.path = name, .mode = S_IFREG | (text ? 0644 : 0600)};
	autoclose int to = create(dir, name);

	if (to < 0)
		return blocked(d, to, name, e);
	int r = text ? fd_write_all(to, i->text->text, i->text->len) : file_copy(i->fd, to);
	if (r == 0) {
		struct doing made = *d;
		made.keep = false;
		r = set_attr(&made, &n, -1, to, has_sgid(dir));
	}
	return r < 0 ? failed(d, -r, name, e) : 0;
}

static int put_one(struct doing *d, const struct copy_item *i, int dir, const char *name,
		   struct err *e)
{
	const struct copy_entry *n = &d->plan->v[i->first];
	bool sgid = has_sgid(dir);

	if (i->kind != COPY_FILES)
		return put_made(d, i, dir, name, e);
	if (!S_ISREG(n->mode))
		return put_other(d, n, dir, name, sgid, e);
	const char *slash = strrchr(n->path, '/');
	autofree char *parent = xstrndup(n->path, slash ? (size_t)(slash - n->path) : 0);
	autoclose int from = path_open_beneath(i->root, *parent ? parent : ".", READ_DIR, 0);
	if (from < 0)
		return changed(d, n->path, e);
	return put_file(d, n, dir, from, name, slash ? slash + 1 : n->path, sgid, e);
}

/* What ids there are. */
static int read_map(enum u0_form form, struct u0_map *ret, struct err *e)
{
	*ret = (struct u0_map){.form = form};
	int r = userns_read_map("/proc/self/uid_map", &ret->uids);
	if (r >= 0)
		r = userns_read_map("/proc/self/gid_map", &ret->gids);
	return r < 0 ? err_set(e, r, "read the id map") : 0;
}

static int unpack(const struct doing *d, int fd, const char *name, int dir, struct err *e)
{
	const struct copy_place *p = &d->place;
	struct source_fd in = {.fd = fd, .name = name, .offset = 0, .left = UINT64_MAX};
	struct source src = source_from_fd(&in);
	struct unpack_plain how = {
		.owner = p->owner.set ? UNPACK_FIXED : UNPACK_AS_ARCHIVED,
		.uid = p->owner.uid,
		.gid = p->owner.gid,
		.overwrite = true,
		.keep_root = true,
		.no_devices = p->form != FORM_ROOT,
	};
	struct u0_map map;
	int r = read_map(p->form, &map, e);

	return r < 0 ? r : archive_unpack(&src, name, dir, &map, &how, e);
}

/* ADD of an archive: 1 if it is none and is to be copied as it is. */
static int put_archive(struct doing *d, const struct copy_item *i, const char *to, struct err *e)
{
	autoclose int from = -1;

	if (i->kind == COPY_FETCH) {
		from = fcntl(i->fd, F_DUPFD_CLOEXEC, 3);
	} else {
		const struct copy_entry *n = &d->plan->v[i->first];
		from = path_open_beneath(i->root, n->path, READ_FILE, 0);
		if (!S_ISREG(n->mode))
			return 1;
		if (from < 0 || !is_entry(n, from))
			return changed(d, n->path, e);
	}
	int is = from < 0 ? -errno : archive_probe(from);
	if (is < 0)
		return err_set(e, is, "read %s", i->word);
	if (!is && i->unpack > 0)
		return err_fail(e, ERR_ARCHIVE, "%s is no tar archive, and --unpack was given",
				i->word);
	if (!is)
		return 1;
	autoclose int dir = copy_place_dir(&d->place, to, e);
	int r = dir < 0 ? dir : unpack(d, from, i->word, dir, e);
	if (r == 0 && i->kind == COPY_FILES && !is_entry(&d->plan->v[i->first], from))
		return changed(d, i->word, e);
	return r;
}

/* The directory and the name that a file goes to. */
static int find_target(struct doing *d, const char *to, bool slash, const char *name, int *ret_dir,
		       char **ret_name, struct err *e)
{
	autofree char *real = NULL;
	int r = copy_place_resolve(d->place.root, to, &real, e);

	if (r < 0)
		return r;
	autoclose int there =
		path_open_beneath(d->place.root, real[1] ? real + 1 : ".", O_PATH | O_DIRECTORY, 0);
	if (slash || there >= 0) {
		*ret_name = xstrdup(name);
		*ret_dir = copy_place_dir(&d->place, real, e);
		return *ret_dir < 0 ? *ret_dir : 0;
	}
	char *base = strrchr(real, '/');
	*ret_name = xstrdup(base + 1);
	*base = 0;
	*ret_dir = copy_place_dir(&d->place, *real ? real : "/", e);
	return *ret_dir < 0 ? *ret_dir : 0;
}

static int put_item(struct doing *d, const struct copy_item *i, const char *to, bool slash,
		    struct err *e)
{
	autofree char *name = NULL;
	autoclose int dir = -1;

	if (i->unpack) {
		int r = put_archive(d, i, to, e);
		if (r <= 0)
			return r;
	}
	if (i->kind == COPY_GIT || i->dir) {
		dir = copy_place_dir(&d->place, to, e);
		if (dir < 0)
			return dir;
		return i->kind == COPY_GIT ? put_tree(d, i->below, &i->below->items[0], dir, e)
					   : put_tree(d, d->plan, i, dir, e);
	}
	int r = find_target(d, to, slash, i->name, &dir, &name, e);
	return r < 0 ? r : put_one(d, i, dir, name, e);
}

/* Several files need a directory. */
static int check_target(const struct doing *d, const char *to, bool slash, struct err *e)
{
	autofree char *real = NULL;
	bool file = false;

	for (size_t k = 0; k < d->plan->nitems; k++)
		file = file || !d->plan->items[k].dir;
	if (slash || !file || d->plan->nitems < 2)
		return 0;
	int r = copy_place_resolve(d->place.root, to, &real, e);
	if (r < 0)
		return r;
	autoclose int there =
		path_open_beneath(d->place.root, real[1] ? real + 1 : ".", O_PATH | O_DIRECTORY, 0);
	if (there >= 0)
		return 0;
	err_fail(e, ERR_COPY_TO, "several files cannot be copied to %s, which is no directory",
		 d->job->to);
	return err_hint(e, "write %s/", d->job->to);
}

/* "user[:group]"; a number alone is the group's, too. */
static int find_owner(const struct copy_job *job, int root, struct copy_owner *ret, struct err *e)
{
	scoped(arena) a = {0};
	struct user u;

	if (!job->chown)
		return 0;
	int r = user_resolve(root, job->chown, &u, &a, e);
	if (r < 0)
		return job->link ? err_hint(e,
					    "with --link only numbers are known: the layer is made "
					    "without those below it")
				 : r;
	*ret = (struct copy_owner){true, u.uid, u.gid};
	if (job->chown[strspn(job->chown, "0123456789")] == 0)
		ret->gid = u.uid;
	return 0;
}

/* The sources of a stage or an image are only looked for here, where they can be seen. */
static int find_sources(const struct copy_job *job, int from_root, struct ignore *exclude,
			struct copy_plan *p, const struct copy_plan *texts, struct err *e)
{
	struct copy_find f = {.job = job, .plan = p, .root = from_root, .exclude = exclude};
	int r = 0;

	for (size_t i = 0; r == 0 && i < job->sources.n; i++)
		r = copy_find(&f, job->sources.v[i], e);
	for (size_t i = 0; r == 0 && i < texts->nitems; i++)
		*copy_add_item(p) = texts->items[i];
	return r;
}

static int do_items(struct doing *d, struct err *e)
{
	const char *to = d->job->to, *base = strrchr(to, '/');
	autofree char *full = xasprintf("%s/%s", *to == '/' ? "" : d->job->workdir ?: "", to);

	base = base ? base + 1 : to;
	bool slash = !*base || !strcmp(base, ".") || !strcmp(base, "..");
	int r = check_target(d, full, slash, e);
	for (size_t k = 0; r == 0 && k < d->plan->nitems; k++)
		r = put_item(d, &d->plan->items[k], full, slash, e);
	return r;
}

int copy_do(const struct copy_job *job, const struct copy_plan *p, enum u0_form form, int root,
	    int from_root, struct err *e)
{
	struct doing d = {
		.job = job,
		.plan = p,
		.place = {.root = root, .form = form, .time = {.tv_sec = (time_t)job->epoch}},
		.keep = !job->from.context && from_root >= 0,
	};
	struct copy_plan found = {0};
	struct ignore *exclude = NULL;
	int r = find_owner(job, root, &d.place.owner, e);

	umask(0);
	if (r == 0 && d.keep) {
		r = job->exclude.n ? ignore_new(&job->exclude, &exclude, e) : 0;
		if (r == 0)
			r = find_sources(job, from_root, exclude, &found, p, e);
		d.plan = &found;
	}
	d.levels = xcalloc(COPY_MAX_DEPTH + 2, sizeof *d.levels);
	if (r == 0)
		r = do_items(&d, e);
	free(d.levels);
	if (d.keep) { /* the texts are p's */
		free(found.items);
		free(found.v);
		arena_free(&found.arena);
	}
	ignore_free(exclude);
	return r;
}
