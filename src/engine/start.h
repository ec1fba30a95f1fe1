/*
 * start.h - starting containers, and talking to those that run.
 */
#ifndef ENGINE_START_H
#define ENGINE_START_H

#include <sys/ioctl.h>

#include "engine/container.h"

/* A step of a build: its supervisor ends it when the connection ends, reads and writes these (in: -1 is /dev/null), and leaves its directory, with the lock, to the caller. */
struct start_inner {
	int in, out, err;
};

struct start_opts {
	bool attach, input;  /* the caller wants to see the output, to give the input */
	bool unpublished;    /* see create.h; if it cannot be started it leaves nothing */
	struct winsize size; /* of the caller's terminal */
	const struct start_inner *inner; /* as create_opts.layers; NULL: an ordinary container */
	const struct fd_kept *fds;	 /* descriptors of ours that the process gets; NULL: none */
};

/* Starts a created or exited container; its config must be loaded. *ret_sock is the connection to its supervisor, on which the
 * word that it runs is still to come (monitor/client.h). ERR_CONTAINER_RUNNING. */
int container_start(const struct home *h, struct container *c, const struct start_opts *o,
		    int *ret_sock, struct err *e);

/* Connects to a running one. */
int container_attach(const struct home *h, struct container *c, bool input, int *ret_sock,
		     bool *ret_tty, struct err *e);

#endif
