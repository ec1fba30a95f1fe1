/*
 * own.h - whose files are on the host: what may be given to a container's user (the option U), and getting back what was.
 *
 * Files that a container has written, or was given, can belong to subordinate ids of the user, who then cannot change them. own_back() gives them back,
 * inside U0. Trees are walked by descriptors, links are never followed, and other file systems below are left alone.
 */
#ifndef ENGINE_OWN_H
#define ENGINE_OWN_H

#include "state/home.h"

/* May the option U give this host path (absolute) away, with all below? Not the home directory or the store, or what has them in it, nor what is not the
 * user's. ERR_MOUNT with a hint. */
int own_may_give(const struct home *h, const char *path, struct err *e);

struct own_result {
	uint64_t given;	 /* files that became the user's, or would */
	uint64_t others; /* files of ids that are none of the user's */
};
/* Gives path, and all below it, to the user, where it belongs to one of his other ids. dry: only counts. ERR_USAGE for a link, ERR_ID_RANGE where he has one id only. */
int own_back(const struct home *h, const char *path, bool dry, struct own_result *ret,
	     struct err *e);

#endif
