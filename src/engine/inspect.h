/*
 * inspect.h - all that is known of a container, as one JSON object under the names of podman and docker.
 *
 * Only what is true is in it: a field of theirs that would have to be made up is left out. Nothing is locked, nothing waited for.
 */
#ifndef ENGINE_INSPECT_H
#define ENGINE_INSPECT_H

#include "engine/container.h"

struct inspect_opts {
	bool docker; /* docker's forms of what the two write differently: "/name", "sha256:" before the image's id */
	bool size; /* measure files: SizeRw, SizeRootFs */
};

/* c was opened; its config is loaded if it is not yet. */
int container_inspect(const struct home *h, struct container *c, const struct inspect_opts *o,
		      struct arena *a, struct json **ret, struct err *e);

#endif
