/*
 * run.h - a build from its options to its result; build.h has both.
 */
#ifndef BUILD_RUN_H
#define BUILD_RUN_H

#include "build/build.h"

/* Errors: ERR_DOCKERFILE ..., ERR_BUILD_COMMAND (exit code of the command in e->exit), ERR_INTERRUPTED. Whatever happens, only valid cache is left. */
int build_run(const struct home *h, const struct build_opts *o, struct build_result *ret,
	      struct err *e);
void build_result_free(struct build_result *r);

#endif
