/*
 * volume_opts.h - the volumes of a container that is being made: --volumes-from, --image-volume, --volume-driver, and the volumes that its mounts name.
 */
#ifndef ENGINE_VOLUME_OPTS_H
#define ENGINE_VOLUME_OPTS_H

#include "engine/container.h"

struct volume_opts {
	struct strs from;	  /* CONTAINER[:OPTION[,OPTION...]] */
	const char *driver;	  /* of volumes that are made; NULL: local */
	const char *image_volume; /* anonymous, bind (the same), tmpfs or ignore; NULL: anonymous */
	bool docker;
};

/* Adds the mounts of other containers, then those that the image asks for, where nothing is mounted yet. */
int volume_opts_add(const struct home *h, const struct volume_opts *o,
		    const struct strs *image_volumes, struct container_config *c, struct arena *a,
		    struct err *e);

/* Makes sure that all volumes of c are there, and writes into its mounts what they are. dir: of the container, still below tmp/. sync: what is
 * made outlives a power cut. *ret_lock keeps others from removing them until it is closed: when the container's record can be seen; -1 if
 * it has none. */
int volume_opts_take(const struct home *h, const struct volume_opts *o, struct container_config *c,
		     int dir, bool sync, struct arena *a, int *ret_lock, struct err *e);

#endif
