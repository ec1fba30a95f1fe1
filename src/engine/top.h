/*
 * top.h - the processes of a container, in the columns of podman top or of ps(1).
 *
 * Everything is read from /proc of this machine, as the user that we are. No program is run, neither of the host nor of the image
 * (CVE-2022-1227), and no namespace is entered: numbers of the container are those that the kernel tells beside ours, names of users
 * are looked up in the container's files, which are as hostile as ever.
 */
#ifndef ENGINE_TOP_H
#define ENGINE_TOP_H

#include "engine/container.h"

struct top_query {
	struct strs
		words; /* descriptors ("pid", "huser") or options of ps ("-ef", "aux", "-o", "pid,cmd"); none: the default */
	bool docker; /* only options of ps; the default is -ef, and pids are those of this machine */
};

/* Fills ret with lines of cells (each followed by a tab or the newline, for table_align), the headings first. ERR_USAGE,
 * ERR_CONTAINER_NOT_RUNNING. */
int container_top(const struct home *h, struct container *c, const struct top_query *q,
		  struct str *ret, struct err *e);

/* All descriptors, separated by blanks. */
const char *top_descriptors(void);

#endif
