#include "base/base.h"
#include "store/images.h"
#include "store/load.h"

struct load_image *load_image_met(struct loading *l, const char *config_digest)
{
	struct load_image *im = l->images.v;

	for (size_t i = 0; i < l->images.n; i++)
		if (!strcmp(im[i].config_digest, config_digest))
			return &im[i];
	return NULL;
}

struct load_image *load_image_new(struct loading *l)
{
	return bind_append(l->a, &l->images, sizeof(struct load_image));
}

int load_name(struct loading *l, struct load_image *im, const char *name, const char *registry,
	      struct err *e)
{
	struct reference r;
	int k = ref_parse(l->a, name, &r, e);

	if (k < 0) {
		err_context(e, "%s", archive_what(l->ar));
		return k;
	}
	r = ref_complete(l->a, &r, registry);
	if (!r.tag && !r.digest)
		r.tag = "latest";
	if (r.tag)
		r.digest = NULL;
	const char *full = ref_text(l->a, &r);
	if (!strs_has(&im->names, full))
		strs_add(l->a, &im->names, full);
	return 0;
}

int load_layer(struct loading *l, const struct load_layer *layer, int64_t *ret_size, struct err *e)
{
	scoped(archive_file) f = {.fd = -1};
	struct layer_job job = {.blob_size = -1, .progress = l->progress};
	struct layer_info info;
	int r = archive_find(l->ar, layer->path, &f, e);

	if (r < 0)
		return r;
	job.what = arena_printf(l->a, "%s: layer %zu (%.19s)", archive_what(l->ar), layer->number,
				layer->blob ? layer->blob : layer->diffid);
	if (layer->size >= 0 && (uint64_t)layer->size != f.size) {
		err_fail(e, ERR_DIGEST_MISMATCH,
			 "%s has %" PRIu64 " bytes, but its manifest says %" PRId64, job.what,
			 f.size, layer->size);
		return err_hint(e, "nothing of it was kept; make or download the archive again");
	}
	struct source_fd sf = {
		.fd = f.fd, .name = job.what, .offset = (int64_t)f.offset, .left = f.size};
	job.source = source_from_fd(&sf);
	job.blob_size = (int64_t)f.size;
	r = digest_parse(layer->diffid, &job.diffid, e);
	if (r == 0 && layer->blob) {
		r = digest_parse(layer->blob, &job.blob, e);
		/* A compressed blob cannot be made again byte by byte; a plain one is the layer itself. */
		job.keep_blob = strcmp(layer->blob, layer->diffid) != 0;
	}
	if (r == 0)
		r = layer_add(l->h, l->map, &job, &info, e);
	if (r == 0 && ret_size)
		*ret_size = info.kind == INFLATE_PLAIN ? (int64_t)f.size : (int64_t)info.tar_size;
	return r;
}

static int link_all(struct loading *l, struct bind_list *ret, struct err *e)
{
	struct load_image *im = l->images.v;

	for (size_t i = 0; i < l->images.n; i++) {
		struct image_new n = {
			.config = im[i].config,
			.config_len = im[i].config_len,
			.manifest = im[i].manifest,
			.manifest_len = im[i].manifest_len,
			.config_digest = im[i].config_digest,
			.manifest_digest = im[i].manifest_digest,
			.names = im[i].names,
		};
		int r = image_add(l->h, &n, e);
		if (r < 0)
			return r;
		struct loaded *done = bind_append(l->a, ret, sizeof *done);
		done->id = im[i].config_digest;
		done->names = im[i].names;
	}
	return 0;
}

int load_archive(const struct home *h, const struct u0_map *map, const struct archive *ar,
		 struct layer_progress *progress, struct arena *a, struct bind_list *ret,
		 struct err *e)
{
	struct loading l = {.h = h, .map = map, .ar = ar, .progress = progress, .a = a};
	int r;

	if (archive_has(ar, "index.json")) {
		r = load_oci(&l, e);
	} else if (archive_has(ar, "manifest.json")) {
		r = load_docker(&l, e);
	} else {
		err_fail(e, ERR_ARCHIVE,
			 "%s is no image archive: it has neither manifest.json nor "
			 "index.json",
			 archive_what(ar));
		if (archive_has(ar, "repositories"))
			return err_hint(e, "it was written by a docker older than 1.10: load it "
					   "with a newer one and save it again");
		return err_hint(e, "image archives are made by `podman save`, `docker save` or "
				   "`skopeo copy`");
	}
	if (r == 0 && !l.images.n) {
		err_fail(e, ERR_ARCHIVE, "%s holds no image", archive_what(ar));
		r = err_hint(e, "only artifacts, or only images for other platforms, are in it");
	}
	return r < 0 ? r : link_all(&l, ret, e);
}
