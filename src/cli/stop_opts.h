/*
 * stop_opts.h - what stop and restart say about how a container was stopped.
 */
#ifndef CLI_STOP_OPTS_H
#define CLI_STOP_OPTS_H

#include "cli/each.h"
#include "engine/stop.h"

/* --time as typed: checked, docker's -1 (for ever) turned into a long time. */
int stop_check_time(const struct cli *c, int64_t *time, struct err *e);

/* Stops it, and says on standard error where it was killed instead. */
int stop_and_tell(struct cli *c, const struct home *h, struct container *ct, int64_t time, int sig,
		  struct err *e);

#endif
