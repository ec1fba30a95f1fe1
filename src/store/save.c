#include "base/base.h"
#include "store/blobs.h"
#include "store/images.h"
#include "store/save.h"

void save_source_free(struct save_source *s)
{
	str_free(&s->config);
	str_free(&s->manifest);
}

int save_source_read(struct saving *s, const char *id, const char *form, struct save_source *ret,
		     struct err *e)
{
	scoped(image) im = {0};
	int r = image_open(s->h, id, &im, e);

	*ret = (struct save_source){0};
	im.form = form;
	if (r == 0)
		r = image_more(s->h, &im, e);
	if (r < 0)
		return r;
	ret->manifest_digest = arena_strdup(&s->arena, im.manifest_digest);
	r = blob_read(s->h, id, IMAGE_MAX_CONFIG, &ret->config, e);
	if (r == 0)
		r = blob_read(s->h, im.manifest_digest, IMAGE_MAX_MANIFEST, &ret->manifest, e);
	if (r == 0)
		r = image_doc_parse(&s->arena, str_cstr(&ret->config), ret->config.len, id,
				    &ret->doc, e);
	if (r == 0)
		r = oci_manifest_parse(&s->arena, str_cstr(&ret->manifest), ret->manifest.len, NULL,
				       ret->manifest_digest, &ret->m, e);
	return r < 0 ? r : image_doc_fits(&ret->doc, &ret->m, ret->manifest_digest, e);
}

/* The line for a layer, which may be called for many times: images share layers. */
static struct board_layer *line_of(const struct saving *s, const char *diffid)
{
	struct board *b = s->job->board;

	for (unsigned i = 0; b && i < b->n; i++)
		if (!strncmp(b->v[i].name, digest_hex(diffid), sizeof b->v[i].name - 1))
			return &b->v[i];
	return NULL;
}

void save_shown(struct saving *s, const char *diffid, uint64_t size)
{
	struct board_layer *l = line_of(s, diffid);

	if (!l)
		return;
	l->size = size;
	l->arrived = l->progress.taken = 0;
	l->stage = BOARD_WORKS;
	s->out.shown = l;
}

void save_shown_end(struct saving *s)
{
	if (s->out.shown)
		s->out.shown->stage = BOARD_DONE;
	s->out.shown = NULL;
}

/* How much of a layer goes out, as far as that is known before: a blob that was kept, or its tar. */
static uint64_t size_of(struct saving *s, const char *diffid, const struct oci_descriptor *d)
{
	struct layer_meta meta = {0};
	struct digest blob, tar;

	if (s->job->format != SAVE_DOCKER_ARCHIVE && digest_parse(d->digest, &blob, NULL) == 0 &&
	    layer_blob_exists(s->h, &blob, d->size))
		return (uint64_t)d->size;
	return digest_parse(diffid, &tar, NULL) == 0 &&
			       layer_meta_any(s->h, &tar, &s->arena, &meta, NULL) == 0
		       ? (uint64_t)meta.tar_size
		       : 0;
}

/* A line for every layer before the first byte, so that what is left can be told. What cannot be read is told when its turn comes. */
static void add_lines(struct saving *s)
{
	for (size_t i = 0; s->job->board && i < s->job->n; i++) {
		scoped(save_source) src = {0};
		if (save_source_read(s, s->job->images[i].id, s->job->images[i].form, &src, NULL) <
		    0)
			continue;
		for (size_t k = 0; k < src.m.layers.n; k++) {
			const char *diffid = src.doc.rootfs.diff_ids.v[k];
			const struct oci_descriptor *d = src.m.layers.v;
			if (!line_of(s, diffid))
				board_add(s->job->board, digest_hex(diffid),
					  size_of(s, diffid, &d[k]));
		}
	}
}

static int to_out(void *arg, const void *p, size_t n, struct err *e)
{
	return save_out_bytes(arg, p, n, e);
}

int save_tar(struct saving *s, const char *name, const char *diffid, int64_t *ret_size,
	     struct err *e)
{
	struct sink sink = {to_out, &s->out};
	struct layer_meta meta = {0};
	struct replay *replay;
	struct digest d;
	int r = digest_parse(diffid, &d, e);

	if (r == 0)
		r = layer_meta_any(s->h, &d, &s->arena, &meta, e);
	if (ret_size)
		*ret_size = meta.tar_size;
	if (r < 0 || save_out_has(&s->out, name))
		return r;
	r = replay_open(&replay, s->h, &d, s->form, e);
	if (r < 0)
		return r;
	r = save_out_begin(&s->out, name, (uint64_t)meta.tar_size, e);
	save_shown(s, diffid, (uint64_t)meta.tar_size);
	if (r == 0)
		r = replay_all(replay, &sink, NULL, e);
	if (r == 0)
		r = save_out_end(&s->out, e);
	if (r == 0)
		save_shown_end(s);
	replay_close(replay);
	return r;
}

static int docker_image(struct saving *s, const struct save_image *im, struct json *list,
			struct err *e)
{
	scoped(save_source) src = {0};
	struct strs layers = {0};
	int r = save_source_read(s, im->id, im->form, &src, e);

	for (size_t i = 0; i < src.doc.rootfs.diff_ids.n && r == 0; i++) {
		const char *diffid = src.doc.rootfs.diff_ids.v[i];
		char *name = arena_printf(&s->arena, "%.64s.tar", digest_hex(diffid));
		strs_add(&s->arena, &layers, name);
		r = save_tar(s, name, diffid, NULL, e);
	}
	if (r < 0)
		return r;
	char *config = arena_printf(&s->arena, "%.64s.json", digest_hex(im->id));
	if (!save_out_has(&s->out, config))
		r = save_out_file(&s->out, config, str_cstr(&src.config), src.config.len, e);
	struct json *item = json_new(&s->arena, JSON_OBJ);
	json_set_str(&s->arena, item, "Config", config);
	json_set(&s->arena, item, "RepoTags", json_new_strs(&s->arena, &im->names));
	json_set(&s->arena, item, "Layers", json_new_strs(&s->arena, &layers));
	json_add(&s->arena, list, item);
	return r;
}

/* Docker's archive: the layers as plain tars, the configs, and last the list that names them. */
int save_docker(struct saving *s, struct err *e)
{
	scoped(str) text = {0};
	struct json *list = json_new(&s->arena, JSON_ARR);
	int r = 0;

	for (size_t i = 0; i < s->job->n && r == 0; i++)
		r = docker_image(s, &s->job->images[i], list, e);
	json_write(&text, list, 0);
	return r < 0 ? r : save_out_file(&s->out, "manifest.json", text.s, text.len, e);
}

int save_images(const struct home *h, enum u0_form form, const struct save_job *job, struct err *e)
{
	bool dir = job->format == SAVE_OCI_DIR || job->format == SAVE_DOCKER_DIR;
	struct saving s = {
		h, form, job, {.fd = job->fd, .dir = dir, .what = job->what, .file = -1}};
	add_lines(&s);
	int r = job->format == SAVE_DOCKER_ARCHIVE ? save_docker(&s, e)
		: job->format == SAVE_DOCKER_DIR   ? save_docker_dir(&s, e)
						   : save_oci(&s, e);

	if (r == 0)
		r = save_out_finish(&s.out, e);
	save_out_free(&s.out);
	arena_free(&s.arena);
	return r;
}
