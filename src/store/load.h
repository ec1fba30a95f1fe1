/*
 * load.h - images out of archives: docker's (docker save, podman save, skopeo, old ones with links too), OCI archives and layouts, skopeo's dir:.
 *
 * Three passes: all documents are read and verified, then all layers added, several at once, then the images linked. So an archive of which one
 * image is bad gives none. What the second pass has left when it fails is collected by the caller (gc.h), who holds the mark of an adder.
 *
 * Verified: size and digest of every blob that has them, the diffID of every layer, and that documents fit each other. Docker's archives
 * have no manifest: one is made, in the very bytes that other tools make it for the same archive, so that digests agree.
 */
#ifndef STORE_LOAD_H
#define STORE_LOAD_H

#include "oci/image_spec.h"
#include "state/u0.h"
#include "store/archive.h"
#include "store/layer_pool.h"

struct loaded {
	const char *id;
	struct strs names; /* full names with tags; empty if the archive gives none */
};

/* Runs inside U0 (u0_run). *ret lists what was loaded, in the order of the archive; it lives in the arena. max_layer: bytes that a layer may unpack to, 0: as unpack.h
 * says. board may be NULL. */
int load_archive(const struct home *h, const struct u0_map *map, const struct archive *ar,
		 uint64_t max_layer, struct board *board, struct arena *a, struct bind_list *ret,
		 struct err *e);

/* Inside of load_*.c: an image on its way. */
struct loading {
	const struct home *h;
	const struct u0_map *map;
	const struct archive *ar;
	uint64_t max_layer;
	struct board *board;
	struct arena *a;
	const char *blobs;	 /* what stands before the digests of blobs in their paths */
	struct bind_list images; /* of struct load_image */
	struct bind_list layers; /* of struct load_layer *, each once */
};
struct load_image {
	const char *config, *manifest; /* the texts; docker's archives have no manifest */
	size_t config_len, manifest_len;
	const char *config_digest, *manifest_digest;
	struct strs names;
	const struct image_doc *doc;
	struct load_layer **layers; /* of doc */
};
/* They read the documents and say which layers are wanted. */
int load_docker(struct loading *l, struct err *e);
int load_oci(struct loading *l, struct err *e);
int load_dir(struct loading *l, struct err *e);
/* The manifest of an image that came without one, when its layers are known. */
int load_docker_manifest(struct loading *l, struct load_image *im, struct err *e);

/* The image with this config that was met before, or NULL. Pointers hold until the next load_image_new(). */
struct load_image *load_image_met(struct loading *l, const char *config_digest);
struct load_image *load_image_new(struct loading *l);
/* Adds a name: a short one gets this registry, one without a tag "latest". */
int load_name(struct loading *l, struct load_image *im, const char *name, const char *registry,
	      struct err *e);

/* A layer of the archive. */
struct load_layer {
	const char *path; /* in the archive */
	const char *blob; /* NULL: docker's archives do not know it */
	const char *diffid;
	int64_t size;  /* of the blob, -1: not known */
	size_t number; /* from 1, for messages */
	/* filled by load_layer(): */
	const struct archive *ar;
	struct archive_file file;
	struct source_fd reading;
	struct pool_job job;
};
/* Wants it; *ret is the one of that content that was met first. */
int load_layer(struct loading *l, const struct load_layer *layer, struct load_layer **ret,
	       struct err *e);

#endif
