/*
 * board.h - what the processes that add layers write down while they work, for whoever shows it: memory that they share.
 *
 * Each value has one writer and is only looked at by others, so nothing is locked. Layers beyond the room are worked on as well, but not shown.
 */
#ifndef STORE_BOARD_H
#define STORE_BOARD_H

#include "store/layers.h"

enum { BOARD_MAX = 512, BOARD_WORKERS = 32 };

enum board_stage {
	BOARD_WAITS,	 /* its turn has not come */
	BOARD_WORKS,	 /* bytes arrive or are unpacked */
	BOARD_ELSEWHERE, /* another process is at it */
	BOARD_DONE,
	BOARD_THERE, /* nothing had to be done */
};

struct board {
	pid_t workers
		[BOARD_WORKERS]; /* who is at work: each enters itself before it locks anything; 0: nobody */
	unsigned n;
	bool sends; /* layers go out; arrived counts what is there */
	bool saves; /* layers are written into an archive; arrived counts what was */
	struct board_layer {
		char name[13];	  /* the first digits of its digest */
		uint64_t size;	  /* of the blob */
		uint64_t arrived; /* bytes of it that are here */
		enum board_stage stage;
		struct layer_progress progress;
	} v[BOARD_MAX];
};

struct board *board_new(struct err *e); /* NULL with e filled */
void board_free(struct board *b);	/* NULL is fine */

/* A line for a layer, or NULL if there is no room; b may be NULL. blob: its digest, or that of its tar; hex digits. */
struct board_layer *board_add(struct board *b, const char *hex, uint64_t size);

/* The parent of the workers was killed: waits until they, who die with it, are gone and hold no lock any more. */
void board_await_workers(const struct board *b);

/* Who looks at it: called now and then while work goes on, and once more (last) at the end of all work. */
struct board_watch {
	void (*show)(void *arg, const struct board *b, bool last);
	void *arg;
	int every; /* milliseconds */
};

#endif
