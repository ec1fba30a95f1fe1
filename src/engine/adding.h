/*
 * adding.h - work inside U0 that adds layers and images to the store, from the mark to the cleaning up.
 *
 * What a failure or an interruption leaves is collected before it returns. Between the mark and the cleaning up, signals reach only
 * the child that works: it is ended, and the command comes back to tidy up.
 */
#ifndef ENGINE_ADDING_H
#define ENGINE_ADDING_H

#include "store/board.h"

/* u0_run() with the mark of an adder (store/gc.h). board: where fn's workers enter themselves, and what w shows; NULL if it has none. */
int adding_run(const struct home *h, int (*fn)(const struct u0_map *map, void *arg, struct err *e),
	       void *arg, struct board *board, const struct board_watch *w, struct err *e);

/* u0_run() with somebody who looks (w->show is not NULL): what adding_run() does without the mark. A signal ends the child, and comes back as ERR_INTERRUPTED. */
int watched_run(const struct home *h, int (*fn)(const struct u0_map *map, void *arg, struct err *e),
		void *arg, struct board *board, const struct board_watch *w, struct err *e);

#endif
