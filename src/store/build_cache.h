/*
 * build_cache.h - what steps made, by the digest of all that they depend on: the build cache.
 *
 * build/cache/<hex> is a small file: the layer that the step gave (or none), and the inputs by name, so that a later miss can say which of them changed. Its
 * mtime is when it was last used. The layers lie with all others and are kept by the garbage collector as long as a record names them. Records are written under a
 * temporary name and renamed, never changed: two builds may write the same one. A record whose layer is gone, or that does not parse, is no record.
 * build/plans/<hex> remembers the inputs of the last build of one Dockerfile in one context, for that comparison alone.
 */
#ifndef STORE_BUILD_CACHE_H
#define STORE_BUILD_CACHE_H

#include "data/bind.h"
#include "data/hash.h"
#include "state/home.h"

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

/* The key: sha256 over the inputs in their order. */
struct digest build_cache_key(const struct pairs *inputs);

/* 0, or -ENOENT: a miss. A hit is marked as used. The layer was there in this form (or can be made, layer_form.h). */
int build_cache_find(const struct home *h, const struct digest *key, struct arena *a,
		     struct build_cache_record *ret);
int build_cache_put(const struct home *h, const struct digest *key,
		    const struct build_cache_record *r, struct err *e);

/* Waits for whoever works at the same step: a descriptor that holds its lock until it is closed (the kernel drops it with its process). waits: called
 * once, if there is somebody. */
int build_cache_lock(const struct home *h, const struct digest *key, void (*waits)(void *arg),
		     void *arg, struct err *e);

/* For whoever collects garbage: calls fn for the diffID of every record. */
int build_cache_layers(const struct home *h, int (*fn)(void *arg, const char *diffid), void *arg,
		       struct err *e);

struct build_cache_usage {
	int64_t records, bytes,
		reclaimable; /* bytes: of layers that no image has, and of cache mounts */
};
int build_cache_usage(const struct home *h, struct build_cache_usage *ret, struct err *e);

struct build_cache_prune {
	bool all;      /* all, not only what was not used lately */
	int64_t older; /* seconds since the last use; 0: any */
	int64_t keep;  /* bytes that may stay; 0: none */
	bool mounts;   /* cache mounts too */
	bool dry;
	void (*row)(void *arg, const char *key, const struct build_cache_record *r, int64_t bytes);
	void *arg;
};
/* Least recently used first. What runs now is left alone. */
int build_cache_prune(const struct home *h, const struct build_cache_prune *p, int64_t *ret_bytes,
		      struct err *e);

/* Called after each build: keeps the cache below its limits (hoy.conf: build-cache-size, default 20 GiB or a tenth of the disk; build-cache-age, 30 days). One readdir when within. */
void build_cache_trim(const struct home *h);

#endif
