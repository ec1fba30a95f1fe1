/*
 * volume_plugins.h - volumes of plugins are mounted by these while a container runs.
 *
 * Whoever starts a container asks the plugins before the supervisor is there; that tells them when the container has ended. A file in the container's directory
 * says that they were asked, so that what a killed supervisor left behind is seen by the next start, or by who removes the container.
 */
#ifndef RUNTIME_VOLUME_PLUGINS_H
#define RUNTIME_VOLUME_PLUGINS_H

#include "runtime/config.h"

/* Writes into the mounts of c where their volumes are now. dir: the container's. Nothing where there are none. On failure nothing is left mounted. */
int volume_plugins_begin(struct container_config *c, int dir, struct arena *a, struct err *e);
/* Never fails; a plugin that does not answer is told nothing. */
void volume_plugins_end(const struct container_config *c, int dir);
/* The same for a container that nobody has ended, if the plugins were asked: one look if not. */
void volume_plugins_end_left(int dir);

#endif
