/*
 * view.h - what layers show together, read-only: an overlay that nobody else sees.
 *
 * For whoever reads the whole of an image, or of a container, while it may be running: its upper directory then lies on top of the layers as
 * one more of them. What is written there meanwhile may be seen or not. The mount is made in a mount namespace of the process's
 * own and vanishes with it, however it ends; nothing is written to the store but an empty directory below tmp/, which stays as long as the view.
 *
 * Where there is no overlay (ERR_NO_OVERLAY) the same is made by copying: below tmp/, or for view_mount() in memory. That is slower, and the kernel does
 * not keep it as it was: nothing else is different.
 *
 * Paths in a view are the container's: open them component by component and without following links, never whole.
 */
#ifndef STORE_VIEW_H
#define STORE_VIEW_H

#include "state/tmp.h"
#include "store/layers.h"

struct view {
	int mnt;  /* keeps it mounted; -1: none */
	int root; /* a directory that can be read */
	const struct home *h;
	struct home_tmp tmp;
};
#define VIEW_NONE ((struct view){-1, -1, NULL, {.fd = -1}})
void view_free(struct view *v);

/* Inside U0, in a process that ends soon: from now on its mounts are its own. Once, before any view; *ret is the store as those
 * mounts show it, which is what the calls below take. */
int view_enter(const struct home *h, struct home *ret, struct err *e);

/* form: of the layers, by its name. layers: diffIDs, the bottom one first; only the first n count. upper: a directory that lies on top, as a path in the store; NULL: none.
 * Without any layer it is upper itself, or an empty directory. ERR_LAYER_MISSING. */
int view_open(const struct home *h, const char *form, const struct strs *layers, size_t n,
	      const char *upper, struct view *ret, struct err *e);

/* The same, mounted read-only onto the directory at/name, which exists, in the present mount namespace; empty: a directory that stays empty. */
int view_mount(const struct home *h, const char *form, const struct strs *layers, const char *upper,
	       int at, const char *name, const char *empty, struct err *e);

#endif
