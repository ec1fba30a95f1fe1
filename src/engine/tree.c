#include "base/base.h"
#include "engine/tree.h"
#include "store/copied.h"
#include "store/images.h"
#include "store/layer_form.h"

void tree_free(struct tree *t)
{
	container_free(&t->ct);
	arena_free(&t->arena);
}

static void copy_layers(struct tree *t, const struct strs *layers)
{
	for (size_t i = 0; i < layers->n; i++)
		strs_add(&t->arena, &t->layers, layers->v[i]);
}

/* Of a container with --rootfs there is the directory, and nothing to compare with. */
static int find_dir(const char *verb, struct tree *t, struct err *e)
{
	const struct container_config *c = &t->ct.config;

	if (!strcmp(verb, "diff") || !strcmp(verb, "commit")) {
		err_fail(e, ERR_HOST_ROOT, "%s: %s has a directory as its root, not an image", verb,
			 t->what);
		return err_hint(e, "hoy import %s NAME makes an image of it", c->rootfs);
	}
	if (c->rootfs_overlay && t->ct.status == CONTAINER_RUNNING) {
		err_fail(e, ERR_HOST_ROOT,
			 "%s: what %s writes over its directory cannot be seen from here", verb,
			 t->what);
		return err_hint(e, "hoy cp %s:PATH - writes a tar of any directory in it",
				t->ct.state.name);
	}
	t->copied = true;
	t->upper = c->rootfs;
	return 0;
}

static int find_container(const struct home *h, const char *text, const char *verb, struct tree *t,
			  struct err *e)
{
	int r = container_open(h, text, &t->ct, e);

	if (r == 0)
		r = container_load_config(&t->ct, e);
	if (r < 0)
		return r;
	if (str_eq(t->ct.config.root, "host")) {
		err_fail(e, ERR_HOST_ROOT,
			 "%s: container %.80s shows the host's own files, not an image", verb,
			 t->ct.state.name);
		return err_hint(e, "what it has written lies in %s/containers/%s", h->path,
				t->ct.id);
	}
	t->what = arena_printf(&t->arena, "container %s", t->ct.state.name);
	if (str_eq(t->ct.config.root, "dir"))
		return find_dir(verb, t, e);
	t->copied = copied_is(t->ct.dir);
	t->upper = arena_printf(&t->arena, "containers/%s/%s", t->ct.id,
				t->copied ? COPIED_ROOT : "upper");
	copy_layers(t, &t->ct.config.layers);
	return 0;
}

static int find_image(const struct home *h, const char *text, struct tree *t, struct err *e)
{
	scoped(image) im = {0};
	int r = image_find(h, text, &im, e);

	if (r < 0)
		return r;
	t->what = arena_printf(&t->arena, "image %s", text);
	copy_layers(t, &im.doc.rootfs.diff_ids);
	return 0;
}

int tree_find(const struct home *h, const char *text, enum tree_kind kind, const char *verb,
	      struct tree *ret, struct err *e)
{
	*ret = TREE_NONE;
	if (kind != TREE_IMAGE) {
		int r = find_container(h, text, verb, ret, e);
		if (r == 0 || kind == TREE_CONTAINER || e->id != ERR_CONTAINER_UNKNOWN)
			return r;
	}
	*e = (struct err){0};
	int r = find_image(h, text, ret, e);
	if (r == 0 || kind == TREE_IMAGE || (e->id != ERR_IMAGE_UNKNOWN && e->id != ERR_REF))
		return r;
	err_fail_code(e, ERR_OBJECT_UNKNOWN, ENOENT,
		      "no container and no image with name or ID \"%.80s\"", text);
	return err_hint(e, "hoy ps -a and hoy images list what there is");
}

int tree_prepare(const struct home *h, const struct u0_map *map, struct tree *t, struct err *e)
{
	const char *form = t->upper ? t->ct.state.form : NULL;

	t->form = u0_form_name(map->form);
	if (form && !str_eq(form, t->form)) {
		err_fail(e, ERR_LAYER_FORM,
			 "the files of %s are stored for owner form \"%s\", and this process has "
			 "\"%s\"",
			 t->what, form, t->form);
		return err_hint(e, "do it from where the container was started, or see: hoy info");
	}
	int r = layer_forms_make(h, map, &t->layers, e);
	if (r < 0 || !t->upper)
		return r;
	r = mapped_find(&t->ct.config, map, &t->mapped, e);
	if (r < 0 || !t->mapped.on)
		return r;
	t->form = t->mapped.layers.form;
	return layer_map_make(h, &t->mapped.layers, &t->layers, e);
}

int tree_view(const struct home *h, const struct tree *t, struct view *ret, struct err *e)
{
	return view_open(h, t->form, &t->layers, t->copied ? 0 : t->layers.n, t->upper, ret, e);
}

int tree_explain(const struct home *h, const struct tree *t, int r, struct err *e)
{
	char path[CONTAINER_ID_LEN + 16];

	if (r >= 0 || t->ct.dir < 0)
		return r;
	snprintf(path, sizeof path, "containers/%.64s", t->ct.id);
	if (faccessat(h->fd, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0 || errno != ENOENT)
		return r;
	return err_fail_code(e, ERR_CONTAINER_UNKNOWN, ENOENT, "%s was removed meanwhile", t->what);
}
