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
 * Refuses a directory that belongs to another user or is a link to one (ERR_STORE_OWNER), and a store of a newer hoy (ERR_NEWER). */
int home_open(struct home *ret, const char *root, struct err *e);
/* The same, but nothing is made: -ENOENT if there is no store yet. For those who only look (completion, info). */
int home_open_existing(struct home *ret, const char *root, struct err *e);
void home_free(struct home *h);

/* The marks of a store: CACHEDIR.TAG keeps backups away, README tells a person what this is, and "hoy-store" is what `hoy system reset`
 * asks for before it removes anything. A store gets them when it is made, and one of an older hoy when the next image is added. A
 * directory that holds anything but a store never gets them. Costs one look if they are there; failing is no error. */
void home_mark(const struct home *h);
/* Is the mark there, a plain file of this user? */
bool home_is_marked(const struct home *h);

/* What a store consists of, right below it, in the order in which it can be removed: what takes the most room first, what is needed to remove
 * the rest late, the marks last. NULL-terminated. */
extern const char *const home_entries[];

/* The entries of the store that are none of hoy's. */
int home_foreign(const struct home *h, struct strv *ret, struct err *e);

/* Opens a directory below the store ("containers"), making it (0700) if it is missing. A descriptor or -errno with *e filled. */
int home_dir(const struct home *h, const char *name, struct err *e);

#endif
