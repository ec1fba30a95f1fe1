#include "base/base.h"
#include "engine/image.h"
#include "engine/prune.h"
#include "state/container.h"
#include "state/tell.h"
#include "store/gc.h"

/* The ids of images that containers use, sorted, but for those containers that do not count. */
static int find_used(const struct home *h, const struct strs *leaving, struct strv *ret,
		     struct err *e)
{
	scoped(strv) ids = {0};
	int r = container_ids_all(h, &ids, e);

	for (size_t i = 0; i < ids.n && r == 0; i++) {
		scoped(arena) a = {0};
		struct container_state s;
		if (!strs_has(leaving, ids.v[i]) &&
		    container_state_read(h, ids.v[i], &s, &a, NULL) == 0)
			container_state_images(&s, ret);
	}
	strv_sort(ret);
	return r;
}

static void add(struct arena *a, struct image_prune_result *ret, const struct image_entry *im)
{
	struct image_pruned *p = &ret->v[ret->n++];

	p->id = arena_strdup(a, im->id);
	for (size_t i = 0; i < im->names.n; i++)
		strs_add(a, &p->names, im->names.v[i]);
	for (size_t i = 0; i < im->repo_digests.n; i++)
		strs_add(a, &p->names, im->repo_digests.v[i]);
}

/* Which images go: fills ret->v. */
static int choose(const struct home *h, const struct image_prune_opts *o, struct arena *a,
		  struct image_prune_result *ret, struct err *e)
{
	struct image_query q = {.filters = o->filters, .no_trunc = true, .ids_only = true};
	struct image_result fit;
	scoped(image_list) all = {0};
	scoped(strv) used = {0}, ids = {0};
	int r = 0;

	r = prune_check_filters(&o->filters, e);
	if (r == 0)
		r = image_query(h, &q, a, &fit, e);
	if (r == 0)
		r = images_list(h, &all, e);
	if (r == 0)
		r = find_used(h, &o->leaving, &used, e);
	if (r < 0)
		return r;
	for (size_t i = 0; i < fit.ids.n; i++)
		strv_add(&ids, fit.ids.v[i]);
	strv_sort(&ids);
	ret->v = arena_alloc(a, (all.n + 1) * sizeof *ret->v);
	for (size_t i = 0; i < all.n; i++) {
		const struct image_entry *im = &all.v[i];
		bool named = im->names.n || im->repo_digests.n;
		if ((o->all || !named) && store_used_has(&ids, im->id) &&
		    !store_used_has(&used, im->id))
			add(a, ret, im);
	}
	return 0;
}

/* The room that would become free: of what only these images have, and of what nothing has. */
static int64_t estimate(const struct home *h, const struct image_prune_opts *o,
			const struct image_prune_result *p)
{
	scoped(strv) without = {0};

	for (size_t i = 0; i < p->n; i++)
		strv_add(&without, p->v[i].id);
	return store_room_without(h, &without, &o->leaving);
}

static int carry_out(const struct home *h, const struct image_prune_opts *o, struct arena *a,
		     struct image_prune_result *ret, struct err *e)
{
	struct image_leaving *l = arena_alloc(a, (ret->n + 1) * sizeof *l);
	size_t gone = 0;

	for (size_t i = 0; i < ret->n; i++)
		l[i] = (struct image_leaving){.id = ret->v[i].id, .unnamed = !o->all};
	int r = images_remove(h, l, ret->n, &ret->bytes, e);
	for (size_t i = 0; i < ret->n && r == 0; i++) {
		if (!l[i].why.code)
			ret->v[gone++] = ret->v[i];
		else if (l[i].why.id != ERR_IMAGE_IN_USE && !ret->failed++)
			ret->why = l[i].why;
	}
	ret->n = gone;
	for (size_t i = 0; i < gone; i++)
		image_tell(h, "remove", ret->v[i].id, NULL);
	if (r == 0)
		prune_tell(h, "image", ret->bytes);
	return r;
}

int images_prune(const struct home *h, const struct image_prune_opts *o, struct arena *a,
		 struct image_prune_result *ret, struct err *e)
{
	*ret = (struct image_prune_result){0};
	int r = choose(h, o, a, ret, e);
	if (r < 0)
		return r;
	if (o->dry) {
		ret->bytes = estimate(h, o, ret);
		return 0;
	}
	store_sweep(h);
	return carry_out(h, o, a, ret, e);
}
