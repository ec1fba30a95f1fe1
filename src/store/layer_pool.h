/*
 * layer_pool.h - several layers at once: as many processes as there are processors, the largest layers first.
 */
#ifndef STORE_LAYER_POOL_H
#define STORE_LAYER_POOL_H

#include "store/board.h"

struct pool_job {
	struct layer_job
		job; /* its source is read in another process: nothing may share its position */
	struct board_layer *board; /* NULL: not shown */
	struct layer_info info;	   /* what layer_add() found; filled at the end */
};

/* layer_add() for all of them. Runs inside U0. The first error ends all; what was added before stays, for the caller to
 * collect (gc.h). board may be NULL. */
int layers_add_all(const struct home *h, const struct u0_map *map, struct pool_job *const *v,
		   size_t n, struct board *board, struct err *e);

#endif
