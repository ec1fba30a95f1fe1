/*
 * image_tree.h - the layers of an image as a tree: one branch, or all images that are built upon it.
 */
#ifndef ENGINE_IMAGE_TREE_H
#define ENGINE_IMAGE_TREE_H

#include "engine/image.h"

struct tree_layer {
	const char *diffid; /* digits */
	int64_t size;	    /* of its tar */
	struct strs names; /* of images whose top layer it is, here; an id where there is no name */
	struct tree_layer **children;
	size_t n;
};

/* The layers of the image (the first child of *ret is the bottom one, each the only child); with above the images that are built upon it: the one child of
 * *ret is the image's top layer. Everything lives in the arena; im has been through image_more(). */
int image_tree(const struct home *h, const struct image *im, bool above, struct arena *a,
	       struct tree_layer *ret, struct err *e);

#endif
