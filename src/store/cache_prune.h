/*
 * cache_prune.h - what the build cache holds, and making it smaller.
 *
 * Items are records (build_cache.h) and the directories of RUN --mount=type=cache (build/mounts/<hex>/, whose last use is the directory's mtime; one that is
 * in use is locked by flock and left alone). What a record costs is the room of its layer, unless an image or a container has that layer too:
 * then removing the record frees nothing. Removing takes the names away under the store's lock; layers go as always (gc.h), so a build that goes on
 * meanwhile, which is an adder, keeps all that it has found.
 */
#ifndef STORE_CACHE_PRUNE_H
#define STORE_CACHE_PRUNE_H

#include "store/build_cache.h"

struct build_cache_item {
	const char *key; /* hex: the name of the record, or of the mount's directory */
	struct build_cache_record
		record; /* of a mount only .step (its id) is there; its inputs are not kept */
	struct timespec used;
	int64_t bytes; /* that removing it, and all others of the same layer, would free; told at the first of them */
	bool shared; /* an image or a container has the layer */
	bool mount;
};
struct build_cache_list {
	struct arena arena;
	struct bind_list items; /* struct build_cache_item, the least recently used first */
	int64_t bytes,
		reclaimable; /* of layers that no image has, and of mounts; without mounts that are in use */
	size_t active; /* items that are shared or in use */
};
void build_cache_list_free(struct build_cache_list *l);
int build_cache_list(const struct home *h, struct build_cache_list *ret, struct err *e);

struct build_cache_prune {
	bool all; /* also what images have made of it; else only what no image and no container has */
	int64_t older;	/* seconds since the last use; 0: any */
	uint64_t keep;	/* bytes that may stay; 0: none */
	bool no_mounts; /* cache mounts stay */
	bool dry;
	bool (*fits)(void *arg, const struct build_cache_item *i); /* may be NULL: all do */
	void (*row)(void *arg,
		    const struct build_cache_item *i); /* of each that goes; may be NULL */
	void *arg;
};
/* Least recently used first. *ret_bytes: the room that becomes free, now or when the builds that go on have ended. */
int build_cache_prune(const struct home *h, const struct build_cache_prune *p, int64_t *ret_bytes,
		      struct err *e);

struct build_cache_limits {
	uint64_t size; /* bytes; 0: the default, 20 GiB or a tenth of the disk, whichever is less */
	int64_t age;   /* seconds since the last use; 0: 30 days; -1: any */
};
/* Called after each build: keeps the cache below its limits, and removes what killed builds have left in build/. Most times it looks at one file and
 * counts one directory: the whole is gone through once an hour, and when there are more records than then. Never fails. */
void build_cache_trim(const struct home *h, const struct build_cache_limits *l);

#endif
