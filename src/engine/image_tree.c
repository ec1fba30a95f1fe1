#include "base/base.h"
#include "engine/image_tree.h"
#include "store/layers.h"

static int64_t layer_size(const struct home *h, const char *diffid)
{
	scoped(arena) a = {0};
	struct layer_meta m = {0};
	struct digest d;

	return digest_parse(diffid, &d, NULL) == 0 && layer_meta_any(h, &d, &a, &m, NULL) == 0
		       ? m.tar_size
		       : 0;
}

/* The child of this layer, made if it is missing. */
static struct tree_layer *child(const struct home *h, struct tree_layer *parent, const char *diffid,
				struct arena *a)
{
	for (size_t i = 0; i < parent->n; i++)
		if (!strcmp(parent->children[i]->diffid, digest_hex(diffid)))
			return parent->children[i];
	struct tree_layer *l = arena_alloc(a, sizeof *l);
	l->diffid = arena_strdup(a, digest_hex(diffid));
	l->size = layer_size(h, diffid);
	parent->children = arena_grow(a, parent->children, parent->n * sizeof *parent->children,
				      (parent->n + 1) * sizeof *parent->children);
	parent->children[parent->n++] = l;
	return l;
}

static bool begins_with(const struct strs *l, const struct strs *prefix, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (i >= l->n || strcmp(l->v[i], prefix->v[i]) != 0)
			return false;
	return true;
}

static void add_names(const struct image_entry *im, struct tree_layer *l, struct arena *a)
{
	for (size_t i = 0; i < im->names.n; i++)
		strs_add(a, &l->names, im->names.v[i]);
	if (!im->names.n)
		strs_add(a, &l->names, arena_printf(a, "%.12s", digest_hex(im->id)));
}

/* What an image has to say: its name at the layer of the branch where it ends, or the layers that it has above. */
static void add_image(const struct home *h, const struct image *own, const struct image_entry *im,
		      bool above, struct arena *a, struct tree_layer *root)
{
	scoped(image) other = {0};
	const struct strs *mine = &own->doc.rootfs.diff_ids;
	struct tree_layer *at = root;

	if (im->broken || image_open(h, im->id, &other, NULL) < 0)
		return;
	const struct strs *l = &other.doc.rootfs.diff_ids;
	if (!l->n || (!above && l->n > mine->n) || !begins_with(l, mine, above ? mine->n : l->n))
		return;
	for (size_t i = above ? mine->n - 1 : 0; i < l->n; i++)
		at = child(h, at, l->v[i], a);
	add_names(im, at, a);
}

int image_tree(const struct home *h, const struct image *im, bool above, struct arena *a,
	       struct tree_layer *ret, struct err *e)
{
	scoped(image_list) all = {0};
	const struct strs *l = &im->doc.rootfs.diff_ids;
	struct tree_layer *at = ret;
	int r = images_list(h, &all, e);

	*ret = (struct tree_layer){0};
	if (r < 0 || !l->n)
		return r;
	for (size_t i = above ? l->n - 1 : 0; i < l->n; i++)
		at = child(h, at, l->v[i], a);
	for (size_t i = 0; i < all.n; i++)
		add_image(h, im, &all.v[i], above, a, ret);
	return 0;
}
