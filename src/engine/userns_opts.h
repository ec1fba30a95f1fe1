/*
 * userns_opts.h - --userns, --uidmap, --gidmap, --subuidname and --subgidname: which ids of the user a container has.
 *
 * All forms end as one map of ids of U0 in config.json, or as none: then the container has all of them, which is the default, host and private. keep-id, nomap
 * and the maps are decided here; auto takes its range when the container's record is made (userns_auto.h). Ids of U0 are what podman calls
 * the intermediate namespace: 0 is the user, 1 the first subordinate id; for root they are the machine's.
 *
 * Sources: podman-run(1).
 */
#ifndef ENGINE_USERNS_OPTS_H
#define ENGINE_USERNS_OPTS_H

#include "engine/container.h"
#include "sys/userns.h"

struct userns_opts {
	const char *mode; /* --userns; NULL or "": $PODMAN_USERNS, if no map is given */
	struct strs uidmap, gidmap;
	const char *subuidname, *subgidname;
};

/* What auto was asked for. */
struct userns_auto {
	bool on;
	uint32_t size;		  /* 0: by the image's users */
	struct id_map uids, gids; /* further ranges */
};

/* After the process of c is known: keep-id gives it a user if it has none. ERR_USAGE, ERR_ID_RANGE. */
int userns_opts_set(const struct home *h, const struct userns_opts *o, struct container_config *c,
		    struct userns_auto *ret_auto, struct arena *a, struct err *e);

/* A map into c. */
void userns_opts_put(struct container_config *c, const struct id_map *uids,
		     const struct id_map *gids, struct arena *a);

#endif
