/*
 * step_impl.h - what the kinds of steps share: writing into the next layer without a container.
 */
#ifndef BUILD_STEP_IMPL_H
#define BUILD_STEP_IMPL_H

#include "build/step.h"
#include "store/view.h"

/* u0_run() of work that writes a result: into memory shared with the child, from which it is taken over. */
int step_in_u0(const struct home *h, int (*fn)(const struct u0_map *map, void *arg, struct err *e),
	       void *arg, struct step_result **shared, struct step_result *ret, struct err *e);

/* At work in the root of the image as it is to be. */
struct step_place {
	const struct step_base *base;
	const struct u0_map *map;
	const struct home *seen; /* the store by the mounts of this process: for views */
	int root;		 /* O_PATH */
};

/* In a child in U0: makes a directory below tmp/ with an overlay of the layers (or a copy of them), runs fn at it and adopts what it wrote. what is
 * for messages. */
int step_write(const struct step_base *b, const char *what,
	       int (*fn)(const struct step_place *p, void *arg, struct err *e), void *arg,
	       struct step_result *ret, struct err *e);

#endif
