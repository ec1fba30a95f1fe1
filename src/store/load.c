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

/* Opened by the process that reads it, so that a directory of many layers does not need many descriptors at once. */
static ssize_t read_layer(void *arg, void *buf, size_t n, struct err *e)
{
	struct load_layer *layer = arg;

	if (layer->file.fd < 0) {
		int r = archive_find(layer->ar, layer->path, &layer->file, e);
		if (r < 0)
			return r;
		layer->reading = (struct source_fd){.fd = layer->file.fd,
						    .name = layer->job.job.what,
						    .offset = (int64_t)layer->file.offset,
						    .left = layer->file.size};
	}
	struct source s = source_from_fd(&layer->reading);
	return s.read(s.arg, buf, n, e);
}

static struct load_layer *layer_met(const struct loading *l, const struct load_layer *layer)
{
	struct load_layer *const *v = l->layers.v;

	for (size_t i = 0; i < l->layers.n; i++)
		if (!strcmp(v[i]->path, layer->path) && !strcmp(v[i]->diffid, layer->diffid) &&
		    str_eq(v[i]->blob, layer->blob))
			return v[i];
	return NULL;
}

static int make_job(struct loading *l, struct load_layer *layer, struct err *e)
{
	scoped(archive_file) f = {.fd = -1};
	struct layer_job *job = &layer->job.job;
	int r = archive_find(l->ar, layer->path, &f, e);

	if (r < 0)
		return r;
	job->what = arena_printf(l->a, "%s: layer %zu (%.19s)", archive_what(l->ar), layer->number,
				 layer->blob ? layer->blob : layer->diffid);
	if (layer->size >= 0 && (uint64_t)layer->size != f.size) {
		err_fail(e, ERR_DIGEST_MISMATCH,
			 "%s has %" PRIu64 " bytes, but its manifest says %" PRId64, job->what,
			 f.size, layer->size);
		return err_hint(e, "nothing of it was kept; make or download the archive again");
	}
	job->limits.max_bytes = l->max_layer;
	layer->ar = l->ar;
	layer->file.fd = -1;
	job->source = (struct source){read_layer, layer};
	job->blob_size = (int64_t)f.size;
	r = digest_parse(layer->diffid, &job->diffid, e);
	if (r == 0 && layer->blob) {
		r = digest_parse(layer->blob, &job->blob, e);
		/* A compressed blob cannot be made again byte by byte; a plain one is the layer itself. */
		job->keep_blob = strcmp(layer->blob, layer->diffid) != 0;
	}
	/* docker's archives name no blobs: their layers are compared even if they are known */
	job->check = !layer->blob;
	if (r == 0)
		layer->job.board =
			board_add(l->board, layer->blob ? job->blob.hex : job->diffid.hex, f.size);
	if (layer->job.board)
		layer->job.board->arrived = f.size;
	return r;
}

int load_layer(struct loading *l, const struct load_layer *layer, struct load_layer **ret,
	       struct err *e)
{
	*ret = layer_met(l, layer);
	if (*ret)
		return 0;
	struct load_layer *copy = *ret = arena_alloc(l->a, sizeof *copy);
	copy->path = arena_strdup(l->a, layer->path);
	copy->blob = layer->blob;
	copy->diffid = layer->diffid;
	copy->size = layer->size;
	copy->number = layer->number;
	int r = make_job(l, copy, e);
	if (r == 0)
		*(struct load_layer **)bind_append(l->a, &l->layers, sizeof copy) = copy;
	return r;
}

static int add_layers(struct loading *l, struct err *e)
{
	struct load_layer *const *layers = l->layers.v;
	struct pool_job **jobs = arena_alloc(l->a, (l->layers.n + 1) * sizeof *jobs);

	for (size_t i = 0; i < l->layers.n; i++)
		jobs[i] = &layers[i]->job;
	int r = layers_add_all(l->h, l->map, jobs, l->layers.n, l->board, e);
	struct load_image *im = l->images.v;
	for (size_t i = 0; i < l->images.n && r == 0; i++)
		if (!im[i].manifest)
			r = load_docker_manifest(l, &im[i], e);
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
		 uint64_t max_layer, struct board *board, struct arena *a, struct bind_list *ret,
		 struct err *e)
{
	struct loading l = {
		.h = h, .map = map, .ar = ar, .max_layer = max_layer, .board = board, .a = a};
	int r;

	if (archive_has(ar, "index.json")) {
		r = load_oci(&l, e);
	} else if (archive_has(ar, "manifest.json")) {
		r = archive_has(ar, "version") ? load_dir(&l, e) : load_docker(&l, e);
	} else {
		err_fail(e, ERR_ARCHIVE,
			 "%s is no image archive: it has neither manifest.json nor "
			 "index.json",
			 archive_what(ar));
		if (archive_has(ar, "repositories"))
			return err_hint(e, "it was written by a docker older than 1.10: load it "
					   "with a newer one and save it again");
		return err_hint(
			e, "image archives are made by `podman save`, `docker save` or "
			   "`skopeo copy`; a root file system becomes an image with `hoy import`");
	}
	if (r == 0 && !l.images.n) {
		err_fail(e, ERR_ARCHIVE, "%s holds no image", archive_what(ar));
		r = err_hint(e, "only artifacts, or only images for other platforms, are in it");
	}
	if (r == 0)
		r = add_layers(&l, e);
	return r < 0 ? r : link_all(&l, ret, e);
}
