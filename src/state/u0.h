/*
 * u0.h - the user namespace that a user's containers share as their parent.
 *
 * U0 holds the full id map of the user (sub: user = 0 and the subuid ranges from 1; one: user = 0 and nothing else; root: identity). It
 * is made by the first process that needs it, kept alive by the supervisors, which are members of it, and joined by
 * the next ones without any helper. Each container is a child namespace of U0. Members are listed in u0/<pid> of the store; the
 * list is a hint that is checked, never believed.
 */
#ifndef STATE_U0_H
#define STATE_U0_H

#include "base/task.h"
#include "state/home.h"
#include "sys/userns.h"

enum u0_form { FORM_SUB, FORM_ONE, FORM_ROOT };
const char *u0_form_name(enum u0_form f); /* "sub", "one", "root" */
enum u0_form u0_form_of(const char *name);

/* What this user can have. Inside ids are the ids of containers, outside ids those of the host. */
struct u0_map {
	enum u0_form form;
	struct id_map uids, gids;
};

/* What the ladder promises from the look of it: root, then subuid ranges with newuidmap, then one uid. u0_enter finds what
 * really works. */
int u0_map_find(struct u0_map *ret, struct err *e);

/* The user's name, from /etc/passwd itself where it stands there (loading the name services takes longer than starting a container). NULL
 * if there is none; the caller frees it. */
char *u0_user_name(uid_t uid);

/* Is this process in a U0 already, by `hoy unshare`? U0_INSIDE_ENV says "FORM:INODE" of that namespace; it is not believed in any other. Fills *ret. */
#define U0_INSIDE_ENV "HOY_UNSHARE"
bool u0_inside(struct u0_map *ret);

/* Enters U0 for good (nothing to do for one that u0_inside()): joins it through a living member, or makes it. The calling process must have one thread. On return it is uid
 * 0 and gid 0 there, with all capabilities. If member is not NULL the process is listed under that text (a
 * container id, or "-"), so that others can join through it. ERR_NO_USERNS where the kernel forbids user namespaces. */
int u0_enter(const struct home *h, const char *member, struct u0_map *ret_map, struct err *e);

/* Makes a namespace like U0 and enters it, for who tries what this machine allows: no store is looked at or written to, and nobody can join it. */
int u0_try(struct u0_map *ret, struct err *e);

/* A listed member leaves the list (before it exits). */
void u0_leave(const struct home *h);

/* Calls fn for every listed member that died without leaving (it was killed, or the machine was restarted), and then strikes it
 * off, if fn returns true. member is the text that it was listed under. Cheap: one kill(pid, 0) per living member. */
void u0_each_dead(const struct home *h, bool (*fn)(const char *member, void *arg), void *arg);

/* Runs fn(arg) in a forked child inside U0 and passes its result and error back. fn must not print; results go through memory that
 * the caller shared (mmap MAP_SHARED) or through descriptors. SIGINT and SIGTERM of the caller end the child too. */
int u0_run(const struct home *h, int (*fn)(const struct u0_map *map, void *arg, struct err *e),
	   void *arg, struct err *e);
/* The same for a caller that has more to wait for than this: task_wait() gives the result. */
int u0_start(const struct home *h, int (*fn)(const struct u0_map *map, void *arg, struct err *e),
	     void *arg, struct task *ret, struct err *e);

#endif
