/*
 * userns_auto.h - --userns auto: a range of the user's ids for each container, which no other container with auto has.
 *
 * Ranges are taken and given back by files: ranges/<first>-<count> is a link whose text is the id of the container that has it. One whose container is
 * gone is free: nobody has to give it back. The lowest range that fits is taken, so the ranges of containers that are gone, and with them the layers in
 * the form for these ids (store/layer_map.h), are used again. Taking is done under the lock of ranges/.
 */
#ifndef ENGINE_USERNS_AUTO_H
#define ENGINE_USERNS_AUTO_H

#include "engine/userns_opts.h"

/* For a container whose directory is there, in tmp/ or in containers/: its map into c. ERR_ID_RANGE if not enough ids are free. */
int userns_auto_take(const struct home *h, const struct userns_auto *o, struct container_config *c,
		     struct arena *a, struct err *e);

#endif
