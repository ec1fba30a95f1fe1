/*
 * pull_many.h - several images at once.
 *
 * Each is pulled by a process of its own, a few at a time, in the order in which they were named; what they have in common is fetched by one of them,
 * because a blob that somebody works on is locked (pull/pull.h). What became of them is told in the order of the names, too, whoever is ready
 * first. One that fails stops no other; a signal ends all, each in the orderly way of its own.
 */
#ifndef ENGINE_PULL_MANY_H
#define ENGINE_PULL_MANY_H

#include "engine/pull.h"

enum { PULL_MANY_MOST = 32 };

struct image_pull_many {
	const struct strs *names;
	unsigned parallel;		    /* at once; 1 to PULL_MANY_MOST */
	const struct image_pull_opts *opts; /* but for watch, begins and warn */

	int every; /* milliseconds */
	/* Every so often: the layers of all, in one board. NULL: nobody looks. */
	void (*show)(void *arg, const struct board *all);
	/* The registry is asked for this one now. */
	void (*begins)(void *arg, const char *name);
	/* In the order of the names. why->code is 0 if it is here; warning is "" or what else there is to say; b are its layers, ms how long it took. */
	void (*done)(void *arg, const struct image_pulled *p, const struct err *why,
		     const char *warning, const struct board *b, int64_t ms);
	void *arg;
};

/* Fails only as a whole: ERR_INTERRUPTED, or no processes or memory to be had. */
int image_pull_many(const struct home *h, const struct image_pull_many *m, struct err *e);

#endif
