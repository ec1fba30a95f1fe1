/*
 * export.h - the whole file system of a container as one tar: its layers with what it has written, in the order of the names.
 *
 * Mounts are not part of it: their mount points are empty. Whoever is root in the container can change files meanwhile, but leads nobody
 * out of it: the tree is walked by descriptors, without links.
 */
#ifndef ENGINE_EXPORT_H
#define ENGINE_EXPORT_H

#include "engine/tree.h"

/* output: a file; NULL: standard output, which must be no terminal. Nothing is left of a file that was not finished. */
int container_export(const struct home *h, struct tree *t, const char *output, struct err *e);

#endif
