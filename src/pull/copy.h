/*
 * copy.h - documents and images into a registry that do not come from the store: an index, and images of other registries.
 *
 * An image goes over as it is: its manifest keeps its digest. What the destination has is not fetched, within one registry blobs are taken over from
 * the other repository, and the rest passes through a nameless file of the store. All of it happens in a process of its own, as libcurl
 * may start threads.
 */
#ifndef PULL_COPY_H
#define PULL_COPY_H

#include "registry/registry.h"
#include "state/home.h"

struct copy_image {
	struct reference from;		/* full, with a digest: a manifest, no index */
	struct registry_opts from_opts; /* may have mirrors */
	struct reference to;		/* full */
	struct registry_opts to_opts;
};
/* The manifest is stored there by its digest. Errors: those of registry.h, ERR_INTERRUPTED. */
int copy_image(const struct home *h, const struct copy_image *c, struct err *e);

/* Stores a manifest or an index under the tag of to. */
int copy_document(const struct reference *to, const struct registry_opts *o, const char *media_type,
		  const char *text, size_t len, struct err *e);

#endif
