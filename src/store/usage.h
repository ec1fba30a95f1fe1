/*
 * usage.h - how many bytes containers have written into their own layer, and how large other parts of the store are.
 *
 * What counts is the size of the files, hard links once, directories not at all. Directories that belong to other ids of
 * the container can only be read inside U0; that is entered when one is met, and not before.
 */
#ifndef STORE_USAGE_H
#define STORE_USAGE_H

#include "state/home.h"

/* Fills ret[i] for each id; 0 for a container that is gone. What cannot be read is left out; that is no error. */
void containers_usage(const struct home *h, const char *const *ids, size_t n, int64_t *ret);

/* The same for any directories of the store, by their paths in it. */
void trees_usage(const struct home *h, const char *const *paths, size_t n, int64_t *ret);

#endif
