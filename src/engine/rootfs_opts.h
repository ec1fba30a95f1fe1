/*
 * rootfs_opts.h - the options of run and create that bring files of the machine in place of those of an image or of hoy: --rootfs DIRECTORY and --init-path.
 */
#ifndef ENGINE_ROOTFS_OPTS_H
#define ENGINE_ROOTFS_OPTS_H

#include "runtime/config.h"

/* --rootfs PATH[:O]: the container's root is that directory itself, or an overlay over it. ERR_MOUNT if it is none. */
int rootfs_opts_set(const char *text, struct container_config *c, struct arena *a, struct err *e);

/* --init-path FILE, which goes with --init: it is mounted into the container, and runs the command. path may be NULL. */
int rootfs_opts_init(const char *path, bool init, struct container_config *c, struct arena *a,
		     struct err *e);

#endif
