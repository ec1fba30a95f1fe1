/*
 * tree.h - the file system of a container or an image, as diff, export and commit take it: its layers, and on top of them what
 * the container has written.
 *
 * Found by what the user typed outside of U0; opened inside (store/view.h).
 */
#ifndef ENGINE_TREE_H
#define ENGINE_TREE_H

#include "engine/container.h"
#include "runtime/mapped.h"
#include "store/view.h"

enum tree_kind { TREE_ANY, TREE_CONTAINER, TREE_IMAGE };

struct tree {
	struct container ct; /* of a container, with its config; dir is -1 for an image */
	struct arena arena;
	const char *what;   /* for messages: "container web" */
	struct strs layers; /* diffIDs, the bottom one first */
	const char *upper;  /* "containers/<id>/upper"; NULL: an image */
	bool copied;	    /* upper is a copy of the layers that was written to: store/copied.h */
	const char *form;   /* of its layers: set by tree_prepare() */
	struct mapped mapped; /* the same: whose ids its files have */
};
#define TREE_NONE ((struct tree){.ct = {.dir = -1}})
void tree_free(struct tree *t);

/* TREE_ANY looks for a container first. verb is for the refusal of a container whose root is the host's (@host): ERR_HOST_ROOT. */
int tree_find(const struct home *h, const char *text, enum tree_kind kind, const char *verb,
	      struct tree *ret, struct err *e);

/* Inside U0, after view_enter(): all of it, as the container or a container of the image sees it. */
int tree_view(const struct home *h, const struct tree *t, struct view *ret, struct err *e);

/* Inside U0: are its files those of this owner form? Makes layers that are there in another one only. ERR_LAYER_FORM. */
int tree_prepare(const struct home *h, const struct u0_map *map, struct tree *t, struct err *e);

/* What a verb returns for it: if the container was removed meanwhile, that is the reason for whatever was not found: ERR_CONTAINER_UNKNOWN. */
int tree_explain(const struct home *h, const struct tree *t, int r, struct err *e);

#endif
