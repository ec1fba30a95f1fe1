/*
 * root_mount.h - the files of a container as a directory, for programs inside `hoy unshare`.
 *
 * One that runs has its root already: /proc/PID/root, to read and to write. The files of one that does not are mounted at mounts/<id> (mounted.h), read-only: a
 * mount that could be written to would have to keep everybody from starting the container, and no process is sure to outlive whoever might be killed.
 */
#ifndef ENGINE_ROOT_MOUNT_H
#define ENGINE_ROOT_MOUNT_H

#include "data/bind.h"
#include "engine/container.h"

struct mounted_container {
	const char *id, *name, *path;
};

/* What is mounted stays so. Everything lives in the arena. ERR_NOT_UNSHARED, ERR_HOST_ROOT. */
int container_mount(const struct home *h, const char *text, struct arena *a,
		    struct mounted_container *ret, struct err *e);
/* Those that are mounted or run: struct mounted_container. */
int container_mounts(const struct home *h, struct arena *a, struct bind_list *ret, struct err *e);
/* ERR_NOT_MOUNTED, also for one that only runs. */
int container_unmount(const struct home *h, const char *text, bool force, struct err *e);

#endif
