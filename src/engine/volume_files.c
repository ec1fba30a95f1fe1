#include <signal.h>
#include <sys/mount.h>

#include "base/base.h"
#include "engine/mounted.h"
#include "engine/target.h"
#include "engine/volume_files.h"
#include "state/u0.h"
#include "store/pack.h"
#include "store/unpack.h"
#include "sys/mounts.h"
#include "volume/local.h"

struct work {
	const struct home *h;
	const struct volume *v;
	const char *dir; /* of its files: absolute */
	int fd;		 /* the tar */
	const char *what;
};

static int find(const struct home *h, const char *text, struct volume *v, struct local *l,
		struct arena *a, struct err *e)
{
	int r = volume_find(h, text, v, a, e);

	if (r < 0 || !strcmp(v->driver, VOLUME_LOCAL))
		return r < 0 ? r : local_parse(&v->options, l, a, e);
	err_fail(e, ERR_VOLUME_OPTION, "the files of the volume %s are with its driver, %.40s",
		 v->name, v->driver);
	return err_hint(e, "a container sees them: hoy run --rm -v %s:/v IMAGE tar -c -C /v .",
			v->name);
}

static const char *directory(const struct home *h, const struct volume *v, const struct local *l,
			     struct arena *a)
{
	return l->kind == LOCAL_BIND ? l->device
				     : arena_printf(a, "%s/%s", h->path, volume_data(v->name, a));
}

static int find_files(const struct home *h, const char *text, struct volume *v, struct arena *a,
		      const char **ret, struct err *e)
{
	struct local l;
	int r = find(h, text, v, &l, a, e);

	if (r < 0)
		return r;
	*ret = directory(h, v, &l, a);
	if (l.kind != LOCAL_TMPFS)
		return 0;
	err_fail(e, ERR_VOLUME_OPTION, "the volume %s is in memory, of each container that has it",
		 v->name);
	return err_hint(e, "hoy cp copies files out of a running container and into it");
}

static int open_files(const struct work *w, struct err *e)
{
	int fd = open(w->dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 ? err_set(e, errno, "open the volume %s", w->v->name) : fd;
}

/* ---- export */

static int export_inside(const struct u0_map *map, void *arg, struct err *e)
{
	enum { PIECE = 256 << 10 };
	const struct work *w = arg;
	autofree char *buf = xcalloc(1, PIECE);
	autoclose int dir = open_files(w, e);

	signal(SIGPIPE, SIG_IGN); /* an error like any other */
	if (dir < 0)
		return dir;
	struct pack *p = pack_open(NULL, dir, w->v->name);
	if (map->form == FORM_ONE)
		pack_kept_owners(p);
	struct source src = pack_source(p);
	int r = 0;
	for (;;) {
		ssize_t n = src.read(src.arg, buf, PIECE, e);
		r = n < 0 ? (int)n : 0;
		if (n <= 0)
			break;
		r = fd_write_all(w->fd, buf, (size_t)n);
		if (r < 0) {
			err_set(e, r, "write %s", w->what);
			break;
		}
	}
	pack_close(p);
	return r;
}

int volume_export(const struct home *h, const char *text, const char *output, struct err *e)
{
	scoped(arena) a = {0};
	struct target to;
	struct volume v;
	struct work w = {h, &v, NULL, -1, NULL};
	int r = find_files(h, text, &v, &a, &w.dir, e);

	if (r < 0)
		return r;
	r = target_open(&to, output, "hoy volume export VOLUME > FILE", e);
	w.fd = to.fd;
	w.what = to.what;
	if (r == 0)
		r = u0_run(h, export_inside, &w, e);
	if (r == 0)
		r = target_finish(&to, e);
	target_free(&to);
	if (r == 0)
		volume_tell(h, "export", v.name, v.driver);
	return r;
}

/* ---- import */

static int unpack_into(const struct work *w, int dir, const struct u0_map *map, struct err *e)
{
	static const struct unpack_plain how = {.owner = UNPACK_AS_ARCHIVED, .overwrite = true};
	struct unpack_limits lim = {.max_bytes = UINT64_MAX >> 1, .max_entries = UINT64_MAX >> 1};
	struct source_fd from = {w->fd, w->what, -1, UINT64_MAX};
	struct source src = source_from_fd(&from);
	struct inflate *z;
	struct unpack *u;
	int r = inflate_open(&z, &src, w->what, e);

	if (r < 0)
		return r;
	r = unpack_open(&u, dir, -1, map, &lim, w->what, e);
	if (r == 0) {
		unpack_as_plain(u, &how);
		for (;;) {
			const void *p;
			size_t n;
			r = inflate_next(z, &p, &n, e);
			if (r < 0 || !n)
				break;
			r = unpack_feed(u, p, n, e);
			if (r < 0)
				break;
		}
		if (r == 0)
			r = unpack_finish(u, NULL, e);
		unpack_close(u);
	}
	inflate_close(z);
	return r;
}

static int import_inside(const struct u0_map *map, void *arg, struct err *e)
{
	const struct work *w = arg;
	char mark[VOLUME_NAME_MAX + 20];
	autoclose int dir = open_files(w, e);

	umask(0);
	int r = dir < 0 ? dir : unpack_into(w, dir, map, e);
	/* It is its user's from now on: nothing of an image is copied into it. */
	snprintf(mark, sizeof mark, "volumes/%s/copy", w->v->name);
	if (r == 0)
		unlinkat(w->h->fd, mark, 0);
	return r;
}

int volume_import(const struct home *h, const char *text, const char *input, struct err *e)
{
	scoped(arena) a = {0};
	struct volume v;
	struct work w = {h, &v, NULL, -1, input ? input : "standard input"};
	int r = find_files(h, text, &v, &a, &w.dir, e);

	if (r < 0)
		return r;
	if (!input && isatty(0)) {
		err_fail(e, ERR_USAGE, "standard input is a terminal, not a tar");
		return err_hint(e, "hoy volume import VOLUME FILE, or FILE <");
	}
	autoclose int fd = input ? open(input, O_RDONLY | O_CLOEXEC) : fcntl(0, F_DUPFD_CLOEXEC, 3);
	if (fd < 0)
		return err_set(e, errno, "open %s", w.what);
	w.fd = fd;
	r = u0_run(h, import_inside, &w, e);
	if (r == 0)
		volume_tell(h, "import", v.name, v.driver);
	return r;
}

/* ---- mount */

static int find_inside(const struct home *h, const char *text, struct volume *v, struct local *l,
		       struct arena *a, struct err *e)
{
	struct u0_map map;

	if (u0_inside(&map))
		return find(h, text, v, l, a, e);
	err_fail(e, ERR_NOT_UNSHARED, "volumes can be mounted only inside of `hoy unshare`");
	return err_hint(e, "start a shell there: hoy unshare; then: cd $(hoy volume mount VOLUME)");
}

static int make_mount(const struct home *h, const struct volume *v, const struct local *l,
		      struct arena *a, struct err *e)
{
	const char *opts[16] = {NULL};
	size_t n = 0;
	bool bind = l->kind == LOCAL_BIND;

	for (size_t i = 0; i < l->options.n && n + 1 < countof(opts); i++)
		if (strchr(l->options.v[i], '='))
			opts[n++] = l->options.v[i];
	autoclose int mnt = bind ? mount_clone(AT_FDCWD, l->device, true)
				 : mount_new("tmpfs", opts, MOUNT_NOSUID | MOUNT_NODEV, e);
	if (mnt < 0)
		return bind ? err_set(e, mnt, "mount %s", l->device) : mnt;
	autoclose int at = openat(h->fd, volume_data(v->name, a),
				  O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	int r = at < 0 ? -errno : mount_attach(mnt, at);
	if (r == 0 && strs_has(&l->options, "ro"))
		r = mount_attr(mnt, MOUNT_RO, 0, false);
	return r < 0 ? err_set(e, r, "mount the volume %s", v->name) : 0;
}

int volume_mount(const struct home *h, const char *text, const char **ret, struct arena *a,
		 struct err *e)
{
	struct volume v;
	struct local l;
	int r = find_inside(h, text, &v, &l, a, e);

	if (r < 0)
		return r;
	*ret = arena_printf(a, "%s/%s", h->path, volume_data(v.name, a));
	if (l.kind == LOCAL_DATA || mounted_at(h->fd, volume_data(v.name, a)))
		return 0;
	r = make_mount(h, &v, &l, a, e);
	if (r == 0)
		volume_tell(h, "mount", v.name, v.driver);
	return r;
}

int volume_unmount(const struct home *h, const char *text, struct arena *a, struct err *e)
{
	struct volume v;
	struct local l;
	int r = find_inside(h, text, &v, &l, a, e);

	if (r < 0 || l.kind == LOCAL_DATA)
		return r;
	const char *path = arena_printf(a, "%s/%s", h->path, volume_data(v.name, a));
	if (!mounted_at(h->fd, volume_data(v.name, a))) {
		err_fail(e, ERR_NOT_MOUNTED, "the volume %s is not mounted here", v.name);
		return err_hint(e, "hoy volume mount %s mounts it, in this unshare", v.name);
	}
	if (umount2(path, UMOUNT_NOFOLLOW) < 0)
		return err_set(e, errno, "unmount %s", path);
	volume_tell(h, "unmount", v.name, v.driver);
	return 0;
}
