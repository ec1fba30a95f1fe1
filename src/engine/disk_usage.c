#include "base/base.h"
#include "base/parse.h"
#include "engine/disk_usage.h"
#include "engine/image.h"
#include "engine/image_text.h"
#include "engine/list.h"
#include "store/usage.h"
#include "engine/volume.h"
#include "state/container.h"
#include "store/blobs.h"
#include "store/cache_prune.h"
#include "store/gc.h"
#include "store/room.h"

struct kind {
	const char *type;
	size_t total, active;
	int64_t size, reclaimable;
};

/* Something in the store that an image has: a layer or a blob. */
struct part {
	const char *hex;
	bool layer;
	size_t image;
};

struct image_room {
	int64_t size, unique;
	size_t containers;
};

static const char *size_text(struct arena *a, int64_t bytes)
{
	scoped(str) s = {0};

	size_human(&s, (uint64_t)(bytes > 0 ? bytes : 0));
	return arena_strdup(a, str_cstr(&s));
}

static struct json *kind_json(const struct kind *k, bool docker, struct arena *a)
{
	struct json *o = json_new(a, JSON_OBJ);
	const char *size = size_text(a, k->size), *free = size_text(a, k->reclaimable);
	int64_t percent = k->size > 0 ? (k->reclaimable * 200 / k->size + 1) / 2 : 0;

	if (!docker || k->size > 0)
		free = arena_printf(a, "%s (%" PRId64 "%%)", free, percent);
	json_set_str(a, o, "Type", k->type);
	if (docker) { /* all are texts there */
		json_set_str(a, o, "TotalCount", arena_printf(a, "%zu", k->total));
		json_set_str(a, o, "Active", arena_printf(a, "%zu", k->active));
	} else {
		json_set_int(a, o, "Total", (int64_t)k->total);
		json_set_int(a, o, "Active", (int64_t)k->active);
		json_set_int(a, o, "RawSize", k->size);
		json_set_int(a, o, "RawReclaimable", k->reclaimable);
		json_set_int(a, o, "TotalCount", (int64_t)k->total);
	}
	json_set_str(a, o, "Size", size);
	json_set_str(a, o, "Reclaimable", free);
	return o;
}

struct json *disk_usage_sample(bool docker, struct arena *a)
{
	return kind_json(&(struct kind){.type = ""}, docker, a);
}

static void add_part(struct arena *a, struct bind_list *l, const char *digest, bool layer,
		     size_t image)
{
	struct part *p = bind_append(a, l, sizeof *p);

	*p = (struct part){arena_strdup(a, digest_hex(digest)), layer, image};
}

static int by_part(const void *a, const void *b)
{
	const struct part *x = a, *y = b;
	int c = strcmp(x->hex, y->hex);

	if (c)
		return c;
	if (x->layer != y->layer)
		return x->layer ? 1 : -1;
	return (x->image > y->image) - (x->image < y->image);
}

static void add_parts(const struct home *h, const struct image_entry *im, size_t i, struct arena *a,
		      struct bind_list *ret)
{
	scoped(image) one = {0};

	add_part(a, ret, im->id, false, i);
	add_part(a, ret, im->manifest_digest, false, i);
	if (image_open(h, im->id, &one, NULL) < 0)
		return;
	for (size_t k = 0; k < one.doc.rootfs.diff_ids.n; k++)
		add_part(a, ret, one.doc.rootfs.diff_ids.v[k], true, i);
	if (image_more(h, &one, NULL) < 0)
		return;
	const struct oci_descriptor *d = one.manifest.layers.v;
	for (size_t k = 0; k < one.manifest.layers.n; k++)
		if (digest_valid(d[k].digest))
			add_part(a, ret, d[k].digest, false, i);
	/* the forms that names have for themselves */
	for (size_t f = 0; f < im->manifests.n; f++) {
		scoped(str) text = {0};
		struct oci_manifest m = {0};
		add_part(a, ret, im->manifests.v[f], false, i);
		if (blob_read(h, im->manifests.v[f], IMAGE_MAX_MANIFEST, &text, NULL) < 0 ||
		    oci_manifest_parse(a, str_cstr(&text), text.len, NULL, im->manifests.v[f], &m,
				       NULL) < 0)
			continue;
		d = m.layers.v;
		for (size_t k = 0; k < m.layers.n; k++)
			if (digest_valid(d[k].digest))
				add_part(a, ret, d[k].digest, false, i);
	}
}

/* What each image has, and how much of it no other one has. */
static void measure_images(const struct home *h, const struct image_list *l, struct arena *a,
			   struct image_room *ret)
{
	struct bind_list parts = {0};

	for (size_t i = 0; i < l->n; i++)
		add_parts(h, &l->v[i], i, a, &parts);
	struct part *p = parts.v;
	if (parts.n > 1)
		qsort(p, parts.n, sizeof *p, by_part);
	for (size_t i = 0, end; i < parts.n; i = end) {
		int64_t room = p[i].layer ? layer_room_all(h, p[i].hex) : blob_room(h, p[i].hex);
		bool shared = false;
		for (end = i + 1;
		     end < parts.n && p[end].layer == p[i].layer && !strcmp(p[end].hex, p[i].hex);
		     end++)
			shared |= p[end].image != p[i].image;
		for (size_t k = i; k < end; k++) {
			if (k > i && p[k].image == p[k - 1].image)
				continue; /* the same layer twice in one image */
			ret[p[k].image].size += room;
			ret[p[k].image].unique += shared ? 0 : room;
		}
	}
}

static int count_users(const struct home *h, const struct image_list *l, struct image_room *ret,
		       struct err *e)
{
	scoped(strv) ids = {0};
	int r = container_ids_all(h, &ids, e);

	for (size_t i = 0; i < ids.n && r == 0; i++) {
		scoped(arena) a = {0};
		struct container_state s;
		if (container_state_read(h, ids.v[i], &s, &a, NULL) < 0)
			continue;
		for (size_t k = 0; k < l->n; k++)
			ret[k].containers += str_eq(s.image_id, l->v[k].id);
	}
	return r;
}

static void add_image_rows(const struct image_entry *im, const struct image_room *room, bool docker,
			   struct arena *a, struct json *ret)
{
	size_t n = im->names.n && !docker ? im->names.n : 1;

	for (size_t i = 0; i < n; i++) {
		struct json *o = json_new(a, JSON_OBJ);
		const char *name = im->names.n ? im->names.v[i] : "<none>:<none>";
		const char *colon = strrchr(name, ':');
		const char *repo = arena_strndup(a, name, (size_t)(colon - name));
		json_set_str(a, o, "Repository",
			     docker && im->names.n ? ref_familiar(a, repo) : repo);
		json_set_str(a, o, "Tag", colon + 1);
		json_set_str(a, o, "ID", arena_printf(a, "%.12s", digest_hex(im->id)));
		json_set_str(a, o, "ImageID", arena_printf(a, "%.12s", digest_hex(im->id)));
		json_set_str(a, o, "CreatedSince", image_since_text(a, im->created));
		json_set_str(a, o, "Size", size_text(a, room->size));
		json_set_str(a, o, "SharedSize", size_text(a, room->size - room->unique));
		json_set_str(a, o, "UniqueSize", size_text(a, room->unique));
		json_set_str(a, o, "Containers", arena_printf(a, "%zu", room->containers));
		json_add(a, ret, o);
	}
}

static int find_images(const struct home *h, bool docker, bool details, struct arena *a,
		       struct disk_usage *ret, struct err *e)
{
	struct kind k = {.type = "Images"};
	scoped(image_list) l = {0};
	scoped(strv) all = {0}, idle = {0};
	scoped(strv) containers = {0};
	struct strs everybody = {0};
	int r = images_list(h, &l, e);
	struct image_room *rooms = arena_alloc(a, (l.n + 1) * sizeof *rooms);

	if (r == 0)
		r = count_users(h, &l, rooms, e);
	if (r == 0)
		r = container_ids_all(h, &containers, e);
	if (r < 0)
		return r;
	if (details)
		measure_images(h, &l, a, rooms);
	for (size_t i = 0; i < l.n; i++) {
		strv_add(&all, l.v[i].id);
		if (rooms[i].containers)
			k.active++;
		else
			strv_add(&idle, l.v[i].id);
		if (details)
			add_image_rows(&l.v[i], &rooms[i], docker, a, ret->images);
	}
	for (size_t i = 0; i < containers.n; i++)
		strs_add(a, &everybody, containers.v[i]);
	k.total = l.n;
	k.size = store_room_without(h, &all, &everybody);
	k.reclaimable = store_room_without(h, &idle, NULL);
	json_add(a, ret->kinds, kind_json(&k, docker, a));
	return 0;
}

static int find_containers(const struct home *h, bool docker, struct arena *a,
			   struct disk_usage *ret, struct err *e)
{
	const struct list_query q = {.all = true, .docker = docker};
	struct kind k = {.type = "Containers"};
	struct list_result res;
	int r = containers_list(h, &q, a, &res, e);

	if (r < 0)
		return r;
	k.total = res.fields->arr.n;
	const char **ids = arena_alloc(a, (k.total + 1) * sizeof *ids);
	int64_t *sizes = arena_alloc(a, (k.total + 1) * sizeof *sizes);
	for (size_t i = 0; i < k.total; i++)
		ids[i] = json_str(res.fields->arr.v[i], "Id");
	containers_usage(h, ids, k.total, sizes);
	for (size_t i = 0; i < k.total; i++) {
		struct json *o = res.fields->arr.v[i];
		const char *state = json_str(o, "State");
		bool active = !strcmp(state, container_status_name(CONTAINER_RUNNING)) ||
			      !strcmp(state, container_status_name(CONTAINER_RESTARTING)) ||
			      !strcmp(state, container_status_name(CONTAINER_LOST));
		k.active += active;
		k.size += sizes[i];
		k.reclaimable += active ? 0 : sizes[i];
		json_set_str(a, o, "Size", size_text(a, sizes[i]));
	}
	ret->containers = res.fields;
	json_add(a, ret->kinds, kind_json(&k, docker, a));
	return 0;
}

static int find_volumes(const struct home *h, bool docker, bool details, struct arena *a,
			struct disk_usage *ret, struct err *e)
{
	static const struct volumes_query everything;
	struct kind k = {.type = "Local Volumes"};
	struct volumes_list l;
	int r = volumes_list(h, &everything, a, &l, e);

	if (r < 0)
		return r;
	const char **names = arena_alloc(a, (l.n + 1) * sizeof *names);
	int64_t *sizes = arena_alloc(a, (l.n + 1) * sizeof *sizes);
	for (size_t i = 0; i < l.n; i++)
		names[i] = l.v[i].name;
	volumes_usage(h, names, l.n, sizes);
	k.total = l.n;
	for (size_t i = 0; i < l.n; i++) {
		k.active += l.links[i] > 0;
		k.size += sizes[i];
		k.reclaimable += l.links[i] ? 0 : sizes[i];
		struct json *o = volume_fields_json(h, &l.v[i], l.links[i], a);
		json_set_str(a, o, "Size", size_text(a, sizes[i]));
		if (details)
			json_add(a, ret->volumes, o);
	}
	json_add(a, ret->kinds, kind_json(&k, docker, a));
	return 0;
}

static const char *since_text(struct arena *a, struct timespec t)
{
	scoped(str) s = {0};

	time_human(&s, (int64_t)time_now().tv_sec - (int64_t)t.tv_sec);
	return arena_printf(a, "%s ago", str_cstr(&s));
}

struct json *disk_usage_build_json(const struct build_cache_item *i, struct arena *a)
{
	struct json *o = json_new(a, JSON_OBJ);
	struct timespec made;
	bool known = i->record.created && parse_rfc3339(i->record.created, &made) == 0;

	json_set_str(a, o, "ID", i->key);
	json_set_str(a, o, "CacheID", arena_printf(a, "%.12s", i->key));
	json_set_str(a, o, "CacheType", i->mount ? "exec.cachemount" : "regular");
	json_set_str(a, o, "Description", i->record.step ?: "");
	json_set_str(a, o, "Size", size_text(a, i->bytes));
	json_set_str(a, o, "CreatedSince", known ? since_text(a, made) : "");
	json_set_str(a, o, "LastUsedSince", since_text(a, i->used));
	json_set_bool(a, o, "Shared", i->shared && !i->mount);
	json_set_bool(a, o, "InUse", i->shared);
	json_set_bool(a, o, "Reclaimable", !i->shared);
	return o;
}

static int find_builds(const struct home *h, bool docker, bool details, struct arena *a,
		       struct disk_usage *ret, struct err *e)
{
	struct kind k = {.type = "Build Cache"};
	scoped(build_cache_list) l = {0};
	int r = build_cache_list(h, &l, e);

	if (r < 0)
		return r;
	const struct build_cache_item *v = l.items.v;
	for (size_t i = 0; i < l.items.n && details; i++)
		json_add(a, ret->builds, disk_usage_build_json(&v[i], a));
	k.total = l.items.n;
	k.active = l.active;
	k.size = l.bytes;
	k.reclaimable = l.reclaimable;
	if (docker || k.total) /* podman knows none */
		json_add(a, ret->kinds, kind_json(&k, docker, a));
	return 0;
}

int disk_usage_find(const struct home *h, bool docker, bool details, struct arena *a,
		    struct disk_usage *ret, struct err *e)
{
	*ret = (struct disk_usage){.kinds = json_new(a, JSON_ARR),
				   .images = json_new(a, JSON_ARR),
				   .volumes = json_new(a, JSON_ARR),
				   .builds = json_new(a, JSON_ARR)};
	int r = find_images(h, docker, details, a, ret, e);
	if (r == 0)
		r = find_containers(h, docker, a, ret, e);
	if (r == 0)
		r = find_volumes(h, docker, details, a, ret, e);
	return r < 0 ? r : find_builds(h, docker, details, a, ret, e);
}
