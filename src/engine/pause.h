/*
 * pause.h - pausing: all processes of a container are held still until somebody lets them go on.
 *
 * Where the container has a cgroup of its own its freezer does it, which nobody inside can see; else SIGSTOP for each process (sys/freeze.h). The file `paused` in the
 * container's directory says that it is so, whoever did it and whatever became of that process; it is there before the first process is stopped and goes after the
 * last one was let go on, so that an unpause can repair every pause that was cut off. The supervisor removes it when the container ends.
 */
#ifndef ENGINE_PAUSE_H
#define ENGINE_PAUSE_H

#include "engine/container.h"
#include "sys/freeze.h"

/* *ret_by_signals: there was no cgroup. ERR_CONTAINER_NOT_RUNNING, ERR_CONTAINER_PAUSED. */
int container_pause(const struct home *h, struct container *c, bool *ret_by_signals, struct err *e);
int container_unpause(const struct home *h, struct container *c, struct err *e);

/* Holds it for a moment (freeze_free() ends that), unless it does not run or is paused anyway. */
int container_hold(const struct container *c, struct freeze *ret, struct err *e);

#endif
