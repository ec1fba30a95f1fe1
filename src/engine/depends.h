/*
 * depends.h - which containers join namespaces of which, or are started after which.
 *
 * The one that is joined has an empty file joined/<id> for each that joins it, made when that is created. An entry is a hint: it counts
 * only while that container is there, so nothing has to be taken back.
 */
#ifndef ENGINE_DEPENDS_H
#define ENGINE_DEPENDS_H

#include "engine/container.h"

/* Notes at all containers that c joins that it does. */
int depends_record(const struct home *h, const struct container_config *c, struct err *e);

/* ERR_CONTAINER_IN_USE, with one of the names, while any container joins c. */
int depends_check(const struct home *h, const struct container *c, struct err *e);

/* Ids of all that were noted at c; some may be gone by now. */
void depends_list(const struct container *c, struct strs *ret, struct arena *a);

#endif
