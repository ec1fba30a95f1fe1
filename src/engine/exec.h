/*
 * exec.h - one more process in a running container.
 */
#ifndef ENGINE_EXEC_H
#define ENGINE_EXEC_H

#include <sys/ioctl.h>

#include "engine/container.h"

struct exec_opts {
	struct strs args;
	struct strs env, env_files; /* as of --env and --env-file */
	const char *user, *workdir; /* NULL: the container's */
	bool tty, interactive, privileged, detach;
	struct winsize size;
	const struct fd_kept *fds; /* as of start_opts */
};

/* Starts it. *ret_sock as of container_start(). */
int container_exec(const struct home *h, struct container *c, const struct exec_opts *o,
		   int *ret_sock, struct err *e);

#endif
