/*
 * layer_stack.h - the layers of an image as directories: the one way by which anything gets at the files that layers show.
 *
 * The init of a container, views (view.h), copies (copied.h) take descriptors from here and know neither where a layer lies nor how it is
 * kept. What lies beside the files (meta, recipe, owners) belongs to store/ alone. So a store of single files can take the place of plain
 * layers: there a layer is a tree of metadata, and below all of them lies one directory of contents ("data-only" for overlayfs); this
 * struct would get it as one more member, overlay_mount() one more option, and copy_layer() would open contents through it.
 */
#ifndef STORE_LAYER_STACK_H
#define STORE_LAYER_STACK_H

#include "store/layers.h"

struct layer_stack {
	int *fd; /* the top first; O_PATH, of the mount namespace in which they were opened */
	size_t n;
};

/* form: of the layers, by its name. The first n of these layers (diffIDs, the bottom one first). Left out are those that lie higher up once more, for an overlay takes no directory
 * twice, and all below a layer that hides them (an opaque root, at which overlayfs does not look). ERR_LAYER_MISSING, ERR_LAYER_FORM. */
int layer_stack_open(const struct home *h, const char *form, const struct strs *layers, size_t n,
		     struct layer_stack *ret, struct err *e);
void layer_stack_free(struct layer_stack *s);

/* One more directory, on top or below all others. The descriptor is the stack's from now on. */
void layer_stack_put_top(struct layer_stack *s, int fd);
void layer_stack_put_bottom(struct layer_stack *s, int fd);

/* Makes in the directory to what an overlay of them would show, owners and all: inside U0. */
int layer_stack_copy(const struct layer_stack *s, int to, struct err *e);

#endif
