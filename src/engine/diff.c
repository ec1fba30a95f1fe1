/*
 * How it works: one child inside U0 walks the new tree, with descriptors and never through a link, and at each step has the directory of the same
 * path in the old tree open, or none. It writes one record a change into a nameless file, which the parent reads.
 *
 * An upper directory, or a layer, is walked as it lies on disk: whiteouts are deletions, an opaque directory has deleted all that it does not have.
 * A whole tree is walked as an overlay shows it; each of its directories has deleted what it does not have. A container that has a copy of its
 * image instead of an overlay (store/copied.h) is such a tree, too.
 */
#include <dirent.h>
#include <sys/mman.h>

#include "base/base.h"
#include "engine/diff.h"
#include "store/copied.h"
#include "sys/overlay_marks.h"

enum { MAX_DEPTH = 400, MAX_BYTES = 1 << 30 /* of records */ };

struct diffing {
	const char *what;
	bool whole;  /* both trees are compared as they are */
	bool copied; /* the new one is a container's copy of the old one, made then */
	struct timespec when;
	bool container;			/* one of them is a container's */
	const struct mapped *now, *old; /* whose ids their files have */
	struct str path;
	struct str buf; /* records: kind, path, 0 */
};

static void diffing_free(struct diffing *d)
{
	str_free(&d->path);
	str_free(&d->buf);
}

static int failed(const struct diffing *d, int r, const char *verb, struct err *e)
{
	return err_set(e, r, "%s /%.200s of %s", verb, str_cstr(&d->path), d->what);
}

/* What hoy, like podman, makes in each container and nobody wants to hear of. */
static bool is_ours(const char *path)
{
	static const char *const ours[] = {
		"dev",	"etc/hostname", "etc/hosts",	     "etc/mtab",    "etc/resolv.conf",
		"proc", "run",		"run/.containerenv", "run/secrets", "sys"};

	for (size_t i = 0; i < countof(ours); i++)
		if (!strcmp(path, ours[i]))
			return true;
	return false;
}

static void add(struct diffing *d, char kind)
{
	if (d->container && is_ours(str_cstr(&d->path)))
		return;
	str_addc(&d->buf, kind);
	str_addc(&d->buf, '/');
	str_add(&d->buf, str_cstr(&d->path));
	str_addc(&d->buf, 0);
}

static int read_names(struct diffing *d, int dir, struct strv *ret, struct err *e)
{
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dp = fd < 0 ? NULL : fdopendir(fd);

	if (!dp)
		return failed(d, errno, "read", e);
	errno = 0;
	for (struct dirent *de; (de = readdir(dp)); errno = 0)
		if (strcmp(de->d_name, ".") && strcmp(de->d_name, ".."))
			strv_add(ret, de->d_name);
	int r = errno == ENOENT ? 0 : -errno; /* removed meanwhile */
	closedir(dp);
	if (r < 0)
		return failed(d, r, "read", e);
	strv_sort(ret);
	return 0;
}

/* Has an entry that is there in both trees changed? One that lies in an upper directory was written to, or copied up to be. */
static bool differs(const struct diffing *d, const struct stat *a, const struct stat *b)
{
	if ((a->st_mode ^ b->st_mode) || !mapped_same_owner(d->now, a, d->old, b))
		return true;
	if (S_ISDIR(a->st_mode))
		return false;
	if (!d->whole)
		return true;
	return a->st_size != b->st_size || a->st_rdev != b->st_rdev ||
	       a->st_mtim.tv_sec != b->st_mtim.tv_sec || a->st_mtim.tv_nsec != b->st_mtim.tv_nsec;
}

static size_t enter_name(struct diffing *d, const char *name)
{
	size_t end = d->path.len;

	if (end)
		str_addc(&d->path, '/');
	str_add(&d->path, name);
	return end;
}

static void leave_name(struct diffing *d, size_t end)
{
	d->path.len = end;
	if (d->path.s)
		d->path.s[end] = 0;
}

static int walk(struct diffing *d, int now, int old, int depth, struct err *e);

static bool same_owner(int a, int b)
{
	struct owner_kept x = {0}, y = {0};

	owner_kept_read(a, &x);
	owner_kept_read(b, &y);
	return x.uid == y.uid && x.gid == y.gid && x.mode == y.mode;
}

static int walk_into(struct diffing *d, int now, int old, const char *name, int depth,
		     bool *changed, struct err *e)
{
	enum { FLAGS = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC };
	autoclose int fd = openat(now, name, FLAGS);
	autoclose int was = fd < 0 || old < 0 ? -1 : openat(old, name, FLAGS);

	if (fd < 0) /* gone or exchanged while we look: it will be seen next time */
		return errno == ENOENT || errno == ENOTDIR || errno == ELOOP
			       ? 0
			       : failed(d, errno, "read", e);
	if (depth == MAX_DEPTH)
		return failed(d, ENAMETOOLONG, "read", e);
	if (was >= 0 && !same_owner(fd, was))
		*changed = true;
	return walk(d, fd, was, depth + 1, e);
}

static int walk_entry(struct diffing *d, int now, int old, const char *name, int depth,
		      struct err *e)
{
	struct stat st, was;
	bool before = old >= 0 && fstatat(old, name, &was, AT_SYMLINK_NOFOLLOW) == 0;

	if (fstatat(now, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : failed(d, errno, "look at", e);
	if (!d->whole && overlay_is_whiteout(now, name, &st)) {
		if (before)
			add(d, 'D');
		return 0;
	}
	size_t begun = d->buf.len;
	bool changed = !before || (d->copied && !S_ISDIR(st.st_mode)
					   ? !copied_unchanged(now, old, name, &st, &was, d->when)
					   : differs(d, &st, &was));
	add(d, before ? 'C' : 'A');
	size_t inside = d->buf.len;
	int r = S_ISDIR(st.st_mode) ? walk_into(d, now, old, name, depth, &changed, e) : 0;
	if (!changed && d->buf.len == inside)
		d->buf.len = begun;
	return r;
}

static int walk(struct diffing *d, int now, int old, int depth, struct err *e)
{
	scoped(strv) names = {0};
	scoped(strv) before = {0};
	size_t i = 0, k = 0;
	int r = read_names(d, now, &names, e);

	if (r == 0 && old >= 0 && (d->whole || overlay_is_opaque(now)))
		r = read_names(d, old, &before, e);
	while (r == 0 && (i < names.n || k < before.n)) {
		int c = i == names.n ? 1 : k == before.n ? -1 : strcmp(names.v[i], before.v[k]);
		size_t end = enter_name(d, c > 0 ? before.v[k] : names.v[i]);
		if (c > 0)
			add(d, 'D');
		else
			r = walk_entry(d, now, old, names.v[i], depth, e);
		leave_name(d, end);
		i += c <= 0;
		k += c >= 0;
	}
	return r;
}

struct diff_job {
	const struct home *h;
	struct tree *t, *other;
	int out;
};

/* The old tree is other, or the layers below the upper directory or below the topmost layer. */
static int open_old(const struct home *h, const struct diff_job *j, struct view *ret, struct err *e)
{
	const struct tree *t = j->t;

	if (j->other)
		return tree_view(h, j->other, ret, e);
	return view_open(h, t->form, &t->layers, t->layers.n - (!t->upper && t->layers.n), NULL,
			 ret, e);
}

static int open_now(const struct home *h, const struct diff_job *j, struct view *ret, struct err *e)
{
	const struct tree *t = j->t;
	const struct strs top = {t->layers.n ? t->layers.v + t->layers.n - 1 : NULL, 1};
	struct digest d;

	if (j->other || (!t->upper && !t->layers.n))
		return tree_view(h, t, ret, e);
	*ret = VIEW_NONE;
	if (t->upper)
		return view_open(h, t->form, &t->layers, 0, t->upper, ret, e);
	int r = digest_parse(top.v[0], &d, e);
	autoclose int fd = r < 0 ? r : layer_open_as(h, &d, t->form, e);
	if (fd < 0)
		return fd;
	ret->root = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return ret->root < 0 ? err_set(e, errno, "open the topmost layer of %s", t->what) : 0;
}

static int diff_inside(const struct u0_map *map, void *arg, struct err *e)
{
	const struct diff_job *j = arg;
	scoped(diffing) d = {.what = j->t->what,
			     .whole = j->other || j->t->copied,
			     .copied = !j->other && j->t->copied,
			     .container = j->t->upper || (j->other && j->other->upper),
			     .now = &j->t->mapped,
			     .old = j->other ? &j->other->mapped : &j->t->mapped};
	scoped(view) now = VIEW_NONE;
	scoped(view) old = VIEW_NONE;
	struct home h;
	int r = tree_prepare(j->h, map, j->t, e);

	if (d.copied)
		d.when = copied_when(j->t->ct.dir);
	if (r == 0 && j->other)
		r = tree_prepare(j->h, map, j->other, e);
	if (r == 0)
		r = view_enter(j->h, &h, e);
	if (r == 0)
		r = open_now(&h, j, &now, e);
	if (r == 0)
		r = open_old(&h, j, &old, e);
	if (r == 0)
		r = walk(&d, now.root, old.root, 0, e);
	if (r == 0 && d.buf.len) {
		r = fd_write_all(j->out, d.buf.s, d.buf.len);
		if (r < 0)
			err_set(e, r, "write down what differs");
	}
	return r;
}

int tree_diff(const struct home *h, struct tree *t, struct tree *other, struct arena *a,
	      struct diff_result *ret, struct err *e)
{
	autoclose int out = memfd_create("diff", MFD_CLOEXEC);
	struct diff_job j = {h, t, other, out};
	scoped(str) text = {0};

	*ret = (struct diff_result){0};
	if (out < 0)
		return err_set(e, errno, "share memory");
	int r = u0_run(h, diff_inside, &j, e);
	if (r < 0)
		return tree_explain(h, t, r, e);
	if (lseek(out, 0, SEEK_SET) < 0)
		return err_set(e, errno, "read what differs");
	r = fd_read_all(out, &text, MAX_BYTES);
	if (r < 0)
		return err_set(e, r, "read what differs");
	for (size_t at = 0; at < text.len; at += strlen(text.s + at) + 1) {
		struct diff_change *c = bind_append(a, &ret->changes, sizeof *c);
		*c = (struct diff_change){text.s[at], arena_strdup(a, text.s + at + 1)};
	}
	return 0;
}
