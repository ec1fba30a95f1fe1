/*
 * build_cache.h - what steps made, by the digest of all that they depend on: the build cache.
 *
 * build/cache/<hex> is a small file: the layer that the step gave (or none), and the inputs by name, so that a later miss can say which of them changed. Its
 * mtime is when it was last used. The layers lie with all others and are kept by the garbage collector as long as a record names them. Records are written under a
 * temporary name and renamed, never changed: two builds may write the same one. A record whose layer is gone, that does not parse, or whose inputs do not give
 * the digest that is its name, is no record.
 * build/plans/<hex> remembers the inputs of the last build of one Dockerfile in one context, for that comparison alone. Nothing that was pulled or loaded is ever looked at
 * for a step: what is not in here was not made here.
 *
 * Listing, pruning and limits are in cache_prune.h.
 */
#ifndef STORE_BUILD_CACHE_H
#define STORE_BUILD_CACHE_H

#include "data/bind.h"
#include "data/hash.h"
#include "state/home.h"

enum { BUILD_CACHE_MAX = 4 << 20 }; /* bytes of a record */

struct build_cache_record {
	int64_t version;      /* 1 */
	const char *layer;    /* diffID; NULL: the step changed no file */
	int64_t tar_size;     /* of the layer */
	int64_t size;	      /* room of the layer, for listings */
	const char *step;     /* "RUN make", for listings */
	int64_t milliseconds; /* that it took */
	const char *created;  /* RFC 3339 */
	struct pairs inputs;  /* name -> digest or text; secrets never */
};

/* The key: sha256 over the inputs in their order. All zero where libcrypto is missing. */
struct digest build_cache_key(const struct pairs *inputs);

/* 0, or -ENOENT: a miss. A hit is marked as used. The layer is there, in whatever form (layer_form.h makes the one that is wanted). */
int build_cache_find(const struct home *h, const struct digest *key, struct arena *a,
		     struct build_cache_record *ret);
/* The same by an open directory build/cache, without marking it and whether or not its layer is there: for those who look at all of them. -EBADMSG: it is no record. */
int build_cache_read(int dir, const char *hex, struct arena *a, struct build_cache_record *ret);

/* r->inputs are those that made the key. ERR_DISK_FULL and the like. */
int build_cache_put(const struct home *h, const struct digest *key,
		    const struct build_cache_record *r, struct err *e);

/* A record as text, and back (-EBADMSG): what goes to others as well (build/cache_remote.h). what names it in messages. */
void build_cache_write(const struct build_cache_record *r, struct str *out);
int build_cache_parse(const char *text, size_t len, const struct digest *key, struct arena *a,
		      struct build_cache_record *ret);

/* Waits for whoever works at the same step: a descriptor that holds its lock until it is closed (the kernel drops it with its process). waits: called
 * once, if there is somebody; may be NULL. */
int build_cache_lock(const struct home *h, const struct digest *key, void (*waits)(void *arg),
		     void *arg, struct err *e);

/* For whoever collects garbage: calls fn for the diffID of every record, until it returns something other than 0, which is the result. */
int build_cache_layers(const struct home *h, int (*fn)(void *arg, const char *diffid), void *arg,
		       struct err *e);

#endif
