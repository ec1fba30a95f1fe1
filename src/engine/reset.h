/*
 * reset.h - removing the whole store.
 *
 * Nothing is removed but what hoy made (home_entries), below a directory that carries hoy's mark, belongs to this user, and is no place where
 * people live: /, the home directory or one above it. Containers are killed first. The mark goes last, so that after any interruption
 * the same command finishes the work. Nothing is followed: what lies in the store as a link is removed as a link.
 */
#ifndef ENGINE_RESET_H
#define ENGINE_RESET_H

#include "state/home.h"

struct reset_plan {
	bool nothing; /* there is no store, or it was removed up to its empty directory */
	size_t containers, running, images;
	int64_t bytes;
	struct strv
		foreign; /* entries that are not hoy's: they stay, and the directory with them */
};
void reset_plan_free(struct reset_plan *p);

/* What would be removed. ERR_STORE_MARK if it must not be. */
int reset_plan(const struct home *h, struct reset_plan *ret, struct err *e);

/* Does it. ERR_RESET_IDS: files of other ids are left, which cannot be removed from here. */
int reset_run(const struct home *h, struct err *e);

#endif
