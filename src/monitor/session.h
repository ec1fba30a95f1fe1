/*
 * session.h - an exec session: one process in a running container, with a short-lived monitor of its own.
 *
 * The monitor owns the session's pty or pipes and its exit code, so a detached session and a client that dies are no special
 * cases. It ends with its process.
 */
#ifndef MONITOR_SESSION_H
#define MONITOR_SESSION_H

#include "runtime/launch.h"
#include "state/container.h"
#include "state/home.h"

struct session {
	const struct home *home;
	const struct container_config *config;
	const struct config_process *process;
	const char *form;
	int pid1; /* pidfd of the container's PID 1 */
	struct winsize size;
	struct fd_kept fds; /* for the process */
	uint8_t want;	    /* HELLO_* of the client; 0: detached, all output is dropped */
	const char *cgroup; /* of the container (its state); NULL: none */
	bool limited;	    /* the process must not be outside of it */
	const struct container_state *state; /* of the container, for events */
};

/* Forks the monitor. *ret_sock as of supervise_start(). */
int session_start(const struct session *s, int *ret_sock, struct err *e);

#endif
