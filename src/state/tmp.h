/*
 * tmp.h - unfinished work in the store.
 *
 * Each piece of unfinished work is a directory below tmp/, on which its owner holds an flock. What is finished is renamed out
 * of it; what cannot be locked is alive; what can be locked is garbage (its owner died) and is removed by the next
 * command that writes.
 */
#ifndef STATE_TMP_H
#define STATE_TMP_H

#include "state/home.h"

struct home_tmp {
	char name[80]; /* "tmp/<hex>", relative to the store */
	int fd;	       /* holds the lock */
};

/* How the name of a directory below tmp/ begins that was finished once and is being removed. */
#define TMP_REMOVED "rm-"

/* Makes tmp/<name>, or a random name if name is NULL, and locks it. */
int home_tmp_make(const struct home *h, const char *name, struct home_tmp *ret, struct err *e);

/* Removes what is left of it (inside U0 if files of other ids are there) and closes it. */
void home_tmp_drop(const struct home *h, struct home_tmp *t);

/* A file below tmp/ that has no name: read and written, gone when it is closed. A descriptor or -errno. */
int home_tmp_file(const struct home *h, struct err *e);

/* Removes dir (relative to the store: "tmp/x"), as ourselves first, then inside U0. */
int home_rm_tree(const struct home *h, const char *dir, struct err *e);

/* Moves dir (a whole directory that nobody may see half removed) to tmp/ and removes it there. A hard kill in between
 * leaves garbage below tmp/ for the next command. Works on a full disk. -ENOENT if it does not exist. */
int home_discard(const struct home *h, const char *dir, struct err *e);

/* Removes the garbage below tmp/, and the names taken by containers that were never finished: one readdir when there
 * is none. Never fails; what cannot be removed stays. */
void home_sweep(const struct home *h);

#endif
