/*
 * remove.h - removing containers.
 */
#ifndef ENGINE_REMOVE_H
#define ENGINE_REMOVE_H

#include "engine/container.h"

/* Removes a container that does not run; with force a running one is killed first, or given time_s seconds to stop if that is not
 * negative. ERR_CONTAINER_RUNNING without force. Works on a full disk. */
int container_remove(const struct home *h, struct container *c, bool force, int64_t time_s,
		     struct err *e);

/* Its name and its files; the caller holds the lock. */
int container_remove_files(const struct home *h, struct container *c, struct err *e);

/* Ends PID 1 of a container that lost its supervisor, and waits until it is gone. */
void container_end_lost(struct container *c);

#endif
