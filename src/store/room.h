/*
 * room.h - how much of the disk layers and blobs take, told from what was written down of them: no tree is walked.
 *
 * What counts is the size of files: the content that was unpacked (layers.h, the size in meta) and the files beside it, and of
 * blobs their length. Directories are not counted, nor how file systems round files up.
 */
#ifndef STORE_ROOM_H
#define STORE_ROOM_H

#include "state/home.h"

/* name is "<hex>.<form>", an entry of layers/. 0 if it is not there. */
int64_t layer_room(const struct home *h, const char *name);
/* All forms of a layer, by the hex of its diffID. */
int64_t layer_room_all(const struct home *h, const char *hex);
/* An entry of blobs/sha256/. 0 if it is not there. */
int64_t blob_room(const struct home *h, const char *hex);

#endif
