/*
 * copy.h - cp: files from one place to another, of which at least one is a container.
 *
 * How it goes: a source writes a tar into a pipe, a sink unpacks it; each is a process of its own, which is inside of its container (runtime/inside.h)
 * or has the caller's rights. What a container has written is only ever data: names are walked by descriptors and links of the container lead nowhere else.
 */
#ifndef ENGINE_COPY_H
#define ENGINE_COPY_H

#include "state/home.h"

/* One end: a path here, a stream ("-"), or a path in a container. */
struct copy_end {
	const char *container; /* NULL: here */
	const char *path;      /* NULL: standard input or output */
};

enum copy_owner {
	COPY_OWNER_USER,   /* the container's user; here: the caller */
	COPY_OWNER_ROOT,   /* root of the container; here: the caller */
	COPY_OWNER_SOURCE, /* as it was there; here it takes root */
};

struct copy {
	struct copy_end from, to;
	enum copy_owner owner;
	bool follow;	/* a source that is a link means what it leads to */
	bool overwrite; /* a file may replace a directory, and the other way round */
};

struct copy_result {
	uint64_t entries, bytes;  /* of files' content; not known of a copy to a stream */
	uint64_t skipped_devices; /* are not made here, and not by who is not root */
};

/* "CONTAINER:PATH", "PATH" or "-", as docker and podman read it: what begins with "/" or "." is a path here. */
void copy_end_parse(const char *text, struct arena *a, struct copy_end *ret);

int copy_run(const struct home *h, const struct copy *c, struct copy_result *ret, struct err *e);

#endif
