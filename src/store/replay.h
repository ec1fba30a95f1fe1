/*
 * replay.h - the tar of a layer, byte for byte as it was unpacked: from the kept blob, or from the recipe and the files.
 *
 * A stream that is read to its end has the digest that the layer is named by: the end is reported only after that was checked.
 * Files are opened below the layer's diff/ (or replaced/) without following links, and only regular files are read; a file that was
 * changed, cut off or exchanged makes ERR_LAYER_REBUILD instead of an archive. So whoever writes an archive of it writes
 * what makes it complete (its table of contents) last.
 *
 * Works inside U0, and outside of it as far as the files can be read.
 */
#ifndef STORE_REPLAY_H
#define STORE_REPLAY_H

#include "data/deflate.h"
#include "store/layers.h"

struct replay;

/* Any form of the layer will do, the one that is given first. ERR_LAYER_MISSING if it is in the store in no form and has no blob;
 * ERR_LAYER_REBUILD if it is there, but neither a recipe nor a kept blob; ERR_LAYER_FORM if its files cannot be read. */
int replay_open(struct replay **ret, const struct home *h, const struct digest *diffid,
		enum u0_form first, struct err *e);
/* From the files of this form alone, although they may not be whole (unsynced, of an earlier boot): then reading fails. */
int replay_open_files(struct replay **ret, const struct home *h, const struct digest *diffid,
		      enum u0_form form, struct err *e);
void replay_close(struct replay *r); /* NULL is fine */

/* The stream. It lives as long as the replay. */
struct source replay_source(struct replay *r);

/* All of it into sink; *ret_size, which may be NULL, is the number of bytes. */
int replay_all(struct replay *r, const struct sink *sink, uint64_t *ret_size, struct err *e);

#endif
