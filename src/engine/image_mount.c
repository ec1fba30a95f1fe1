#include "base/base.h"
#include "engine/image_mount.h"
#include "engine/mounted.h"
#include "engine/tree.h"
#include "state/tell.h"
#include "state/u0.h"

static int mount_one(const struct home *h, const struct u0_map *map, const char *text, int dir,
		     const char *name, struct err *e)
{
	struct tree t;
	int r = tree_find(h, text, TREE_IMAGE, "mount", &t, e);

	if (r == 0)
		r = tree_prepare(h, map, &t, e);
	if (r == 0 && mkdirat(dir, name, 0700) < 0 && errno != EEXIST)
		r = err_set(e, errno, "make %s/mounts/%s", h->path, name);
	if (r == 0)
		r = view_mount(h, t.form, &t.layers, NULL, dir, name, MOUNTED_EMPTY, e);
	tree_free(&t);
	return r;
}

int image_mount(const struct home *h, const char *text, struct arena *a, struct mounted_image *ret,
		struct err *e)
{
	scoped(image) im = {0};
	struct u0_map map;
	int r = mounted_need_unshare("images", &map, e);

	if (r == 0)
		r = image_find(h, text, &im, e);
	if (r == 0)
		r = image_more(h, &im, e);
	if (r < 0)
		return r;
	autoclose int dir = mounted_dir(h, e);
	if (dir < 0)
		return dir;
	const char *name = digest_hex(im.id);
	*ret = (struct mounted_image){.id = arena_strdup(a, im.id),
				      .path = arena_printf(a, "%s/mounts/%s", h->path, name)};
	for (size_t i = 0; i < im.names.n; i++)
		strs_add(a, &ret->names, im.names.v[i]);
	r = mounted_at(dir, name) ? 0 : mount_one(h, &map, text, dir, name, e);
	if (r == 0)
		image_tell(h, "mount", im.id, ret->names.n ? ret->names.v[0] : NULL);
	return r;
}

int image_mounts(const struct home *h, struct arena *a, struct bind_list *ret, struct err *e)
{
	scoped(image_list) all = {0};
	struct u0_map map;
	int r = mounted_need_unshare("images", &map, e);

	*ret = (struct bind_list){0};
	if (r == 0)
		r = images_list(h, &all, e);
	if (r < 0)
		return r;
	autoclose int dir = mounted_dir(h, e);
	for (size_t i = 0; i < all.n && dir >= 0; i++) {
		const char *name = digest_hex(all.v[i].id);
		if (!mounted_at(dir, name))
			continue;
		struct mounted_image *m = bind_append(a, ret, sizeof *m);
		m->id = arena_strdup(a, all.v[i].id);
		m->path = arena_printf(a, "%s/mounts/%s", h->path, name);
		for (size_t k = 0; k < all.v[i].names.n; k++)
			strs_add(a, &m->names, all.v[i].names.v[k]);
	}
	return dir < 0 ? dir : 0;
}

int image_unmount(const struct home *h, const char *text, bool force, struct arena *a,
		  const char **ret_id, struct err *e)
{
	struct u0_map map;
	const char *name;
	int r = mounted_need_unshare("images", &map, e);

	if (r == 0)
		r = image_find_id(h, text, a, ret_id, &name, e);
	if (r < 0)
		return r;
	autoclose int dir = mounted_dir(h, e);
	if (dir < 0)
		return dir;
	if (!mounted_at(dir, digest_hex(*ret_id))) {
		err_fail(e, ERR_NOT_MOUNTED, "the image %s is not mounted here", text);
		return err_hint(e, "`hoy image mount` lists what is, in this unshare");
	}
	r = mounted_end(h, dir, digest_hex(*ret_id), force, e);
	if (r < 0)
		return r;
	image_tell(h, "unmount", *ret_id, name);
	return 0;
}
