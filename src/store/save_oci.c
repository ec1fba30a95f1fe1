/*
 * OCI layouts (image-layout.md) and the directories of containers/image ("dir:"): both are a manifest and its blobs as files named by their
 * digests. The manifest goes out as it was stored, unless the format wants the other family of media types, or a layer cannot
 * go out as the blob that the manifest names.
 */
#include "base/base.h"
#include "oci/reference.h"
#include "store/blobs.h"
#include "store/save.h"

enum { GZIP_LEVEL = 6 };

/* A format and where its blobs lie. */
struct family {
	bool docker;
	const char *prefix;
};

const char *save_layer_type(bool docker, enum inflate_kind kind)
{
	if (docker)
		return kind == INFLATE_GZIP ? MEDIA_DOCKER_LAYER : MEDIA_DOCKER_LAYER_PLAIN;
	return kind == INFLATE_GZIP   ? MEDIA_OCI_LAYER_GZIP
	       : kind == INFLATE_ZSTD ? MEDIA_OCI_LAYER_ZSTD
				      : MEDIA_OCI_LAYER;
}

static int open_blob(const struct home *h, const char *digest, struct err *e)
{
	char path[BLOB_PATH];
	int fd = openat(h->fd, blob_path(path, digest),
			O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	return fd < 0 ? err_set(e, errno, "open %s/%s", h->path, path) : fd;
}

int save_blob_kind(const struct home *h, const char *digest, enum inflate_kind *ret, struct err *e)
{
	uint8_t head[8];
	autoclose int fd = open_blob(h, digest, e);
	ssize_t n = fd < 0 ? fd : pread(fd, head, sizeof head, 0);

	if (fd >= 0 && n < 0)
		return err_set(e, errno, "read blob %.19s", digest);
	*ret = n > 0 ? inflate_sniff(head, (size_t)n) : INFLATE_PLAIN;
	return fd < 0 ? fd : 0;
}

/* A kept blob as it is, verified on its way. */
static int save_blob(struct saving *s, const char *name, const struct oci_descriptor *d,
		     struct err *e)
{
	enum { SIZE = 128 * 1024 };
	autofree uint8_t *buf = xmalloc(SIZE);
	scoped(hash) hash = {0};
	struct digest got;
	autoclose int fd = open_blob(s->h, d->digest, e);
	int r = fd < 0 ? fd : hash_open(&hash, e);

	if (r == 0)
		r = save_out_begin(&s->out, name, (uint64_t)d->size, e);
	for (int64_t left = d->size; left > 0 && r == 0;) {
		ssize_t n = read(fd, buf, left < SIZE ? (size_t)left : SIZE);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? err_set(e, errno, "read blob %.19s", d->digest)
				     : err_fail(e, ERR_DIGEST_MISMATCH, "blob %.19s is cut off",
						d->digest);
		hash_add(&hash, buf, (size_t)n);
		left -= n;
		r = save_out_bytes(&s->out, buf, (size_t)n, e);
	}
	if (r < 0)
		return r;
	hash_end(&hash, &got);
	if (strcmp(got.hex, digest_hex(d->digest)) != 0) {
		err_fail(e, ERR_DIGEST_MISMATCH, "blob %.19s was changed in the store", d->digest);
		return err_hint(e, "remove the image with hoy rmi, and load or pull it again");
	}
	return save_out_end(&s->out, e);
}

struct counting {
	struct saving *s;
	struct hash hash;
	int64_t size;
};

static int to_compressed(void *arg, const void *p, size_t n, struct err *e)
{
	struct counting *c = arg;

	c->size += (int64_t)n;
	hash_add(&c->hash, p, n);
	return save_out_bytes(&c->s->out, p, n, e);
}

struct deflating {
	struct deflate *z;
	struct board_layer *shown; /* counts what goes in: nobody knows how much will come out */
};

static int to_deflate(void *arg, const void *p, size_t n, struct err *e)
{
	const struct deflating *f = arg;

	if (f->shown) {
		f->shown->arrived += n;
		f->shown->progress.taken += n;
	}
	return deflate_add(f->z, p, n, e);
}

/* The tar of a layer through gzip; its digest, and so its name, is known afterwards. Directories only. */
static int compress_layer(struct saving *s, struct counting *c, const char *name,
			  const char *diffid, struct err *e)
{
	struct sink out = {to_compressed, c};
	struct deflate *z = NULL;
	struct replay *replay = NULL;
	struct layer_meta meta = {0};
	struct digest d;
	int r = digest_parse(diffid, &d, e);

	if (r == 0)
		r = hash_open(&c->hash, e);
	if (r == 0)
		r = layer_meta_any(s->h, &d, &s->arena, &meta, e);
	if (r == 0)
		r = replay_open(&replay, s->h, &d, s->form, e);
	if (r == 0)
		r = deflate_open(&z, INFLATE_GZIP, GZIP_LEVEL, &out, e);
	if (r == 0)
		r = save_out_begin(&s->out, name, 0, e);
	if (r == 0)
		save_shown(s, diffid, (uint64_t)meta.tar_size);
	struct deflating into = {z, s->out.shown};
	struct sink in = {to_deflate, &into};
	s->out.shown = NULL;
	if (r == 0)
		r = replay_all(replay, &in, NULL, e);
	s->out.shown = into.shown;
	if (r == 0)
		r = deflate_end(z, e);
	if (r == 0)
		r = save_out_end(&s->out, e);
	if (r == 0)
		save_shown_end(s);
	deflate_close(z);
	replay_close(replay);
	return r;
}

static int save_compressed(struct saving *s, const struct family *f, const char *diffid,
			   struct oci_descriptor *d, struct err *e)
{
	struct counting c = {.s = s};
	char *part = arena_printf(&s->arena, "%s%.64s.part", f->prefix, digest_hex(diffid));
	struct digest got;
	char buf[DIGEST_STR];
	int r = compress_layer(s, &c, part, diffid, e);

	if (r < 0) {
		hash_free(&c.hash);
		return r;
	}
	hash_end(&c.hash, &got);
	d->digest = arena_strdup(&s->arena, digest_str(&got, buf));
	d->size = c.size;
	char *name = arena_printf(&s->arena, "%s%s", f->prefix, got.hex);
	strv_add(&s->out.done, name);
	return renameat(s->out.fd, part, s->out.fd, name) < 0
		       ? err_set(e, errno, "write %s", s->out.what)
		       : 0;
}

/* One layer into the output. *d becomes what was written; *ret_changed is set if it is no more what it was. */
static int save_layer(struct saving *s, const struct family *f, const char *diffid,
		      struct oci_descriptor *d, bool *ret_changed, struct err *e)
{
	struct digest blob;
	enum inflate_kind kind = INFLATE_PLAIN;
	const char *before = d->digest;
	int r = digest_parse(d->digest, &blob, e);
	bool kept = r == 0 && layer_blob_exists(s->h, &blob, d->size);

	if (r == 0 && kept)
		r = save_blob_kind(s->h, d->digest, &kind, e);
	if (r < 0)
		return r;
	/* other compressions have no media type in this family, other readers do not know them */
	if (kind > (f->docker ? INFLATE_GZIP : INFLATE_ZSTD)) {
		kept = false;
		kind = INFLATE_PLAIN;
	}
	char *name = arena_printf(&s->arena, "%s%.64s", f->prefix, digest_hex(before));
	if (kind == INFLATE_PLAIN && s->job->compress) {
		r = save_compressed(s, f, diffid, d, e);
		kind = INFLATE_GZIP;
	} else if (kept) {
		bool written = save_out_has(&s->out, name);
		if (!written)
			save_shown(s, diffid, (uint64_t)d->size);
		r = written ? 0 : save_blob(s, name, d, e);
		if (r == 0)
			save_shown_end(s);
	} else {
		name = arena_printf(&s->arena, "%s%.64s", f->prefix, digest_hex(diffid));
		d->digest = diffid;
		r = save_tar(s, name, diffid, &d->size, e);
	}
	*ret_changed |= strcmp(before, d->digest) != 0;
	d->media_type = save_layer_type(f->docker, kind);
	return r;
}

/* Layers, config and manifest of an image. *ret: the descriptor of the manifest. */
static int save_one(struct saving *s, const struct family *f, const struct save_image *im,
		    struct str *ret_text, struct oci_descriptor *ret, struct err *e)
{
	scoped(save_source) src = {0};
	int r = save_source_read(s, im->id, im->form, &src, e);
	bool docker = r == 0 && str_eq(src.m.media_type, MEDIA_DOCKER_MANIFEST), changed = false;
	struct oci_descriptor *d = src.m.layers.v;

	for (size_t i = 0; r == 0 && i < src.m.layers.n; i++)
		r = save_layer(s, f, src.doc.rootfs.diff_ids.v[i], &d[i], &changed, e);
	if (r < 0)
		return r;
	char *name = arena_printf(&s->arena, "%s%.64s", f->prefix, digest_hex(im->id));
	if (!save_out_has(&s->out, name))
		r = save_out_file(&s->out, name, str_cstr(&src.config), src.config.len, e);
	if (r < 0)
		return r;
	if (!changed && docker == f->docker) {
		str_addn(ret_text, str_cstr(&src.manifest), src.manifest.len);
	} else {
		src.m.media_type = f->docker ? MEDIA_DOCKER_MANIFEST : MEDIA_OCI_MANIFEST;
		src.m.config.media_type = f->docker ? MEDIA_DOCKER_CONFIG : MEDIA_OCI_CONFIG;
		autofree char *text = oci_manifest_write(&src.m);
		str_add(ret_text, text);
	}
	struct digest got;
	char buf[DIGEST_STR];
	r = hash_bytes(str_cstr(ret_text), ret_text->len, &got, e);
	ret->media_type = f->docker ? MEDIA_DOCKER_MANIFEST : MEDIA_OCI_MANIFEST;
	ret->digest = arena_strdup(&s->arena, r == 0 ? digest_str(&got, buf) : "");
	ret->size = (int64_t)ret_text->len;
	return r;
}

/* One entry of the index for each name; podman and skopeo read the one annotation, containerd and docker the other. */
static void add_to_index(struct saving *s, struct oci_index *ix, const struct oci_descriptor *d,
			 const struct strs *names)
{
	for (size_t i = 0; i < names->n || i == 0; i++) {
		struct oci_descriptor *to = bind_append(&s->arena, &ix->manifests, sizeof *to);
		*to = *d;
		if (!names->n)
			break;
		pairs_set(&s->arena, &to->annotations, ANNOTATION_CONTAINERD_NAME, names->v[i]);
		pairs_set(&s->arena, &to->annotations, ANNOTATION_REF_NAME, names->v[i]);
	}
}

int save_oci(struct saving *s, struct err *e)
{
	static const char layout[] = "{\"imageLayoutVersion\":\"1.0.0\"}";
	static const struct family oci = {false, "blobs/sha256/"};
	struct oci_index ix = {.schema_version = 2, .media_type = MEDIA_OCI_INDEX};
	scoped(str) text = {0};
	int r = save_out_file(&s->out, "oci-layout", layout, sizeof layout - 1, e);

	for (size_t i = 0; i < s->job->n && r == 0; i++) {
		scoped(str) manifest = {0};
		struct oci_descriptor d = {0};
		r = save_one(s, &oci, &s->job->images[i], &manifest, &d, e);
		if (r < 0)
			break;
		char *name = arena_printf(&s->arena, "%s%.64s", oci.prefix, digest_hex(d.digest));
		if (!save_out_has(&s->out, name))
			r = save_out_file(&s->out, name, manifest.s, manifest.len, e);
		add_to_index(s, &ix, &d, &s->job->images[i].names);
	}
	if (r < 0)
		return r;
	json_write(&text, bind_write(oci_index_fields, &ix, &s->arena), 0);
	return save_out_file(&s->out, "index.json", text.s, text.len, e);
}

int save_docker_dir(struct saving *s, struct err *e)
{
	static const char version[] = "Directory Transport Version: 1.1\n";
	static const struct family docker = {true, ""};
	scoped(str) manifest = {0};
	struct oci_descriptor d = {0};
	int r = save_out_file(&s->out, "version", version, sizeof version - 1, e);

	if (r == 0)
		r = save_one(s, &docker, &s->job->images[0], &manifest, &d, e);
	return r < 0 ? r : save_out_file(&s->out, "manifest.json", manifest.s, manifest.len, e);
}
