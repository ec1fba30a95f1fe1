/*
 * stop.h - stopping, signalling and waiting for containers.
 *
 * Stopping tells the truth. The kernel drops a signal for a PID 1 that has no handler for it, and waiting ten seconds for such a
 * process helps nobody: where that is certain (sys/sigstate.h) and nobody asked for a timeout, it is killed at once and the report
 * says so. Who stops a container with a restart policy leaves a mark first (state/restart_policy.h), so that it stays down. One that has just begun gets the time to install a handler, three seconds from its start.
 */
#ifndef ENGINE_STOP_H
#define ENGINE_STOP_H

#include "engine/container.h"

enum { STOP_DEFAULT_TIMEOUT = 10 };

struct stop_report {
	enum stop_how { STOP_WAS_DOWN, STOP_BY_SIGNAL, STOP_NO_HANDLER, STOP_TIMED_OUT } how;
	int signal;
	int64_t timeout; /* seconds that were given */
};

/* timeout_s: -1: what the container was configured with, else the default. sig: 0: the container's stop signal. Returns when the
 * container has ended and its supervisor has recorded that. */
int container_stop(const struct home *h, struct container *c, int64_t timeout_s, int sig,
		   struct stop_report *ret, struct err *e);

/* Sends a signal to PID 1. One that is paused goes on if it is its stop signal. ERR_CONTAINER_NOT_RUNNING. With a restart policy, a signal that is meant to end the container is written down as the
 * user's wish that it stays ended; one that waits to be started again is not any more, whatever the signal. */
int container_kill(const struct home *h, struct container *c, int sig, struct err *e);

/* Ends the supervisor of a container that waits to be started again, and whatever it may be starting at this moment. Nothing is written down: who calls
 * this starts it, or has left the mark (state/restart_policy.h). */
int container_stop_waiting(const struct home *h, struct container *c, struct err *e);

/* Waits until PID 1 and the supervisor have ended. -ETIMEDOUT. wait_ms -1: for ever. */
int container_await_end(struct container *c, int wait_ms, struct err *e);

/* Waits for the container's exit code, also of one that removes itself. */
int container_wait(const struct home *h, struct container *c, int *ret_code, struct err *e);

#endif
