/*
 * pull.h - one image from a registry into the store.
 *
 * Three kinds of processes work at once: one talks with the registry and appends to the blobs (fetch.h), some unpack what is there of them (inside U0,
 * store/layer_pool.h), and the caller's own watches them and answers signals. Compressed blobs are written once and kept; what is in
 * the store is not fetched, and what another process is fetching just now is waited for. When it fails, or is killed, the store has nothing that no
 * image has, but the pieces of blobs (store/partial.h) that the next pull goes on from.
 */
#ifndef PULL_PULL_H
#define PULL_PULL_H

#include "oci/platform.h"
#include "oci/reference.h"
#include "registry/registry.h"
#include "store/board.h"

struct pull_job {
	struct reference ref; /* full, with a tag or a digest; of both, the digest counts */
	struct platform_want platform;
	struct registry_opts registry;
	uint64_t max_layer; /* bytes of a layer unpacked; 0: as unpack.h says */
	struct board_watch watch;
	struct board *board; /* the caller's, shared, to write on; NULL: one is made */
};

struct pull_done {
	char id[DIGEST_LEN + 1];  /* of the image */
	char top[DIGEST_LEN + 1]; /* digest of what the name led to: an index or a manifest */
	bool changed;		  /* something had to be done */
	bool foreign;		  /* it is for another kind of machine, and none was asked for */
	char platform[128];	  /* of the image: "linux/arm64" */
};

/* Names it as ref says: by its tag, if there is no digest, and by the digest of what that led to. Errors: those of registry.h and layers.h,
 * ERR_IMAGE_BAD, ERR_PLATFORM, ERR_INTERRUPTED. */
int pull_image(const struct home *h, const struct pull_job *j, struct pull_done *ret,
	       struct err *e);

#endif
