/*
 * solve.h - taking the stages through their instructions, as many at once as there are places.
 *
 * One process, one loop. A stage goes on until an instruction needs work that is not in the cache, or another stage; the work is a child (step.h), of which there are at most `jobs`.
 * The loop waits for children and for their output, which becomes events, and for signals. The first failure ends all others.
 */
#ifndef BUILD_SOLVE_H
#define BUILD_SOLVE_H

#include "build/stage.h"

/* Until all of the targets (stages of the build) are DONE. */
int solve(struct build *b, struct stage *const *targets, size_t n, struct err *e);

#endif
