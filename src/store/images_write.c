#include "base/base.h"
#include "store/blobs.h"
#include "store/gc.h"
#include "store/images.h"
#include "store/layers.h"
#include "store/names.h"
#include "store/partial.h"

/* A tmp directory that goes away with its scope. */
struct workdir {
	const struct home *h;
	struct home_tmp t;
};

static void workdir_free(struct workdir *w)
{
	if (w->h)
		home_tmp_drop(w->h, &w->t);
}

static int workdir_make(struct workdir *w, const struct home *h, struct err *e)
{
	int r = home_tmp_make(h, NULL, &w->t, e);

	if (r == 0)
		w->h = h;
	return r;
}

static void image_path(char buf[static 8 + DIGEST_HEX], const char *id)
{
	snprintf(buf, 8 + DIGEST_HEX, "images/%.64s", digest_hex(id));
}

static int sync_dir(const struct home *h, const char *name)
{
	autoclose int fd = openat(h->fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 || fsync(fd) < 0 ? -errno : 0;
}

struct relying {
	const char *id;
	const struct strs *names;
	bool any;
};

static int find_relying(void *arg, const char *repository, const char *last, const char *id,
			const char *manifest)
{
	struct relying *r = arg;
	autofree char *name = xasprintf("%s%s", repository, last);

	r->any = id && !manifest && !strcmp(id, r->id) && !strs_has(r->names, name);
	return r->any;
}

/* The manifest that the link of the image has, if it is another one, is there, and names beside the new ones rely on it. */
static bool is_relied_on(const struct home *h, const struct image_new *n)
{
	struct relying r = {n->config_digest, &n->names, false};
	char path[8 + DIGEST_HEX], old[DIGEST_LEN + 1] = "";

	image_path(path, n->config_digest);
	if (readlinkat(h->fd, path, old, DIGEST_LEN) != DIGEST_LEN || !digest_valid(old) ||
	    !strcmp(old, n->manifest_digest) || !blob_exists(h, old))
		return false;
	names_each(h, find_relying, &r, NULL);
	return r.any;
}

/* images/<hex>, by way of a link that is renamed. */
static int link_image(const struct home *h, const struct home_tmp *t, const char *id,
		      const char *manifest, struct err *e)
{
	char path[8 + DIGEST_HEX], old[DIGEST_LEN];

	image_path(path, id);
	/* The same config with another manifest (other compression), and no name has the old one: what hung on it goes. */
	if (readlinkat(h->fd, path, old, sizeof old) == DIGEST_LEN &&
	    memcmp(old, manifest, DIGEST_LEN))
		store_collect_later(h);
	unlinkat(t->fd, "image", 0);
	if (symlinkat(manifest, t->fd, "image") < 0 || renameat(t->fd, "image", h->fd, path) < 0 ||
	    sync_dir(h, "images") < 0)
		return err_set(e, errno, "write %s/%s", h->path, path);
	return 0;
}

/* Names by text, which must be full and have a tag or a digest. */
static int set_names(const struct home *h, const struct home_tmp *t, const struct strs *names,
		     const char *id, const char *manifest, struct err *e)
{
	scoped(arena) a = {0};

	for (size_t i = 0; i < names->n; i++) {
		struct reference ref;
		int r = ref_parse(&a, names->v[i], &ref, e);
		if (r == 0 && (!ref.registry || (!ref.tag && !ref.digest)))
			r = err_fail(e, ERR_INTERNAL, "%s is not a full name", names->v[i]);
		if (r == 0)
			r = names_set(h, t, &ref, id, manifest, e);
		if (r < 0)
			return r;
	}
	return 0;
}

/* Behind the sync, so that whoever is killed while that takes its time finds them again. */
static int place_blobs(const struct home *h, const struct image_new *n, struct err *e)
{
	for (size_t i = 0; i < n->npartial; i++) {
		int r = partial_place(h, &n->partial[i], e);
		if (r < 0)
			return r;
	}
	if (n->npartial && sync_dir(h, "blobs/sha256") < 0)
		return err_set(e, errno, "sync %s/blobs/sha256", h->path);
	return 0;
}

int image_add(const struct home *h, const struct image_new *n, struct err *e)
{
	scoped(workdir) w = {0};

	home_mark(h);
	int r = workdir_make(&w, h, e);

	if (r == 0)
		r = blob_put(h, &w.t, n->config_digest, n->config, n->config_len, e);
	if (r == 0)
		r = blob_put(h, &w.t, n->manifest_digest, n->manifest, n->manifest_len, e);
	if (r == 0)
		r = layers_sync(h, e);
	if (r == 0)
		r = place_blobs(h, n, e);
	if (r < 0)
		return r;
	autoclose int lock = store_lock(h, e);
	if (lock < 0)
		return lock;
	bool own = is_relied_on(h, n);
	if (own)
		store_collect_later(h); /* what these names have had may hang on nothing any more */
	else
		r = link_image(h, &w.t, n->config_digest, n->manifest_digest, e);
	return r < 0 ? r
		     : set_names(h, &w.t, &n->names, n->config_digest,
				 own ? n->manifest_digest : NULL, e);
}

int image_add_made(const struct home *h, const struct str *config, bool docker,
		   const struct pairs *annotations, const struct bind_list *layers,
		   const struct strs *names, char ret_id[static DIGEST_LEN + 1], struct err *e)
{
	char id[DIGEST_STR], manifest[DIGEST_STR];
	struct digest d;
	int r = hash_bytes(config->s, config->len, &d, e);

	if (r < 0)
		return r;
	struct oci_manifest m = {
		.schema_version = 2,
		.media_type = docker ? MEDIA_DOCKER_MANIFEST : MEDIA_OCI_MANIFEST,
		.config = {.media_type = docker ? MEDIA_DOCKER_CONFIG : MEDIA_OCI_CONFIG,
			   .digest = digest_str(&d, id),
			   .size = (int64_t)config->len},
		.layers = *layers,
		.annotations = annotations ? *annotations : (struct pairs){0}};
	autofree char *text = oci_manifest_write(&m);
	r = hash_bytes(text, strlen(text), &d, e);
	struct image_new n = {.config = config->s,
			      .config_len = config->len,
			      .manifest = text,
			      .manifest_len = strlen(text),
			      .config_digest = id,
			      .manifest_digest = digest_str(&d, manifest),
			      .names = *names};
	snprintf(ret_id, DIGEST_LEN + 1, "%s", id);
	return r < 0 ? r : image_add(h, &n, e);
}

struct oci_descriptor image_plain_layer(bool docker, const char *diffid, int64_t tar_size)
{
	return (struct oci_descriptor){.media_type =
					       docker ? MEDIA_DOCKER_LAYER_PLAIN : MEDIA_OCI_LAYER,
				       .digest = diffid,
				       .size = tar_size};
}

int image_describe_layers(const struct home *h, const struct image *im, const struct strs *layers,
			  bool docker, struct arena *a, struct bind_list *ret, struct err *e)
{
	const struct oci_manifest *m = im ? &im->manifest : NULL;
	const struct oci_descriptor *v = m ? m->layers.v : NULL;
	bool same = m && m->layers.n == layers->n &&
		    str_eq(m->media_type ? m->media_type : MEDIA_OCI_MANIFEST,
			   docker ? MEDIA_DOCKER_MANIFEST : MEDIA_OCI_MANIFEST);
	int r = 0;

	for (size_t i = 0; i < layers->n && r == 0; i++) {
		struct oci_descriptor *d = bind_append(a, ret, sizeof *d);
		struct layer_meta meta;
		struct digest id;
		if (same) {
			*d = v[i];
			continue;
		}
		r = digest_parse(layers->v[i], &id, e);
		if (r == 0)
			r = layer_meta_any(h, &id, a, &meta, e);
		if (r == 0)
			*d = image_plain_layer(docker, layers->v[i], meta.tar_size);
	}
	return r;
}

int image_add_one(const struct home *h, const struct str *config, const char *diffid,
		  int64_t tar_size, const struct strs *names, char ret_id[static DIGEST_LEN + 1],
		  struct err *e)
{
	struct oci_descriptor layer = {
		.media_type = MEDIA_OCI_LAYER, .digest = diffid, .size = tar_size};
	const struct bind_list layers = {&layer, 1};

	return image_add_made(h, config, false, NULL, &layers, names, ret_id, e);
}

int image_tag(const struct home *h, const char *id, const char *manifest,
	      const struct reference *name, struct err *e)
{
	char path[8 + DIGEST_HEX], own[DIGEST_LEN + 1] = "";
	scoped(workdir) w = {0};
	autoclose int lock = store_lock(h, e);

	if (lock < 0)
		return lock;
	image_path(path, id);
	if (readlinkat(h->fd, path, own, DIGEST_LEN) != DIGEST_LEN)
		return err_fail_code(e, ERR_IMAGE_UNKNOWN, ENOENT, "%.19s: no such image", id);
	int r = workdir_make(&w, h, e);
	if (manifest && !strcmp(manifest, own))
		manifest = NULL;
	return r < 0 ? r : names_set(h, &w.t, name, id, manifest, e);
}

int image_untag(const struct home *h, const struct reference *name, struct err *e)
{
	autoclose int lock = store_lock(h, e);

	return lock < 0 ? lock : names_drop(h, name, e);
}
