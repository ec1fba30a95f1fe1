/*
 * copy_place.h - what the two paths of a cp mean: where the files are, and under which name they go where.
 *
 * The rules are those of docker cp and podman cp: a file to a name that is not there makes it, to a file replaces it, to a directory goes into
 * it; a directory to a name that is not there becomes it, to a directory goes into it (SRC/.: what is in it does), to a file is an error.
 * root is the container's root directory, in which all links stay, or AT_FDCWD.
 */
#ifndef ENGINE_COPY_PLACE_H
#define ENGINE_COPY_PLACE_H

#include "engine/copy.h"

struct place_source {
	int fd;		  /* a readable directory, or O_PATH of anything else */
	mode_t mode;	  /* its kind */
	bool contents;	  /* only what is in the directory is meant */
	const char *name; /* under which it goes into a directory */
	const char *what; /* for messages: "web:/etc/hosts" */
};
static inline void place_source_free(struct place_source *s)
{
	fd_close(&s->fd);
}

/* Texts live in the arena. ERR_COPY if it is not there. */
int place_source(int root, const struct copy_end *from, bool follow, struct arena *a,
		 struct place_source *ret, struct err *e);

struct place_target {
	int fd;		/* the directory that all goes into */
	const char *as; /* as of struct unpack_plain */
	bool keep_root;
	const char *what;
};
static inline void place_target_free(struct place_target *t)
{
	fd_close(&t->fd);
}

/* from NULL: a stream, which goes into a directory that is there. dir: the source is a directory. Nothing is made. ERR_COPY. */
int place_target(int root, const struct copy_end *to, const struct copy_end *from, bool dir,
		 struct arena *a, struct place_target *ret, struct err *e);

#endif
