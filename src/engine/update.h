/*
 * update.h - changing what a container may use, and its restart policy, running or not.
 */
#ifndef ENGINE_UPDATE_H
#define ENGINE_UPDATE_H

#include "engine/container.h"
#include "engine/health_opts.h"
#include "engine/limit_opts.h"

/* What is NULL or empty stays as it is. */
struct update {
	struct limit_opts limits;
	const char *restart;
	struct health_opts health;
	struct strs env, unset_env, ulimits;
};

/* Limits are changed in the cgroup of a running container first, then in its record; if one cannot be set, all are as before. A new health check is run by the
 * supervisor from now on; environment and ulimits are those of each exec from now on and of the container from its next start on.
 * *ret_later: what cannot be had before the next start, for the user; NULL: nothing. ERR_LIMIT_BAD, ERR_CGROUP, ERR_HEALTH_NONE, ERR_USAGE. */
int container_update(const struct home *h, struct container *c, const struct update *u,
		     const char **ret_later, struct err *e);

#endif
