/*
 * inspect_limits.h - the fields of `inspect` about what a container may use, in HostConfig, and about its cgroup.
 */
#ifndef ENGINE_INSPECT_LIMITS_H
#define ENGINE_INSPECT_LIMITS_H

#include "data/json.h"
#include "engine/container.h"

/* The limits that count now, those of an update included. Those that are not set are left to inspect_rest.h. */
int inspect_limits(const struct container *c, bool docker, struct json *host_config,
		   struct arena *a, struct err *e);

#endif
