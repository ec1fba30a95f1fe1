/*
 * supervise.h - the supervisor: one small process per container, alive as long as it.
 *
 * It is forked by the command that starts the container and has no parent that it needs. It enters U0, starts PID 1
 * (runtime/launch.h), owns the streams, the log and the attach socket (containers/<id>/attach), records what became of PID 1, and
 * removes the container if --rm was given. If its policy says so (monitor/restart.h), it starts the container again, after a wait in which the state
 * is "restarting": the same process, with the same socket, networks and ports. SIGTERM ends the supervisor for good: the container is asked
 * to end, one that waits is left as it is. It holds the lock of the container's directory as long as it lives. Nothing is
 * allocated while the container runs.
 */
#ifndef MONITOR_SUPERVISE_H
#define MONITOR_SUPERVISE_H

#include "runtime/launch.h"
#include "state/container.h"

struct supervise {
	const struct home *home;
	const struct container_config *config;
	struct container_state
		*state; /* as it is on disk; the supervisor keeps it up to date there */
	int dir;	/* containers/<id>, locked */
	struct winsize size;
	bool unpublished; /* it lies in tmp/<id> until it runs; if it never does, it leaves nothing */
	struct fd_kept fds; /* for PID 1; the supervisor keeps none of them */
	uint8_t want; /* HELLO_* of the starting client; 0: it only waits for the word that it runs */
	/* A step of a build: it stays in tmp/<id>, which is left to its starter when it has ended; it ends with its starter, and nobody else hears of it. Its
	 * output goes straight to out and err, and is neither relayed nor logged. */
	bool inner;
	int in, out, err; /* in: -1 is /dev/null */
};

/* Forks the supervisor. *ret_sock is a connection to it (monitor/proto.h), on which FRAME_STARTED or FRAME_ERROR comes first.
 * Returns its pid; it is our child. */
int supervise_start(const struct supervise *s, int *ret_sock, struct err *e);

#endif
