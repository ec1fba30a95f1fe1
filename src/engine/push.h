/*
 * push.h - the verb push: which image goes where.
 */
#ifndef ENGINE_PUSH_H
#define ENGINE_PUSH_H

#include "engine/pull.h"
#include "pull/push.h"

struct image_push_opts {
	struct push_job job; /* but for the image, the destination and what follows */
	struct image_pull_opts
		pulling; /* registry, retries, display and callbacks are as when pulling; docker: short names are docker.io's */
};

struct image_pushed {
	const char *name; /* where it is now: in the arena */
	struct push_done done;
};

/* text: the image; to: NAME[:TAG] at a registry, "docker://" before it or not; NULL: the image's own name. Everything lives in the arena. */
int image_push(const struct home *h, const char *text, const char *to,
	       const struct image_push_opts *o, struct arena *a, struct image_pushed *ret,
	       struct err *e);

/* The tags that a repository ("quay.io/team/app", "app") has here, as full names, sorted. ERR_IMAGE_UNKNOWN if there is none; ERR_REF if text has a tag. */
int image_push_tags(const struct home *h, const char *text, bool docker, struct arena *a,
		    struct strs *ret, struct err *e);

/* The full name that to (or text, without one) means, for those who announce it. */
int image_push_name(const char *text, const struct image *im, const char *to, bool docker,
		    struct arena *a, struct reference *ret, struct err *e);

#endif
