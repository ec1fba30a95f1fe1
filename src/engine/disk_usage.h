/*
 * disk_usage.h - what takes room in the store: `system df`.
 *
 * Of images the layers (in all owner forms) and the kept blobs count, as store/room.h tells: nothing is walked. Of containers counts what
 * they have written. Of volumes what is in them. Of the build cache
 * the layers that no image has, and cache mounts. Room that two images share counts once in the sums. Reclaimable is what removing all images without a container, and
 * all containers that do not run, and all volumes that no container uses, would free.
 */
#ifndef ENGINE_DISK_USAGE_H
#define ENGINE_DISK_USAGE_H

#include "data/json.h"
#include "state/home.h"

/* Everything lives in the arena. */
struct disk_usage {
	struct json *kinds; /* one object each for images, containers, volumes, the build cache */
	/* with details; display values: */
	struct json *images, *containers, *volumes, *builds;
};

int disk_usage_find(const struct home *h, bool docker, bool details, struct arena *a,
		    struct disk_usage *ret, struct err *e);

/* A line of .builds. */
struct build_cache_item;
struct json *disk_usage_build_json(const struct build_cache_item *i, struct arena *a);

/* An object of .kinds that stands for nothing. */
struct json *disk_usage_sample(bool docker, struct arena *a);

#endif
