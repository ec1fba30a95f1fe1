#include <dirent.h>

#include "base/base.h"
#include "base/parse.h"
#include "store/blobs.h"
#include "store/images.h"
#include "store/layers.h"
#include "store/names.h"

/* Sizes of layers that were looked up already: open addressing over the digits of the diffID. */
struct sizes {
	struct size_slot {
		char hex[DIGEST_HEX + 1];
		int64_t size;
	} * v;
	size_t n, cap;
	enum u0_form form; /* where the last one was found */
};

static void sizes_free(struct sizes *s)
{
	free(s->v);
}

static struct size_slot *sizes_slot(struct sizes *s, const char *hex)
{
	size_t i = 0;

	for (int k = 0; k < 12; k++)
		i = i * 16 + (size_t)(hex[k] <= '9' ? hex[k] - '0' : hex[k] - 'a' + 10);
	for (i &= s->cap - 1; s->v[i].hex[0] && strcmp(s->v[i].hex, hex);
	     i = (i + 1) & (s->cap - 1))
		;
	return &s->v[i];
}

static void sizes_grow(struct sizes *s)
{
	struct sizes bigger = {.cap = s->cap ? s->cap * 2 : 64, .n = s->n, .form = s->form};

	bigger.v = xcalloc(bigger.cap, sizeof *bigger.v);
	for (size_t i = 0; i < s->cap; i++)
		if (s->v[i].hex[0])
			*sizes_slot(&bigger, s->v[i].hex) = s->v[i];
	free(s->v);
	*s = bigger;
}

static int64_t read_size(const struct home *h, const char *hex, enum u0_form *form)
{
	struct digest d;

	snprintf(d.hex, sizeof d.hex, "%.64s", hex);
	for (int i = 0; i < 3; i++) {
		scoped(arena) a = {0};
		struct layer_meta m = {0};
		enum u0_form f = (enum u0_form)((*form + i) % 3);
		if (layer_meta_read(h, &d, f, &a, &m, NULL) == 0) {
			*form = f;
			return m.tar_size;
		}
	}
	return 0;
}

static int64_t layer_size(const struct home *h, struct sizes *s, const char *hex)
{
	if (s->n * 2 >= s->cap)
		sizes_grow(s);
	struct size_slot *slot = sizes_slot(s, hex);
	if (!slot->hex[0]) {
		snprintf(slot->hex, sizeof slot->hex, "%.64s", hex);
		slot->size = read_size(h, hex, &s->form);
		s->n++;
	}
	return slot->size;
}

static int64_t sum_sizes(const struct home *h, struct sizes *s, const struct strs *diff_ids)
{
	int64_t sum = 0;

	for (size_t i = 0; i < diff_ids->n; i++)
		sum += layer_size(h, s, digest_hex(diff_ids->v[i]));
	return sum;
}

static void add_repo_digest(struct arena *a, struct strs *l, const char *repository,
			    const char *manifest)
{
	const char *s = arena_printf(a, "%s@%s", repository, manifest);

	if (!strs_has(l, s))
		strs_add(a, l, s);
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void sort_strs(struct strs *l)
{
	if (l->n > 1)
		qsort(l->v, l->n, sizeof *l->v, by_text);
}

static int collect_own(void *arg, const char *repository, const char *last, const char *id,
		       const char *manifest)
{
	struct image *im = arg;

	if (!id || strcmp(id, im->id))
		return 0;
	if (*last == ':')
		strs_add(&im->arena, &im->names,
			 arena_printf(&im->arena, "%s%s", repository, last));
	else if (*last == '@') /* of an index above the manifest, perhaps */
		add_repo_digest(&im->arena, &im->repo_digests, repository, last + 1);
	add_repo_digest(&im->arena, &im->repo_digests, repository, manifest ?: im->own_manifest);
	return 0;
}

int image_more(const struct home *h, struct image *im, struct err *e)
{
	char path[8 + DIGEST_HEX + 1], digest[DIGEST_LEN + 2];
	__attribute__((cleanup(sizes_free))) struct sizes sizes = {0};
	scoped(str) text = {0};

	snprintf(path, sizeof path, "images/%.64s", digest_hex(im->id));
	ssize_t n = readlinkat(h->fd, path, digest, sizeof digest - 1);
	digest[n > 0 ? n : 0] = 0;
	if (!digest_valid(digest))
		return err_fail(e, ERR_IMAGE_BAD, "image %.19s has no manifest", im->id);
	im->own_manifest = arena_strdup(&im->arena, digest);
	im->manifest_digest = im->form ?: im->own_manifest;
	int r = blob_read(h, im->manifest_digest, IMAGE_MAX_MANIFEST, &text, e);
	if (r == 0)
		r = oci_manifest_parse(&im->arena, str_cstr(&text), text.len, NULL,
				       im->manifest_digest, &im->manifest, e);
	if (r == 0)
		r = names_each(h, collect_own, im, e);
	sort_strs(&im->names);
	sort_strs(&im->repo_digests);
	im->size = sum_sizes(h, &sizes, &im->doc.rootfs.diff_ids);
	return r;
}

void image_list_free(struct image_list *l)
{
	arena_free(&l->arena);
	*l = (struct image_list){0};
}

static int by_id(const void *a, const void *b)
{
	return strcmp(((const struct image_entry *)a)->id, ((const struct image_entry *)b)->id);
}

static int by_age(const void *a, const void *b)
{
	const struct image_entry *x = a, *y = b;

	if (x->created.tv_sec != y->created.tv_sec)
		return x->created.tv_sec < y->created.tv_sec ? 1 : -1;
	if (x->created.tv_nsec != y->created.tv_nsec)
		return x->created.tv_nsec < y->created.tv_nsec ? 1 : -1;
	return by_id(a, b);
}

static int collect_listed(void *arg, const char *repository, const char *last, const char *id,
			  const char *manifest)
{
	struct image_list *l = arg;
	struct image_entry key = {.id = id}, *im;

	im = id && l->n ? bsearch(&key, l->v, l->n, sizeof key, by_id) : NULL;
	if (!im)
		return 0;
	if (*last == ':')
		strs_add(&l->arena, &im->names, arena_printf(&l->arena, "%s%s", repository, last));
	else if (*last == '@')
		add_repo_digest(&l->arena, &im->repo_digests, repository, last + 1);
	add_repo_digest(&l->arena, &im->repo_digests, repository, manifest ?: im->manifest_digest);
	if (manifest && *last == ':')
		pairs_set(&l->arena, &im->forms, arena_printf(&l->arena, "%s%s", repository, last),
			  manifest);
	if (manifest && !strs_has(&im->manifests, manifest))
		strs_add(&l->arena, &im->manifests, manifest);
	return 0;
}

static void fill(const struct home *h, struct image_list *l, struct image_entry *im,
		 struct sizes *sizes)
{
	scoped(image) one = {0};

	if (image_open(h, im->id, &one, NULL) < 0) {
		im->broken = true;
		return;
	}
	im->created = one.created;
	im->os = arena_strdup(&l->arena, one.doc.os);
	im->architecture = arena_strdup(&l->arena, one.doc.architecture);
	for (size_t i = 0; i < one.doc.config.labels.n; i++)
		pairs_set(&l->arena, &im->labels, one.doc.config.labels.v[i].k,
			  one.doc.config.labels.v[i].v);
	im->size = sum_sizes(h, sizes, &one.doc.rootfs.diff_ids);
}

static void add_entry(struct image_list *l, struct bind_list *grow, const char *hex,
		      const char *manifest)
{
	struct image_entry *im = bind_append(&l->arena, grow, sizeof *im);

	im->id = arena_printf(&l->arena, "sha256:%s", hex);
	im->manifest_digest = arena_strdup(&l->arena, manifest);
}

int images_list(const struct home *h, struct image_list *ret, struct err *e)
{
	__attribute__((cleanup(sizes_free))) struct sizes sizes = {0};
	struct bind_list found = {0};
	char manifest[DIGEST_LEN + 2];

	*ret = (struct image_list){0};
	int dir = openat(h->fd, "images", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = dir < 0 ? NULL : fdopendir(dir);
	if (!d)
		return errno == ENOENT ? 0 : err_set(e, errno, "read %s/images", h->path);
	for (struct dirent *de; (de = readdir(d));) {
		ssize_t n = de->d_name[0] == '.' || strlen(de->d_name) != DIGEST_HEX
				    ? -1
				    : readlinkat(dir, de->d_name, manifest, sizeof manifest - 1);
		manifest[n > 0 ? n : 0] = 0;
		if (digest_valid(manifest))
			add_entry(ret, &found, de->d_name, manifest);
	}
	closedir(d);
	ret->v = found.v;
	ret->n = found.n;
	if (!ret->n)
		return 0;
	qsort(ret->v, ret->n, sizeof *ret->v, by_id);
	int r = names_each(h, collect_listed, ret, e);
	for (size_t i = 0; i < ret->n; i++) {
		sort_strs(&ret->v[i].names);
		sort_strs(&ret->v[i].repo_digests);
		fill(h, ret, &ret->v[i], &sizes);
	}
	qsort(ret->v, ret->n, sizeof *ret->v, by_age);
	return r;
}

static int collect_names(void *arg, const char *repository, const char *last, const char *id,
			 const char *manifest)
{
	if (id && *last == ':')
		strv_addf(arg, "%s%s", repository, last);
	return 0;
}

int images_names(const struct home *h, struct strv *ret, struct err *e)
{
	int r = names_each(h, collect_names, ret, e);

	strv_sort(ret);
	return r;
}

uint64_t image_skipped_devices(const struct home *h, const char *id)
{
	scoped(image) im = {0};
	uint64_t n = 0;

	if (image_open(h, id, &im, NULL) < 0)
		return 0;
	for (size_t i = 0; i < im.doc.rootfs.diff_ids.n; i++) {
		struct layer_meta m;
		struct digest d;
		if (digest_parse(im.doc.rootfs.diff_ids.v[i], &d, NULL) == 0 &&
		    layer_meta_any(h, &d, &im.arena, &m, NULL) == 0 && m.skipped_devices > 0)
			n += (uint64_t)m.skipped_devices;
	}
	return n;
}
