/*
 * requires.h - containers that are started before another one (--requires).
 *
 * The list is part of a container's config, as ids, and cannot have circles: what is required is there before who requires it. That somebody requires
 * it is noted at each as for namespaces (depends.h), so that it is not removed. container_start() starts them.
 */
#ifndef ENGINE_REQUIRES_H
#define ENGINE_REQUIRES_H

#include "engine/container.h"

/* Names of existing containers into c->requires. */
int requires_set(const struct home *h, const struct strs *names, struct container_config *c,
		 struct arena *a, struct err *e);

#endif
