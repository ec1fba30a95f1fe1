/*
 * How it works: tmp/<x>/layer is made like the layer's own directory: meta is that of the layer, ids says the map, diff/ is a copy of diff/. The tree is walked with
 * descriptors. Files with several names are told by their inode. When all is there the directory takes its place by rename.
 */
#include <dirent.h>
#include <sys/xattr.h>

#include "base/base.h"
#include "base/task.h"
#include "state/tmp.h"
#include "store/layer_map.h"
#include "sys/file_copy.h"

enum { MAX_DEPTH = 400, MAX_XATTRS = 64 << 10 };

/* A file that has several names, and the first of them in the copy. */
struct linked {
	ino_t ino;
	char *path; /* NULL: an empty slot */
};

struct copying {
	const struct layer_map *m;
	char what[24]; /* "layer 0123456789ab" */
	int root;      /* of the copy */
	struct str path;
	struct linked *links; /* a hash table with cap slots, a power of two */
	size_t nlinks, cap;
};

static void copying_free(struct copying *c)
{
	for (size_t i = 0; i < c->cap; i++)
		free(c->links[i].path);
	free(c->links);
	str_free(&c->path);
}

static int failed(const struct copying *c, int r, const char *verb, struct err *e)
{
	return err_set(e, r, "%s /%.200s of %s for the container's ids", verb, str_cstr(&c->path),
		       c->what);
}

static struct linked *slot(struct linked *v, size_t cap, ino_t ino)
{
	size_t i = (size_t)(ino * 0x9e3779b97f4a7c15u) & (cap - 1);

	while (v[i].path && v[i].ino != ino)
		i = (i + 1) & (cap - 1);
	return &v[i];
}

static struct linked *find_link(struct copying *c, ino_t ino)
{
	if (c->nlinks * 2 >= c->cap) {
		size_t cap = c->cap ? c->cap * 2 : 64;
		struct linked *v = xcalloc(cap, sizeof *v);
		for (size_t i = 0; i < c->cap; i++)
			if (c->links[i].path)
				*slot(v, cap, c->links[i].ino) = c->links[i];
		free(c->links);
		c->links = v;
		c->cap = cap;
	}
	return slot(c->links, c->cap, ino);
}

/* ---- one entry */

/* user.* (the marks of overlayfs among them) and file capabilities: what layers have. */
static int copy_xattrs(int from, int to)
{
	char names[4096];
	ssize_t n = flistxattr(from, names, sizeof names);
	autofree char *value = n > 0 ? xmalloc(MAX_XATTRS) : NULL;

	for (ssize_t i = 0; i < n; i += (ssize_t)strlen(names + i) + 1) {
		const char *name = names + i;
		if (!str_starts(name, "user.") && strcmp(name, "security.capability"))
			continue;
		ssize_t len = fgetxattr(from, name, value, MAX_XATTRS);
		if (len < 0 || fsetxattr(to, name, value, (size_t)len, 0) < 0)
			return -errno;
	}
	return n < 0 && errno != ENOTSUP ? -errno : 0;
}

static int no_such_id(const struct copying *c, const struct stat *st, struct err *e)
{
	err_fail(e, ERR_ID_RANGE,
		 "/%.200s of the image belongs to %u:%u, which is outside of the ids that this "
		 "container has",
		 str_cstr(&c->path), st->st_uid, st->st_gid);
	return err_hint(e, "give it more ids: a larger size= of --userns, or a longer range");
}

/* Owner, mode, attributes and times of what was made; from and to are -1 for what cannot be opened. */
static int dress(struct copying *c, int dir, const char *name, const struct stat *st, int from,
		 int to, struct err *e)
{
	const struct timespec t[] = {st->st_atim, st->st_mtim};
	int64_t uid = idmap_out(&c->m->ids.uids, st->st_uid),
		gid = idmap_out(&c->m->ids.gids, st->st_gid);

	uid = uid < 0 ? c->m->nobody : uid;
	gid = gid < 0 ? c->m->nogroup : gid;
	if (uid < 0 || gid < 0)
		return no_such_id(c, st, e);
	if (fchownat(dir, name, (uid_t)uid, (gid_t)gid, AT_SYMLINK_NOFOLLOW) < 0)
		return failed(c, errno, "give away", e);
	if (!S_ISLNK(st->st_mode) && fchmodat(dir, name, st->st_mode & 07777, 0) < 0)
		return failed(c, errno, "set the mode of", e);
	int r = from < 0 ? 0 : copy_xattrs(from, to);
	if (r == 0 && utimensat(dir, name, t, AT_SYMLINK_NOFOLLOW) < 0)
		r = -errno;
	return r < 0 ? failed(c, r, "set the attributes of", e) : 0;
}

static int copy_file(struct copying *c, int dir, int to, const char *name, const struct stat *st,
		     struct err *e)
{
	autoclose int in = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (in < 0)
		return failed(c, errno, "read", e);
	autoclose int out =
		openat(to, name, O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW | O_CLOEXEC, 0600);
	int r = out < 0 ? -errno : st->st_size ? file_copy(in, out) : 0;
	return r < 0 ? failed(c, r, "copy", e) : dress(c, to, name, st, in, out, e);
}

static int copy_other(struct copying *c, int dir, int to, const char *name, const struct stat *st,
		      struct err *e)
{
	char target[PATH_MAX];
	ssize_t n = 0;

	if (S_ISLNK(st->st_mode)) {
		n = readlinkat(dir, name, target, sizeof target - 1);
		target[n > 0 ? n : 0] = 0;
		n = n < 0 ? n : symlinkat(target, to, name);
	} else {
		n = mknodat(to, name, st->st_mode & (S_IFMT | 0700), st->st_rdev);
	}
	return n < 0 ? failed(c, errno, "make", e) : dress(c, to, name, st, -1, -1, e);
}

static int copy_tree(struct copying *c, int from, int to, int depth, struct err *e);

static int copy_dir(struct copying *c, int dir, int to, const char *name, const struct stat *st,
		    int depth, struct err *e)
{
	enum { FLAGS = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC };
	autoclose int in = openat(dir, name, FLAGS);
	if (in < 0 || mkdirat(to, name, 0700) < 0)
		return failed(c, errno, "make", e);
	autoclose int out = openat(to, name, FLAGS);
	if (out < 0 || depth == MAX_DEPTH)
		return failed(c, out < 0 ? errno : ENAMETOOLONG, "make", e);
	int r = copy_tree(c, in, out, depth + 1, e);
	return r < 0 ? r : dress(c, to, name, st, in, out, e);
}

static int copy_entry(struct copying *c, int from, int to, const char *name, int depth,
		      struct err *e)
{
	struct linked *l = NULL;
	struct stat st;
	int r;

	if (fstatat(from, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return failed(c, errno, "look at", e);
	if (S_ISDIR(st.st_mode))
		return copy_dir(c, from, to, name, &st, depth, e);
	if (st.st_nlink > 1)
		l = find_link(c, st.st_ino);
	if (l && l->path)
		return linkat(c->root, l->path, to, name, 0) < 0 ? failed(c, errno, "link", e) : 0;
	r = S_ISREG(st.st_mode) ? copy_file(c, from, to, name, &st, e)
				: copy_other(c, from, to, name, &st, e);
	if (r == 0 && l) {
		*l = (struct linked){st.st_ino, xstrdup(str_cstr(&c->path))};
		c->nlinks++;
	}
	return r;
}

static int copy_tree(struct copying *c, int from, int to, int depth, struct err *e)
{
	int fd = openat(from, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), r = 0;
	DIR *d = fd < 0 ? NULL : fdopendir(fd);

	if (!d)
		return failed(c, errno, "read", e);
	for (struct dirent *de; r == 0 && (de = readdir(d));) {
		size_t end = c->path.len;
		if (!strcmp(de->d_name, ".") || !strcmp(de->d_name, ".."))
			continue;
		str_addf(&c->path, "%s%s", end ? "/" : "", de->d_name);
		r = copy_entry(c, from, to, de->d_name, depth, e);
		c->path.len = end;
		c->path.s[end] = 0;
	}
	closedir(d);
	return r;
}

/* ---- a layer */

static int copy_layer(const struct home *h, const struct layer_map *m, const struct digest *diffid,
		      int dir, struct err *e)
{
	enum { FLAGS = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC };
	struct copying c = {.m = m};
	struct stat st;

	snprintf(c.what, sizeof c.what, "layer %.12s", diffid->hex);
	autoclose int base = layer_open(h, diffid, m->ids.form, e);
	if (base < 0)
		return base;
	if (mkdirat(dir, "diff", 0700) < 0)
		return err_set(e, errno, "make a directory for %s", c.what);
	autoclose int from = openat(base, ".", FLAGS);
	c.root = openat(dir, "diff", FLAGS);
	int r = from < 0 || c.root < 0 || fstat(from, &st) < 0
			? err_set(e, errno, "open the directory of %s", c.what)
			: copy_tree(&c, from, c.root, 0, e);
	if (r == 0)
		r = dress(&c, dir, "diff", &st, from, c.root, e);
	fd_close(&c.root);
	copying_free(&c);
	return r;
}

static int write_files(const struct home *h, const struct layer_map *m, const struct digest *diffid,
		       int dir, struct err *e)
{
	scoped(arena) a = {0};
	scoped(str) ids = {0};
	struct layer_meta meta;
	int r = layer_meta_read(h, diffid, m->ids.form, &a, &meta, e);

	if (r < 0)
		return r;
	str_add(&ids, "uids ");
	idmap_text(&m->ids.uids, &ids);
	str_add(&ids, "\ngids ");
	idmap_text(&m->ids.gids, &ids);
	str_addc(&ids, '\n');
	r = layer_meta_write(dir, &meta);
	if (r == 0)
		r = fd_write_file_at(dir, "ids", ids.s, ids.len, 0644);
	if (r == 0)
		r = fd_write_file_at(dir, "unsynced", h->boot_id, strlen(h->boot_id), 0644);
	if (r == 0 && meta.opaque_root)
		r = fd_write_file_at(dir, "opaque", "", 0, 0644);
	return r < 0 ? err_set(e, r, "write the description of a layer") : 0;
}

static int make_one(const struct home *h, const struct layer_map *m, const struct digest *diffid,
		    struct err *e)
{
	struct home_tmp t = {.fd = -1};
	bool existed;
	autoclose int lock = layer_lock(h, diffid, m->ids.form, NULL, e);

	if (lock < 0 || layer_exists_as(h, diffid, m->form))
		return lock < 0 ? lock : 0;
	int r = home_tmp_make(h, NULL, &t, e);
	if (r < 0)
		return r;
	if (mkdirat(t.fd, "layer", 0755) < 0)
		r = err_set(e, errno, "make a directory in %s", t.name);
	autoclose int dir = r < 0 ? -1 : openat(t.fd, "layer", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (r == 0 && dir < 0)
		r = err_set(e, errno, "open a directory in %s", t.name);
	if (r == 0)
		r = copy_layer(h, m, diffid, dir, e);
	if (r == 0)
		r = write_files(h, m, diffid, dir, e);
	if (r == 0)
		r = layer_place(h, t.fd, diffid, m->form, &existed, e);
	home_tmp_drop(h, &t);
	return r;
}

/* ---- all of them */

void layer_map_init(struct layer_map *m, const struct u0_map *u0, const struct id_map *uids,
		    const struct id_map *gids)
{
	enum u0_form base = u0->form;

	*m = (struct layer_map){.ids = {base, *uids, *gids},
				.nobody = idmap_unused(uids, &u0->uids),
				.nogroup = idmap_unused(gids, &u0->gids)};
	if (idmap_is_plain(uids) && idmap_is_plain(gids))
		snprintf(m->form, sizeof m->form, "%s", u0_form_name(base));
	else
		snprintf(m->form, sizeof m->form, "%s-%016" PRIx64, u0_form_name(base),
			 idmap_key(uids, gids));
}

bool layer_map_is_form(const char *form)
{
	const char *dash = strchr(form, '-');

	if (!dash || strspn(dash + 1, "0123456789abcdef") != 16 || dash[17])
		return false;
	for (enum u0_form f = FORM_SUB; f <= FORM_ROOT; f++)
		if (strlen(u0_form_name(f)) == (size_t)(dash - form) &&
		    str_starts(form, u0_form_name(f)))
			return true;
	return false;
}

static int make_missing(const struct home *h, const struct layer_map *m, const struct strs *diffids,
			struct err *e)
{
	int r = 0;

	umask(0);
	for (size_t i = 0; i < diffids->n && r == 0; i++) {
		struct digest d;
		r = digest_parse(diffids->v[i], &d, e);
		if (r == 0 && !layer_exists_as(h, &d, m->form))
			r = make_one(h, m, &d, e);
	}
	return r < 0 ? r : layers_sync(h, e);
}

struct making {
	const struct home *h;
	const struct layer_map *map;
	const struct strs *diffids;
};

static int make_in_child(void *arg, struct err *e)
{
	const struct making *m = arg;

	return make_missing(m->h, m->map, m->diffids, e);
}

static bool all_there(const struct home *h, const struct layer_map *m, const struct strs *diffids)
{
	for (size_t i = 0; i < diffids->n; i++) {
		struct digest d;
		if (digest_parse(diffids->v[i], &d, NULL) == 0 && !layer_exists_as(h, &d, m->form))
			return false;
	}
	return true;
}

int layer_map_make(const struct home *h, const struct layer_map *m, const struct strs *diffids,
		   struct err *e)
{
	struct making making = {h, m, diffids};

	if (!layer_map_is_form(m->form) || all_there(h, m, diffids))
		return 0;
	/* The caller is the supervisor, which stays small. */
	return task_run(make_in_child, &making,
			"the process that made layers for the container's ids died", e);
}
