/*
 * wait.h - waiting until a container is in one of several conditions.
 *
 * Nobody asks again and again: what a container is follows from files of its directory, which are replaced (inotify tells), from its supervisor
 * (a pidfd tells), and the exit code of one that removes itself comes over the supervisor's socket. Only where no inotify can be had are the
 * files read every `interval`.
 */
#ifndef ENGINE_WAIT_H
#define ENGINE_WAIT_H

#include "engine/container.h"

enum wait_for {
	WAIT_CREATED = 1,
	WAIT_RUNNING = 2,
	WAIT_RESTARTING = 4,
	WAIT_PAUSED = 8,
	WAIT_ENDED = 16,     /* it does not run, or has just ended a run */
	WAIT_NEXT_EXIT = 32, /* a run ends from now on */
	WAIT_REMOVED = 64,
	WAIT_HEALTHY = 128,
	WAIT_UNHEALTHY = 256,
	WAIT_LOST = 512,
};

/* podman's words and docker's, separated by commas. ERR_USAGE. */
int wait_parse(const char *text, unsigned *ret, struct err *e);

/* *ret_code: the exit code, if it is a matter of the end; else -1. ERR_HEALTH_NONE where health is asked for and there is no check. */
int container_wait_for(const struct home *h, struct container *c, unsigned conditions,
		       int64_t interval_ms, int *ret_code, struct err *e);

#endif
