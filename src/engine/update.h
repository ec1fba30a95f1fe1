/*
 * update.h - changing what a container may use, and its restart policy, running or not.
 */
#ifndef ENGINE_UPDATE_H
#define ENGINE_UPDATE_H

#include "engine/container.h"
#include "engine/limit_opts.h"

/* limits: those that are given are changed, in the cgroup of a running container first, then in its record; if one cannot be set, all are as before. restart: NULL
 * leaves the policy. ERR_LIMIT_BAD, ERR_CGROUP, ERR_USAGE. */
int container_update(const struct home *h, struct container *c, const struct limit_opts *limits,
		     const char *restart, struct err *e);

#endif
