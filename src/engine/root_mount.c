#include <sys/stat.h>

#include "base/base.h"
#include "engine/root_mount.h"
#include "engine/mounted.h"
#include "engine/tree.h"
#include "state/tell.h"
#include "sys/mounts.h"

/* A container without layers, or with a copy of them: all its files are in one directory. */
static int mount_directory(const struct home *h, const char *path, int dir, const char *name,
			   struct err *e)
{
	autoclose int mnt = mount_clone(h->fd, path, false);
	autoclose int target = openat(dir, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	int r = mnt < 0 ? mnt : target < 0 ? -errno : mount_attr(mnt, MOUNT_RO, 0, false);

	if (r == 0)
		r = mount_attach(mnt, target);
	return r < 0 ? err_set(e, r, "mount the container's files") : 0;
}

static int mount_stopped(const struct home *h, const struct u0_map *map, struct tree *t,
			 struct err *e)
{
	const char *name = t->ct.id;
	int r = tree_prepare(h, map, t, e);
	autoclose int dir = r < 0 ? r : mounted_dir(h, e);

	if (dir < 0)
		return dir;
	if (mounted_at(dir, name))
		return 0;
	if (mkdirat(dir, name, 0700) < 0 && errno != EEXIST)
		return err_set(e, errno, "make %s/mounts/%s", h->path, name);
	if (t->copied || !t->layers.n)
		r = mount_directory(h, t->upper, dir, name, e);
	else
		r = view_mount(h, t->form, &t->layers, t->upper, dir, name, MOUNTED_EMPTY, e);
	if (r < 0)
		unlinkat(dir, name, AT_REMOVEDIR);
	return r;
}

static const char *path_of(const struct home *h, const struct container *ct, struct arena *a)
{
	return ct->status == CONTAINER_RUNNING
		       ? arena_printf(a, "/proc/%" PRId64 "/root", ct->state.pid)
		       : arena_printf(a, "%s/mounts/%s", h->path, ct->id);
}

static void fill(const struct home *h, const struct container *ct, struct arena *a,
		 struct mounted_container *ret)
{
	ret->id = arena_strdup(a, ct->id);
	ret->name = arena_strdup(a, ct->state.name);
	ret->path = path_of(h, ct, a);
}

int container_mount(const struct home *h, const char *text, struct arena *a,
		    struct mounted_container *ret, struct err *e)
{
	scoped(tree) t = TREE_NONE;
	struct u0_map map;
	int r = mounted_need_unshare("containers", &map, e);

	if (r == 0)
		r = tree_find(h, text, TREE_CONTAINER, "mount", &t, e);
	if (r == 0 && t.ct.status != CONTAINER_RUNNING)
		r = mount_stopped(h, &map, &t, e);
	if (r < 0)
		return r;
	fill(h, &t.ct, a, ret);
	container_tell(h, &t.ct.state, "mount", NULL, NULL);
	return 0;
}

int container_mounts(const struct home *h, struct arena *a, struct bind_list *ret, struct err *e)
{
	scoped(strv) ids = {0};
	struct u0_map map;
	int r = mounted_need_unshare("containers", &map, e);

	*ret = (struct bind_list){0};
	if (r == 0)
		r = container_ids(h, &ids, e);
	autoclose int dir = r < 0 ? r : mounted_dir(h, e);
	strv_sort(&ids);
	for (size_t i = 0; i < ids.n && dir >= 0; i++) {
		struct container ct;
		if (container_open(h, ids.v[i], &ct, NULL) == 0 &&
		    (ct.status == CONTAINER_RUNNING || mounted_at(dir, ct.id)))
			fill(h, &ct, a, bind_append(a, ret, sizeof(struct mounted_container)));
		container_free(&ct);
	}
	return dir < 0 ? dir : 0;
}

int container_unmount(const struct home *h, const char *text, bool force, struct err *e)
{
	struct container ct = {.dir = -1};
	struct u0_map map;
	int r = mounted_need_unshare("containers", &map, e);

	if (r == 0)
		r = container_open(h, text, &ct, e);
	autoclose int dir = r < 0 ? r : mounted_dir(h, e);
	if (dir >= 0 && !mounted_at(dir, ct.id)) {
		err_fail(e, ERR_NOT_MOUNTED, "the container %.80s is not mounted here", text);
		r = err_hint(e, ct.status == CONTAINER_RUNNING
					? "it runs, and its root was never mounted for this"
					: "`hoy mount` lists what is, in this unshare");
	} else if (dir >= 0) {
		r = mounted_end(h, dir, ct.id, force, e);
		if (r == 0)
			container_tell(h, &ct.state, "unmount", NULL, NULL);
	}
	container_free(&ct);
	return r;
}
