/*
 * restart.h - a container that ends in order to be started again.
 *
 * A container of --rm must be marked before (container_keep). If the restarting command is killed in between, the container is left as an exited one.
 */
#ifndef ENGINE_RESTART_H
#define ENGINE_RESTART_H

#include "engine/start.h"

/* Starts it as container_start() does, but one that somebody else has started meanwhile is fine: then *ret_sock is -1. */
int container_start_again(const struct home *h, struct container *c, struct winsize size,
			  int *ret_sock, struct err *e);

#endif
