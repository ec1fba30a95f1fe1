/*
 * cgroup.h - control groups, version 2: finding them, making and removing them, what their files say.
 *
 * A cgroup is named by its path below the mount at /sys/fs/cgroup, beginning with "/", and held as a descriptor of its directory. Paths are opened without "..", links or
 * leaving the mount. Nothing is done with version 1, and nothing is decided here about where a container goes. The kernel's
 * Documentation/admin-guide/cgroup-v2.rst rules.
 */
#ifndef SYS_CGROUP_H
#define SYS_CGROUP_H

#include <sys/types.h>

#include "base/base.h"

#define CGROUP_MOUNT "/sys/fs/cgroup"

/* Controllers that hold limits. */
enum {
	CGROUP_CPU = 1,
	CGROUP_CPUSET = 2,
	CGROUP_IO = 4,
	CGROUP_MEMORY = 8,
	CGROUP_PIDS = 16,
	CGROUP_HUGETLB = 32,
	CGROUP_RDMA = 64,
	CGROUP_MISC = 128,
	CGROUP_ALL = 255,
};
const char *cgroup_controller_name(unsigned one);
/* The controller whose file it is ("memory.max"); 0: none that is known. */
unsigned cgroup_controller_of(const char *file);
/* "cpu memory" */
void cgroup_controllers_text(unsigned set, struct str *ret);

/* Is version 2 what is mounted there? */
bool cgroup_is_v2(void);
/* The path of this process's own cgroup. -ENOENT: it has none in version 2, or it lies outside of what can be seen. */
int cgroup_own(struct str *ret);
/* That of another process; 0: ours. */
int cgroup_of(pid_t pid, struct str *ret);

/* A descriptor of the directory or -errno; -EXDEV for what would leave the mount. */
int cgroup_open(const char *path);
/* The same, making what is missing on the way. */
int cgroup_open_make(const char *path);
/* May we move processes in and out of it, and hand controllers on to what is below it? */
bool cgroup_is_ours(int dir);
/* Has systemd said that it leaves this one to its user? */
bool cgroup_is_delegated(int dir);

/* Which controllers a cgroup has, and which it hands on to those below it. */
unsigned cgroup_controllers(int dir);
unsigned cgroup_handed_on(int dir);
/* Hands them on. -EBUSY: processes are in it; -ENOENT: it does not have one of them. */
int cgroup_hand_on(int dir, unsigned controllers);

int cgroup_write(int dir, const char *file, const char *text);
/* The whole file, at most 64 KiB. */
int cgroup_read(int dir, const char *file, struct str *ret);
/* The number in a file; that behind a key in one of lines "KEY NUMBER". UINT64_MAX for "max". */
int cgroup_number(int dir, const char *file, const char *key, uint64_t *ret);

/* Moves one process, which may be our own, or all that are in one to another. */
int cgroup_move(int dir, pid_t pid);
int cgroup_move_all(int from, int to);

/* Kills whatever is in it and in those below it. */
int cgroup_kill(int dir);
/* Removes parent/name and all that is below it; processes that are still leaving are waited for, a second at most. 0 if it is not there. */
int cgroup_remove(int parent, const char *name);

/* Stops all in it, and in those below it, or lets them go on, and waits until that is so; -ETIMEDOUT after five seconds. */
int cgroup_freeze(int dir, bool on);

#endif
