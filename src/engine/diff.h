/*
 * diff.h - what a container has changed, or what the topmost layer of an image changes, or how two trees differ.
 *
 * A container's changes are what lies in its upper directory, held against the layers: nothing below directories that were not
 * touched is read. Two trees are compared whole, by type, owner, mode, size and time. What hoy itself makes in each container (mount points of
 * generated files, /etc/mtab) is no change. A directory is changed if its mode or owner is, or something in it.
 */
#ifndef ENGINE_DIFF_H
#define ENGINE_DIFF_H

#include "engine/tree.h"

struct diff_change {
	char kind;	  /* 'A' added, 'C' changed, 'D' deleted */
	const char *path; /* absolute, any bytes but 0 */
};
struct diff_result {
	struct bind_list
		changes; /* of struct diff_change; a directory before what is in it, else by name */
};

/* other: what to compare with; NULL: the layers below. Everything lives in the arena. */
int tree_diff(const struct home *h, struct tree *t, struct tree *other, struct arena *a,
	      struct diff_result *ret, struct err *e);

#endif
