/*
 * adopt.h - the upper directory of an overlay becomes a layer where it lies: nothing is copied, and every byte is read once, for the digest.
 *
 * The directory is walked as store/pack.h walks it. What was written since the work began gets one time (on disk and in the tar alike, so that
 * what programs remember of times stays true), then the stream gives diffID, size and recipe, and the directory is renamed to layers/<diffid>.<form>/diff. A
 * file system without overlays (copied.h) has no upper directory: there the stream is unpacked as for commit.
 */
#ifndef STORE_ADOPT_H
#define STORE_ADOPT_H

#include "state/tmp.h"
#include "store/layers.h"

struct adopt_job {
	const char *
		dir; /* relative to the store, locked by us: has "upper" (or what copied.h makes instead) */
	const struct strs *below; /* diffIDs under it, the bottom one first */
	struct timespec since;	  /* a file whose mtime is not older than this gets epoch ... */
	int64_t epoch;		  /* ... in seconds; negative: all times stay */
	bool all;		  /* every entry of the layer gets it (--timestamp) */
	const struct strs *
		leave; /* absolute paths that were mount points for the work alone: left out if they are empty and were not below */
	const char *what; /* for messages */
};

/* Inside U0, under a mark of an adder (gc.h). *ret_empty: nothing changed, no layer was made and ret is zero. The directory is gone or empty afterwards.
 * ERR_LAYER, ERR_DISK_FULL. */
int layer_adopt(const struct home *h, const struct u0_map *map, const struct adopt_job *j,
		struct layer_info *ret, bool *ret_empty, struct err *e);

#endif
