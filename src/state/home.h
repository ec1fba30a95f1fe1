/*
 * home.h - where the store is, and unfinished work in it.
 *
 * One rule: --root, else $HOY_ROOT, else $XDG_DATA_HOME/hoy, else ~/.local/share/hoy (the home of the password database if HOME is
 * unset). Everything that hoy knows lies below that one directory, sockets included, so that it does not matter from which
 * environment (login shell, cron, ssh, su) a container was started and is managed. layout: src/README.md.
 */
#ifndef STATE_HOME_H
#define STATE_HOME_H

#include "base/base.h"

/* The user's home directory: $HOME, else that of the password database; NULL if there is none. Valid until the environment changes. */
const char *home_of_user(void);

struct home {
	char *path; /* absolute, no final slash */
	int fd;
	char boot_id[40]; /* /proc/sys/kernel/random/boot_id: pids of another boot mean nothing */
};

/* Opens the store, making it (mode 0700) on first use. root overrides the rule; NULL: none given.
 * Refuses a directory that belongs to another user or is a link to one (ERR_STORE_OWNER). */
int home_open(struct home *ret, const char *root, struct err *e);
/* The same, but nothing is made: -ENOENT if there is no store yet. For those who only look (completion, info). */
int home_open_existing(struct home *ret, const char *root, struct err *e);
void home_free(struct home *h);

/* Opens a directory below the store ("containers"), making it (0700) if it is missing. A descriptor or -errno with *e filled. */
int home_dir(const struct home *h, const char *name, struct err *e);

#endif
