/*
 * layer_form.h - layers in the owner form that a process needs, made from another form when they are first wanted.
 *
 * A store that was filled with subordinate ids and is used with one uid only (cron under no_new_privs, a machine without newuidmap), or the
 * other way round, has all the bytes: the tar of a layer comes from its kept blob or out of the files of the other form (replay.h) and is
 * unpacked again. Once: under the layer's lock, like any other adding, so that others wait for the one that does it.
 */
#ifndef STORE_LAYER_FORM_H
#define STORE_LAYER_FORM_H

#include "store/layers.h"

/* Inside U0: makes those of the layers (diffIDs) that are not there in the form of map, in a child process, synced. When nothing is missing
 * it costs two system calls for each. ERR_LAYER_FORM names the file that cannot be read from here, ERR_LAYER_REBUILD and ERR_LAYER_MISSING
 * as replay_open(). */
int layer_forms_make(const struct home *h, const struct u0_map *map, const struct strs *diffids,
		     struct err *e);

#endif
