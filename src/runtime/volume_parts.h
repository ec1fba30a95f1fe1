/*
 * volume_parts.h - what the modules that mount what the user asked for share: volumes.c (which is first, and knows the options), volume_named.c
 * and volume_overlay.c. Each mount's function is a step of its own that fails with the mount's destination in the error.
 */
#ifndef RUNTIME_VOLUME_PARTS_H
#define RUNTIME_VOLUME_PARTS_H

#include "runtime/stage.h"
#include "store/layer_stack.h"

/* Mounts what src (O_PATH) is, a file or a directory, at the destination of m, with the options that m has. */
int volume_attach(struct stage *s, const struct config_mount *m, int src, struct err *e);
/* The same for a mount that was made already: sets the options and attaches it. Does not close mnt. */
int volume_attach_mount(struct stage *s, const struct config_mount *m, int mnt, bool dir,
			struct err *e);
/* A file system in memory. */
int volume_tmpfs(struct stage *s, const struct config_mount *m, struct err *e);

/* The files behind fd are to be the user's, as soon as one knows who that is. Takes fd. then_ro: a mount that becomes read-only afterwards, or -1. */
void volume_own_later(struct stage *s, int fd, bool tree, int then_ro);

/* volume_named.c: a volume of the store, or of a driver. */
int volume_named(struct stage *s, const struct config_mount *m, struct err *e);

/* volume_overlay.c: option O, what is written goes into a layer of the container's own. Takes nothing. */
int volume_overlay(struct stage *s, const struct config_mount *m, int src, struct err *e);
/* An overlay of these directories, for the mount m; "/" as its destination is the container's root. A descriptor of its root, attached or not (*ret_attached). */
int volume_over(struct stage *s, const struct config_mount *m, const struct layer_stack *lower,
		bool *ret_attached, struct err *e);
/* An image's files. */
int volume_image(struct stage *s, const struct config_mount *m, struct err *e);

#endif
