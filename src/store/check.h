/*
 * check.h - is the store whole? Looks at everything, changes nothing, takes no lock unless it finds a fault: then it looks again while
 * nobody changes images.
 *
 * Faults are what no crash of ours may leave behind: a name without its image, an image without a document or a layer, a layer or
 * blob that nothing has, a container without its record. Leftovers are what a killed process leaves and the next command
 * that writes takes away: unfinished work below tmp/, layers of an addition that died, names of containers that are gone. Work
 * that is going on at the moment is neither.
 */
#ifndef STORE_CHECK_H
#define STORE_CHECK_H

#include "data/bind.h"
#include "state/home.h"

struct check_finding {
	const char *kind;    /* "image", "name", "layer", "blob", "tmp", "container", "volume" */
	const char *name;    /* which one, as a path below the store or an id */
	const char *problem; /* one line */
	bool leftover;
};
struct check_report {
	struct arena arena;
	struct check_finding *v;
	size_t n, faults;
	size_t images, names, layers, blobs, containers, volumes; /* that were looked at */
	struct bind_list found;					  /* what v and n show */
};
void check_report_free(struct check_report *r);

int store_check(const struct home *h, struct check_report *ret, struct err *e);

/* Then, if wanted: reads every file of the layers and every blob and compares them with their digests. Slow; works inside U0. Layers
 * without a recipe (of earlier releases), and those of other owners that cannot be read from here, are left out. */
int store_check_contents(const struct home *h, struct check_report *r, struct err *e);

/* Adds a finding; for the files of the check. */
void check_add(struct check_report *r, bool leftover, const char *kind, const char *name,
	       const char *problem);

#endif
