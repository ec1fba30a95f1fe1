/*
 * anonymous.h - volumes that go with their container.
 */
#ifndef VOLUME_ANONYMOUS_H
#define VOLUME_ANONYMOUS_H

#include "state/container.h"

/* Takes the anonymous volumes among these mounts (struct state_mount) out of sight, unless another container than id uses them too. trash
 * gets what is to be deleted (volume.h). Nothing is done, and no lock is taken, where there are none. Never fails. */
void anonymous_take_away(const struct home *h, const struct bind_list *mounts, const char *id,
			 struct strv *trash);

/* The same, and deletes them at once. */
void anonymous_remove(const struct home *h, const struct bind_list *mounts, const char *id);

#endif
