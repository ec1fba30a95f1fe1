/*
 * mapped.h - containers whose ids are not just those of U0 (--userns, --uidmap): their map, looked at from a U0.
 *
 * config.json has the map as ranges of U0's ids, chosen at create. Which of these there are is only known inside a U0, whose ids may be fewer
 * at another start. Such a container has layers of its own owner form (store/layer_map.h), and its mounts are made from U0 (outer.h).
 */
#ifndef RUNTIME_MAPPED_H
#define RUNTIME_MAPPED_H

#include <sys/stat.h>

#include "runtime/config.h"
#include "state/u0.h"
#include "store/layer_map.h"

struct mapped {
	bool on; /* else the container has all ids of U0, and nothing below is set */
	struct layer_map layers;
	struct id_map uids, gids; /* the same maps in pieces that the kernel takes */
};

/* ERR_ID_RANGE names the ids that this U0 does not have. */
int mapped_find(const struct container_config *c, const struct u0_map *u0, struct mapped *ret,
		struct err *e);

/* The same, and what a container needs before its files are mounted: its layers in the form for its map, and its directory (container_dir) in the hands of
 * its root. Inside U0. */
int mapped_prepare(const struct home *h, const struct container_config *c, const struct u0_map *u0,
		   int container_dir, struct mapped *ret, struct err *e);
/* The form of its layers. */
const char *mapped_layers(const struct mapped *m, const struct u0_map *u0);
/* What it writes into belongs to its root; also after a copy was made (store/copied.h). */
int mapped_give(const struct mapped *m, int container_dir, struct err *e);

/* The same of a config alone, for one of whose containers runs. */
struct mapped_root {
	uid_t uid;
	gid_t gid;
};
struct mapped_root mapped_root_of(const struct container_config *c);

/* The ids in U0 that the container's root has; 0 without a map. */
uid_t mapped_root_uid(const struct mapped *m);
gid_t mapped_root_gid(const struct mapped *m);

/* Do two files, each seen in U0, belong to the same owner in the eyes of their containers? */
bool mapped_same_owner(const struct mapped *ma, const struct stat *a, const struct mapped *mb,
		       const struct stat *b);

#endif
