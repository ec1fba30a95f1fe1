/*
 * cache_remote.h - the build cache of another machine: --cache-from and --cache-to.
 *
 * What goes out is an image that nobody runs: its layers are those that the records of a build name, its config has the records in the label io.hoy.build-cache. So
 * registries and OCI layouts hold it like any image, and everything that comes in is verified as any pulled or loaded image is: layers by digest and diffID. A manifest without
 * the annotation of the same name is not fetched at all.
 *
 * What comes in is believed as far as it can be checked: a record counts only if its inputs give the key that it says, so only for a step that this build itself arrives at, and
 * never in place of a record that is here. That its layer is what the step would give is the word of whoever wrote the cache, whom the user names with --cache-from; an ordinary
 * image that is pulled never gets to say that.
 */
#ifndef BUILD_CACHE_REMOTE_H
#define BUILD_CACHE_REMOTE_H

#include "engine/push.h"

struct cache_place {
	bool local;	  /* a directory: an OCI layout */
	const char *ref;  /* name at a registry, or the directory */
	bool min;	  /* to: only the steps of the target's own stages */
	bool may_fail;	  /* to: ignore-error=true */
	const char *text; /* as typed, for messages */
};

/* "type=registry,ref=NAME", "type=local,src=DIR" (to: dest=), NAME alone. ERR_USAGE, ERR_ABSENT for gha, s3, azblob and inline, with the reason. */
int cache_place_parse(const char *text, bool to, struct arena *a, struct cache_place *ret,
		      struct err *e);

/* Takes all its records, and the layers that are missing. *ret_records: how many are new. ERR_BUILD_CACHE: there is none, or it is none. */
int cache_import(const struct home *h, const struct cache_place *p, const struct image_pull_opts *o,
		 size_t *ret_records, struct err *e);

/* Writes these records (hex keys) with their layers; what is gone meanwhile is left out. A directory must be new, empty, or one that was written by this. */
int cache_export(const struct home *h, const struct cache_place *p, const struct strs *keys,
		 const struct image_push_opts *o, size_t *ret_records, struct err *e);

#endif
