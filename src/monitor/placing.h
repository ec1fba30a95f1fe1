/*
 * placing.h - the cgroup that a container is in: where it can be had, made with its limits, and what it tells at the end.
 *
 * Limits hold in a cgroup that was handed over to this user. It is looked for only if a limit, or the place itself, was asked for:
 *
 *   a scope of systemd's user manager (root: of PID 1)     <scope>/supervisor, <scope>/hoy-<id>
 *   beside our own cgroup, where its parent is ours        <parent>/hoy-<id>
 *   below our own, whose processes move into a leaf        <own>/hoy, <own>/hoy-<id>
 *
 * If nothing was asked for, the container gets a cgroup only where the second way is open and nothing has to be changed for it. In all of them
 * <...>/hoy-<id> has the limits and belongs to hoy; the container is in hoy-<id>/container, the root of its cgroup namespace, and
 * has no power over its parent. That has the same limits once more, so that what runs there can read them and its
 * namespace's root may change them without effect.
 *
 * All state is the process's own: a supervisor has one container. Nothing is allocated while that runs.
 */
#ifndef MONITOR_PLACING_H
#define MONITOR_PLACING_H

#include "runtime/config.h"
#include "runtime/limit.h"

struct placing {
	const struct container_config *config;
	int dir;    /* of the container */
	bool fresh; /* made just now: there are no other limits than those of the config */
};

/* Finds where it can be. Outside of U0, because systemd is asked. ERR_CGROUP if limits cannot hold here. A container that is prepared for systemd asks for a place, too, but
 * goes without: 1, and the error says why. */
int placing_find(const struct placing *p, struct err *e);

/* Makes it anew, with the limits that count now. *ret is the cgroup for PID 1, which stays placing's own; 0: none. */
int placing_make(const struct placing *p, int *ret, struct err *e);

/* The cgroup for one more process of the container; 0: none. placing's own. */
int placing_inner(void);

/* The path of what was made, below /sys/fs/cgroup; NULL: none. */
const char *placing_path(void);

/* How many of its processes the kernel has killed because memory ran out. */
uint64_t placing_oom_kills(void);

/* Takes the cgroup away. The container has ended. */
void placing_end(void);

/* Sets limits on a container's cgroup (a descriptor), in place of those of before; NULL: there were none. */
int placing_limit(int cgroup, const struct limit_list *l, const struct limit_list *before,
		  struct err *e);

/* For one more process of a container that runs in this cgroup (of its state): moves ourselves to where we may start processes in it, if need be. *ret is a
 * descriptor, the caller's; 0: it may be started where we are, because it cannot be done and no limits would be evaded. */
int placing_join(const char *cgroup, bool limited, int *ret, struct err *e);

/* Takes away the cgroup of a container whose supervisor was killed. NULL is fine. */
void placing_forget(const char *cgroup);

#endif
