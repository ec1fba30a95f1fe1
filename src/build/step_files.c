/*
 * Steps that only write files. A child enters U0, mounts in namespaces of its own, writes and adopts; when it ends, however that happens, the mounts are gone, and what
 * lies below tmp/ is garbage for the next sweep. The result lies in memory that the coordinator shared, so nothing has to be handed back.
 */
#include <sys/mman.h>
#include <sys/mount.h>

#include "base/base.h"
#include "build/step_impl.h"
#include "runtime/user.h"
#include "store/adopt.h"
#include "store/copied.h"
#include "store/layer_form.h"
#include "store/layer_stack.h"
#include "store/pack.h"
#include "sys/overlay.h"
#include "sys/overlay_marks.h"

int step_in_u0(const struct home *h, int (*fn)(const struct u0_map *map, void *arg, struct err *e),
	       void *arg, struct step_result **shared, struct step_result *ret, struct err *e)
{
	*shared = mmap(NULL, sizeof **shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		       -1, 0);
	if (*shared == MAP_FAILED)
		return err_set(e, errno, "share memory");
	**shared = *ret;
	int r = u0_run(h, fn, arg, e);
	*ret = **shared;
	munmap(*shared, sizeof **shared);
	return r;
}

struct writing {
	const struct step_base *b;
	const char *what;
	int (*fn)(const struct step_place *p, void *arg, struct err *e);
	void *arg;
	struct step_result *ret;
};

/* The directories, and the time from which on what is written counts as new: by the clock of the file system. */
static int make_dirs(const struct home_tmp *t, struct timespec *ret_since, struct err *e)
{
	struct stat st;

	if (mkdirat(t->fd, "work", 0700) < 0 || mkdirat(t->fd, "at", 0755) < 0 ||
	    mkdirat(t->fd, "upper", 0755) < 0 || fstatat(t->fd, "upper", &st, 0) < 0)
		return err_set(e, errno, "make directories in %s", t->name);
	*ret_since = st.st_mtim;
	return 0;
}

static int open_at(int dir, const char *name, struct err *e)
{
	int fd = openat(dir, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 ? err_set(e, errno, "open %s", name) : fd;
}

/* tmp is t->fd as the present mounts have it. *ret_mnt holds the mount. */
static int mount_root(const struct writing *w, const struct step_place *p, int tmp, int *ret_mnt,
		      struct err *e)
{
	scoped(layer_stack) stack = {0};
	bool attached;
	char path[40];
	int r = layer_stack_open(p->seen, u0_form_name(p->map->form), w->b->layers, w->b->layers->n,
				 &stack, e);
	autoclose int upper = r < 0 ? r : open_at(tmp, "upper", e);
	autoclose int work = upper < 0 ? upper : open_at(tmp, "work", e);

	if (work < 0)
		return work;
	struct overlay o = {stack.fd, stack.n, upper, work, true, tmp, "at", NULL};
	int mnt = overlay_mount(&o, &attached, e);
	if (mnt < 0)
		return mnt;
	snprintf(path, sizeof path, "/proc/self/fd/%d", mnt);
	if (attached)
		umount2(path, MNT_DETACH); /* it stays as long as it is open */
	*ret_mnt = mnt;
	return open_at(mnt, ".", e);
}

/* The root of the image as it is to be: an overlay, without layers the upper directory, without overlays a copy. */
static int open_root(const struct writing *w, const struct step_place *p, const struct home_tmp *t,
		     int *ret_mnt, struct err *e)
{
	autoclose int tmp = open_at(p->seen->fd, t->name, e);

	if (tmp < 0)
		return tmp;
	if (!w->b->layers->n)
		return open_at(tmp, "upper", e);
	int fd = mount_root(w, p, tmp, ret_mnt, e);
	if (fd >= 0 || e->id != ERR_NO_OVERLAY)
		return fd;
	*e = (struct err){0};
	int r = copied_make(w->b->h, u0_form_name(p->map->form), w->b->layers, t->fd, e);
	return r < 0 ? r : open_at(tmp, COPIED_ROOT, e);
}

static int write_and_adopt(const struct writing *w, struct step_place *p, const struct home_tmp *t,
			   struct err *e)
{
	static const struct strs none;
	struct adopt_job j = {.dir = t->name,
			      .below = w->b->layers,
			      .epoch = w->b->epoch,
			      .all = w->b->all_times,
			      .leave = &none,
			      .what = w->what};
	int mnt = -1;
	int r = make_dirs(t, &j.since, e);

	if (r < 0)
		return r;
	p->root = open_root(w, p, t, &mnt, e);
	r = p->root < 0 ? p->root : w->fn(p, w->arg, e);
	fd_close(&p->root);
	fd_close(&mnt);
	return r < 0 ? r : layer_adopt(w->b->h, p->map, &j, &w->ret->layer, &w->ret->empty, e);
}

static int write_inside(const struct u0_map *map, void *arg, struct err *e)
{
	const struct writing *w = arg;
	struct step_place p = {.base = w->b, .map = map};
	struct home seen = {.fd = -1};
	struct home_tmp t;
	struct err own = {0};

	umask(0);
	int r = layer_forms_make(w->b->h, map, w->b->layers, &own);
	if (r == 0)
		r = home_tmp_make(w->b->h, NULL, &t, &own);
	if (r < 0) {
		*e = own;
		return r;
	}
	r = view_enter(w->b->h, &seen, &own);
	p.seen = &seen;
	if (r == 0)
		r = write_and_adopt(w, &p, &t, &own);
	fd_close(&seen.fd);
	home_tmp_drop(w->b->h, &t);
	*e = own;
	return r;
}

int step_write(const struct step_base *b, const char *what,
	       int (*fn)(const struct step_place *p, void *arg, struct err *e), void *arg,
	       struct step_result *ret, struct err *e)
{
	struct writing w = {b, what, fn, arg, NULL};

	*ret = (struct step_result){0};
	return step_in_u0(b->h, write_inside, &w, &w.ret, ret, e);
}

/* ---- WORKDIR */

struct workdir {
	const char *path;
	const char *user;
};

static int give(const struct step_place *p, int dir, const struct user *u)
{
	if (!u->uid && !u->gid)
		return 0;
	if (p->map->form == FORM_ONE)
		return owner_kept_write(dir, u->uid, u->gid);
	return fchown(dir, u->uid, u->gid) < 0 ? -errno : 0;
}

/* One part of the path below a directory that is there; at names both. */
static int make_part(const struct step_place *p, const char *parent, const char *name,
		     const struct user *u)
{
	autoclose int at = path_open_in_root(p->root, parent, O_PATH | O_DIRECTORY, 0);

	if (at < 0)
		return at;
	if (mkdirat(at, name, 0755) < 0)
		return -errno;
	autoclose int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? -errno : give(p, fd, u);
}

static int make_workdir(const struct step_place *p, void *arg, struct err *e)
{
	const struct workdir *w = arg;
	autofree char *path = path_clean(w->path);
	scoped(arena) a = {0};
	struct user u;
	bool known = false;
	int r = 0;

	for (char *s = path; r == 0 && *s;) {
		char *end = strchrnul(s + 1, '/'), was = *end;
		*end = 0;
		int fd = path_open_in_root(p->root, path, O_PATH | O_DIRECTORY, 0);
		if (fd >= 0)
			close(fd);
		else if (fd == -ENOENT) {
			if (!known && user_resolve(p->root, w->user, &u, &a, e) < 0)
				return -e->code;
			known = true;
			*s = 0;
			r = make_part(p, *path ? path : "/", s + 1, &u);
			*s = '/';
		} else {
			r = fd;
		}
		if (r < 0)
			err_set(e, r, "WORKDIR %.200s: make %.200s in the image", w->path, path);
		*end = was;
		s = end;
	}
	if (r == -ENOTDIR)
		return err_hint(e, "a file of the image, or a link to one, has the name of a "
				   "directory of this path");
	return r == -EEXIST ? err_hint(e, "a link of the image leads to nothing there") : r;
}

int step_workdir(const struct step_base *b, const char *path, struct step_result *ret,
		 struct err *e)
{
	struct workdir w = {path, b->doc ? b->doc->config.user : NULL};

	return step_write(b, "the working directory", make_workdir, &w, ret, e);
}

/* ---- one layer of several */

struct squash {
	const struct step_base *b;
	size_t first;
	struct step_result *ret;
};

/* All layers are shown, and what they show is compared with the layers that stay. Files are the same if they lie at the same place in the store. */
static int squash_inside(const struct u0_map *map, void *arg, struct err *e)
{
	static const struct strs none;
	const struct squash *s = arg;
	const char *form = u0_form_name(map->form);
	struct layer_job job = {
		.what = "the squashed layers", .blob_size = -1, .limits = {.max_bytes = INT64_MAX}};
	const struct pack_build build = {
		.epoch = s->b->all_times ? s->b->epoch : -1, .all = true, .leave = &none};
	struct home seen;
	struct view now = VIEW_NONE, below = VIEW_NONE;
	int r = layer_forms_make(s->b->h, map, s->b->layers, e);

	if (r == 0)
		r = view_enter(s->b->h, &seen, e);
	if (r == 0)
		r = view_open(&seen, form, s->b->layers, s->b->layers->n, NULL, &now, e);
	if (r == 0)
		r = view_open(&seen, form, s->b->layers, s->first, NULL, &below, e);
	if (r == 0) {
		struct pack *p = pack_open(s->b->h, now.root, job.what);
		if (s->first)
			pack_as_views(p, below.root);
		else
			pack_without_root(p);
		pack_as_built(p, &build);
		if (map->form == FORM_ONE)
			pack_kept_owners(p);
		job.source = pack_source(p);
		r = layer_add(s->b->h, map, &job, &s->ret->layer, e);
		s->ret->empty = r == 0 && !pack_stats(p).entries;
		pack_close(p);
	}
	view_free(&now);
	view_free(&below);
	if (r == 0 && s->ret->empty)
		s->ret->layer = (struct layer_info){0};
	return r;
}

int step_squash(const struct step_base *b, size_t first, struct step_result *ret, struct err *e)
{
	struct squash s = {b, first, NULL};

	*ret = (struct step_result){0};
	return step_in_u0(b->h, squash_inside, &s, &s.ret, ret, e);
}

/* ---- the namespace */

int step_hold(const struct u0_map *map, void *arg, struct err *e)
{
	for (;;)
		pause();
}
