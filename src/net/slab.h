/*
 * slab.h - many small objects of one size, whose memory goes back to the kernel.
 *
 * A process that had 2,000 connections for a moment must not keep their memory for the months that follow, and malloc gives back only
 * what lies at the end of its heap. Objects lie in blocks of their own pages; a block without objects is unmapped, but for one that
 * stays for the next. Nothing moves: pointers hold until slab_put().
 */
#ifndef NET_SLAB_H
#define NET_SLAB_H

#include "base/base.h"

struct slab_block;

/* Zero but for size is empty and ready: SLAB_FOR(struct thing). */
struct slab {
	uint32_t size;		 /* of an object, a multiple of 8 */
	uint32_t used;		 /* objects that are out */
	struct slab_block *open; /* blocks with room first */
};
#define SLAB_FOR(t) ((struct slab){.size = (sizeof(t) + 7) & ~7U})

/* A zeroed object; NULL when the kernel gives no memory. */
void *slab_get(struct slab *s);
void slab_put(struct slab *s, void *object);
/* Unmaps the block that was kept, if nothing is in it. */
void slab_trim(struct slab *s);
/* Calls fn for each object that is out. fn may put the object that it is called with, and no other. */
void slab_each(struct slab *s, void (*fn)(void *object, void *arg), void *arg);

#endif
