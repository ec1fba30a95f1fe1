/*
 * explain.h - why a step was not in the cache: what the same step depended on in the last build of this Dockerfile.
 *
 * build/plans/<hex>, named by context, Dockerfile, stage and platform, has the inputs of each step as they were last time, and what files stood behind them. It is a
 * memory for messages alone: when it is gone, nothing is built that would not have been built, and nothing else.
 */
#ifndef BUILD_EXPLAIN_H
#define BUILD_EXPLAIN_H

#include "build/job.h"

struct explain; /* of one stage; NULL is fine everywhere */

struct explain *explain_open(struct stage *s);
void explain_free(struct explain *x);

/* What is different from last time, in one line ("src/a.c changed"); NULL: this step is new. Lives in the step's arena. */
const char *explain_miss(struct explain *x, struct step *j);
/* Remembers a step for the next time. */
void explain_add(struct explain *x, const struct step *j);
/* Writes what was added, if it is anything new. Nothing is lost when that fails. */
void explain_save(struct explain *x);

#endif
