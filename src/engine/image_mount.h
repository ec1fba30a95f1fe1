/*
 * image_mount.h - an image as a directory of this machine, read-only, for programs inside `hoy unshare`.
 *
 * Only there a user may mount, and only there the files have the owners that containers see. The mount lies at mounts/<id> of the store, in the mount
 * namespace of that program: other processes do not see it, and it goes away with the last one that does. Nothing is written down: what is mounted is what
 * the kernel says.
 */
#ifndef ENGINE_IMAGE_MOUNT_H
#define ENGINE_IMAGE_MOUNT_H

#include "engine/image.h"

struct mounted_image {
	const char *id;
	struct strs names; /* full, with tags */
	const char *path;
};

/* Mounts the image that text means; one that is mounted stays. Everything lives in the arena. ERR_NOT_UNSHARED. */
int image_mount(const struct home *h, const char *text, struct arena *a, struct mounted_image *ret,
		struct err *e);
/* Those that are mounted: struct mounted_image, the newest image first. */
int image_mounts(const struct home *h, struct arena *a, struct bind_list *ret, struct err *e);
/* *ret_id: the image's. ERR_NOT_MOUNTED. force: also while somebody uses it. */
int image_unmount(const struct home *h, const char *text, bool force, struct arena *a,
		  const char **ret_id, struct err *e);

#endif
