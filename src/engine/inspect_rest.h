/*
 * inspect_rest.h - the fields of `inspect` that say "none": what podman's and docker's objects have and hoy's containers do not.
 *
 * Scripts ask for .HostConfig.Memory of every container; a template that names a field that is not there fails. So each field of both
 * engines that hoy knows nothing to say about has the value that they give when it was never set. What is there already stays.
 */
#ifndef ENGINE_INSPECT_REST_H
#define ENGINE_INSPECT_REST_H

#include "data/json.h"

/* Adds to the object of a container, and to the objects in it. */
void inspect_rest(struct json *container, struct arena *a);

#endif
