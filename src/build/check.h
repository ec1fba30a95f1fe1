/*
 * check.h - what of lint only a plan can see: variables that nobody sets, files that the ignore file leaves out.
 *
 * The stages are walked as a build would, but for what works: nothing is pulled, read or run. Where a base image is not here its environment is not known, and nothing is said about variables
 * of its stage.
 */
#ifndef BUILD_CHECK_H
#define BUILD_CHECK_H

#include "build/stage.h"

/* After build_plan(). Findings go to b->lint; what a build would refuse is refused here, too. */
int build_check(struct build *b, struct err *e);

#endif
