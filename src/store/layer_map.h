/*
 * layer_map.h - layers for containers whose ids are not those of U0: the same files, with other owners.
 *
 * In a container with --userns keep-id, say, root is the first subordinate id of the user. So the files of the image that belong to root must
 * belong to that id on disk, because an ordinary user has no mount that shows them so (mount_setattr(2): idmapped mounts need power over the
 * file system). Such a form is a directory layers/<diffid>.<form>-<key> beside the layer that it was made of; the key is that of the
 * map (idmap_key), which lies in the file ids. It is made when a container first needs it, under the layer's lock, once for all
 * containers with that map, and it is collected when the layer is.
 *
 * Files whose owner the container does not have get one that it does not have either, so they are nobody's in there.
 *
 * A file's bytes are shared with the layer where the file system can share them (reflinks: btrfs, XFS), else copied.
 */
#ifndef STORE_LAYER_MAP_H
#define STORE_LAYER_MAP_H

#include "store/layers.h"
#include "sys/idmap.h"

enum { LAYER_MAP_FORM = 32 };

struct layer_map {
	struct u0_map
		ids; /* of the container to U0, sorted; form: of the layers that they are made of */
	int64_t nobody, nogroup;   /* ids of U0 that the container does not have; -1: none */
	char form[LAYER_MAP_FORM]; /* "sub-0123456789abcdef" */
};

/* The form for a map; that of U0 itself if every id is the same in both. */
void layer_map_init(struct layer_map *m, const struct u0_map *u0, const struct id_map *uids,
		    const struct id_map *gids);

/* Is it the name of such a form? */
bool layer_map_is_form(const char *form);

/* Inside U0: makes those of the layers (diffIDs) that are not there in this form, in a child process, synced; the layers themselves are there. ERR_ID_RANGE
 * names a file whose owner the map does not have, where it has all ids that there are. */
int layer_map_make(const struct home *h, const struct layer_map *m, const struct strs *diffids,
		   struct err *e);

#endif
