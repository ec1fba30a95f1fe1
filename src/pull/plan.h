/*
 * plan.h - what an image needs that the store does not have.
 */
#ifndef PULL_PLAN_H
#define PULL_PLAN_H

#include "oci/image_spec.h"
#include "pull/fetch.h"
#include "state/u0.h"
#include "store/board.h"

/* Where a layer comes from. */
enum plan_from {
	PLAN_THERE,	/* nothing to do */
	PLAN_BLOB,	/* the store has its blob */
	PLAN_PARTIAL,	/* blobs/partial, which is ours and is filled */
	PLAN_ELSEWHERE, /* blobs/partial, which another process has */
};

struct plan_layer {
	struct digest blob, diffid;
	uint64_t size;
	const char *what; /* for messages */
	bool keep;	  /* the blob is kept: it is compressed, so it cannot be made again */
	enum plan_from from;
	int fd;		   /* of the partial blob, or -1; locked unless it is elsewhere */
	bool resumed;	   /* part of it was there */
	struct growing *g; /* one for each blob */
	struct plan_layer *
		same; /* an earlier layer with the same blob, which it shares with this one; NULL */
	struct board_layer *board;
};

struct plan {
	const struct home *h;
	enum u0_form form;
	bool refused;  /* there was no room to begin with: it has been said */
	bool distrust; /* what is here of unfinished layers was wrong: fetch it anew */
	struct oci_manifest manifest;
	struct image_doc config;
	struct plan_layer *v; /* without repetitions */
	size_t n;
};

/* Reads the documents and checks that they are an image that can be stored. grow: IMAGE_MAX_LAYERS of them, shared memory. */
int plan_make(struct plan *p, const struct fetch_documents *d, const char *name, struct arena *a,
	      struct growing *grow, struct board *board, struct err *e);

/* Looks what is missing now, and takes the blobs that nobody else is fetching. */
int plan_look(struct plan *p, struct err *e);
size_t plan_count(const struct plan *p, enum plan_from from);

/* For a disk that became full on the way, when what was written is gone again: the hint says how much is needed at least, and how much there is, of bytes or of files. */
void plan_tell_room(const struct plan *p, struct err *e);

/* Gives all blobs back; with drop, what is there of them is removed. */
void plan_release(struct plan *p, bool drop);

#endif
