/*
 * An OCI layout (image-layout.md), as a directory or in a tar: index.json names manifests, which name their blobs below
 * blobs/sha256/. An entry may be an index itself, for several platforms: then this machine's image is taken. Names
 * stand in annotations: containerd's holds the full name, OCI's a name or only a tag.
 *
 * And skopeo's dir:, which `save --format docker-dir` writes: one manifest, manifest.json, with its blobs beside it, and no names.
 */
#include "base/base.h"
#include "oci/platform.h"
#include "oci/reference.h"
#include "store/load.h"

enum { MAX_NESTING = 4 };

static int mismatch(const struct loading *l, struct err *e, const char *digest, const char *how)
{
	err_fail(e, ERR_DIGEST_MISMATCH, "%s: blob %.19s %s", archive_what(l->ar), digest, how);
	return err_hint(e, "nothing of it was kept; make or download the archive again");
}

/* A document, verified. */
static int read_blob(const struct loading *l, const struct oci_descriptor *d, size_t max,
		     struct str *out, struct err *e)
{
	scoped(archive_file) f = {.fd = -1};
	struct digest want, got;
	char path[80];

	snprintf(path, sizeof path, "%s%.64s", l->blobs, digest_hex(d->digest));
	int r = archive_find(l->ar, path, &f, e);
	if (r < 0)
		return r;
	if (f.size != (uint64_t)d->size)
		return mismatch(l, e, d->digest, "has another size than its descriptor says");
	r = archive_read(l->ar, path, max, out, e);
	if (r == 0)
		r = digest_parse(d->digest, &want, e);
	if (r == 0)
		r = hash_bytes(str_cstr(out), out->len, &got, e);
	if (r == 0 && !digest_eq(&want, &got))
		return mismatch(l, e, d->digest, "has another digest than its name says");
	return r;
}

static int want_layers(struct loading *l, const struct oci_manifest *m, const struct image_doc *doc,
		       struct err *e)
{
	const struct oci_descriptor *d = m->layers.v;
	char path[80];

	for (size_t i = 0; i < m->layers.n; i++) {
		if (d[i].media_type && strstr(d[i].media_type, "encrypted")) {
			err_fail(e, ERR_IMAGE_BAD, "%s: layer %zu is encrypted",
				 archive_what(l->ar), i + 1);
			return err_hint(e, "decrypt it first: skopeo copy --decryption-key");
		}
		snprintf(path, sizeof path, "%s%.64s", l->blobs, digest_hex(d[i].digest));
		struct load_layer layer = {.path = path,
					   .blob = d[i].digest,
					   .diffid = doc->rootfs.diff_ids.v[i],
					   .size = d[i].size,
					   .number = i + 1};
		int r = load_layer(l, &layer, &(struct load_layer *){NULL}, e);
		if (r < 0)
			return r;
	}
	return 0;
}

static int load_manifest(struct loading *l, const struct oci_descriptor *d, const char *text,
			 size_t len, const struct oci_manifest *m, struct load_image **ret,
			 struct err *e)
{
	scoped(str) config = {0};
	struct image_doc doc;

	*ret = load_image_met(l, m->config.digest);
	if (*ret)
		return 0;
	const char *what =
		arena_printf(l->a, "%s: config %.19s", archive_what(l->ar), m->config.digest);
	int r = read_blob(l, &m->config, IMAGE_MAX_CONFIG, &config, e);
	if (r == 0)
		r = image_doc_parse(l->a, str_cstr(&config), config.len, what, &doc, e);
	if (r == 0)
		r = image_doc_fits(&doc, m, what, e);
	if (r == 0)
		r = want_layers(l, m, &doc, e);
	if (r < 0)
		return r;
	struct load_image *im = *ret = load_image_new(l);
	im->config = arena_strndup(l->a, str_cstr(&config), config.len);
	im->config_len = config.len;
	im->config_digest = m->config.digest;
	im->manifest = arena_strndup(l->a, text, len);
	im->manifest_len = len;
	im->manifest_digest = d->digest;
	return 0;
}

/* The image behind a descriptor, through indexes. */
static int load_descriptor(struct loading *l, const struct oci_descriptor *d, int depth,
			   struct load_image **ret, struct err *e)
{
	scoped(str) text = {0};
	struct oci_document doc;
	const char *what = arena_printf(l->a, "%s: %.19s", archive_what(l->ar), d->digest);
	int r = read_blob(l, d, IMAGE_MAX_MANIFEST, &text, e);

	if (r == 0)
		r = oci_document_parse(l->a, str_cstr(&text), text.len, d->media_type, what, &doc,
				       e);
	if (r < 0)
		return r;
	if (doc.kind == OCI_MANIFEST)
		return load_manifest(l, d, str_cstr(&text), text.len, &doc.manifest, ret, e);
	if (depth == MAX_NESTING) {
		err_fail(e, ERR_IMAGE_BAD, "%s: indexes are nested more than %d deep", what,
			 MAX_NESTING);
		return err_hint(e, "nothing of it was kept");
	}
	const struct platform_want any = {0};
	const struct oci_descriptor *chosen = platform_choose(&doc.index, &any, what, e);
	if (!chosen)
		return -ENOENT;
	return load_descriptor(l, chosen, depth + 1, ret, e);
}

static int name_image(struct loading *l, struct load_image *im, const struct oci_descriptor *d,
		      struct err *e)
{
	const char *name = pairs_get(&d->annotations, ANNOTATION_CONTAINERD_NAME);

	if (!name)
		name = pairs_get(&d->annotations, ANNOTATION_REF_NAME);
	return str_is_empty(name) ? 0 : load_name(l, im, name, "localhost", e);
}

static bool fits_machine(const struct oci_descriptor *d)
{
	return !d->platform || (str_eq(d->platform->os, "linux") &&
				str_eq(d->platform->architecture, platform_arch()));
}

/* What stands beside images: attestations, signatures, and images for other machines where there is one for this. */
static bool is_beside(const struct oci_index *ix, const struct oci_descriptor *d)
{
	const struct oci_descriptor *all = ix->manifests.v;

	if (d->artifact_type || (d->platform && str_eq(d->platform->os, "unknown")))
		return true;
	if (fits_machine(d))
		return false;
	for (size_t i = 0; i < ix->manifests.n; i++)
		if (all[i].platform && fits_machine(&all[i]))
			return true;
	return false;
}

int load_oci(struct loading *l, struct err *e)
{
	scoped(str) text = {0};
	struct oci_document doc;
	const char *what = arena_printf(l->a, "%s: index.json", archive_what(l->ar));
	l->blobs = "blobs/sha256/";
	int r = archive_read(l->ar, "index.json", IMAGE_MAX_MANIFEST, &text, e);
	if (r == 0)
		r = oci_document_parse(l->a, str_cstr(&text), text.len, NULL, what, &doc, e);
	if (r < 0)
		return r;
	if (doc.kind != OCI_INDEX) {
		err_fail(e, ERR_IMAGE_BAD, "%s: it is a manifest, not an index", what);
		return err_hint(e, "nothing of it was kept");
	}
	const struct oci_descriptor *d = doc.index.manifests.v;
	for (size_t i = 0; i < doc.index.manifests.n; i++) {
		struct load_image *im;
		if (is_beside(&doc.index, &d[i]))
			continue;
		r = load_descriptor(l, &d[i], 0, &im, e);
		if (r == 0)
			r = name_image(l, im, &d[i], e);
		if (r < 0)
			return r;
	}
	return 0;
}

int load_dir(struct loading *l, struct err *e)
{
	scoped(str) text = {0};
	struct oci_document doc;
	struct oci_descriptor d = {0};
	struct digest digest;
	struct load_image *im;
	const char *what = arena_printf(l->a, "%s: manifest.json", archive_what(l->ar));

	l->blobs = "";
	int r = archive_read(l->ar, "manifest.json", IMAGE_MAX_MANIFEST, &text, e);
	if (r == 0)
		r = oci_document_parse(l->a, str_cstr(&text), text.len, NULL, what, &doc, e);
	if (r == 0)
		r = hash_bytes(str_cstr(&text), text.len, &digest, e);
	if (r < 0)
		return r;
	if (doc.kind != OCI_MANIFEST) {
		err_fail(e, ERR_IMAGE_BAD, "%s: it is an index, not a manifest", what);
		return err_hint(e, "load one image of it: its directory has a manifest of its own");
	}
	d.digest = arena_printf(l->a, "sha256:%s", digest.hex);
	return load_manifest(l, &d, str_cstr(&text), text.len, &doc.manifest, &im, e);
}
