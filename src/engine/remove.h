/*
 * remove.h - removing containers.
 */
#ifndef ENGINE_REMOVE_H
#define ENGINE_REMOVE_H

#include "engine/container.h"

/* Would it be removed now, as far as can be seen without touching it? alone: those that depend on it stay. The errors are those of removing it. */
int container_remove_check(const struct home *h, const struct container *c, bool force, bool alone,
			   struct err *e);

/* Removes a container that does not run; with force a running one is killed first, or given time_s seconds to stop if that is not
 * negative. ERR_CONTAINER_RUNNING without force. Works on a full disk. */
int container_remove(const struct home *h, struct container *c, bool force, int64_t time_s,
		     struct err *e);
/* The same with its anonymous volumes, those that no other container uses. */
int container_remove_with_volumes(const struct home *h, struct container *c, bool force,
				  int64_t time_s, struct err *e);

#endif
