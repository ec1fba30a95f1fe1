/*
 * strays.h - ending all processes of a container that has no pid namespace of its own, with which they would end by themselves.
 *
 * What is in the container's user namespace, or in one below it, is the container: a process cannot leave the namespace that it was made
 * in. Where nobody holds that namespace any more, because the supervisor was killed, the root file system tells: its record in
 * /proc/PID/mountinfo has the container's id as its source (an overlay) or in its path (a directory). Cgroups are not asked, because an ordinary user often has none.
 */
#ifndef SYS_STRAYS_H
#define SYS_STRAYS_H

#include <sys/stat.h>
#include <sys/types.h>

#include "base/base.h"

/* Is the process in the user namespace of this stat, or in one below it? */
bool strays_is_in(pid_t pid, const struct stat *userns);

/* Kills all in the user namespace behind the descriptor, and comes back when none is left; after five seconds -ETIMEDOUT. Needs power over
 * the namespace. */
int strays_end_in(int userns);

/* Kills all whose root file system has this id in its source. The same. */
int strays_end_rooted(const char *id);

#endif
