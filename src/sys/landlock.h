/*
 * landlock.h - a process gives up the file system but for what it names (landlock(7)). Where the kernel lacks it, nothing happens: it is one more
 * wall, not the only one.
 */
#ifndef SYS_LANDLOCK_H
#define SYS_LANDLOCK_H

#include "base/base.h"

enum landlock_kind { LANDLOCK_READ, LANDLOCK_REMOVE };

/* What is allowed below a directory (or for one file). */
struct landlock_rule {
	int fd;			 /* O_PATH will do; one below 0 is passed over */
	enum landlock_kind kind; /* to read files and directories; to remove files */
};

/* For this thread and its children, for good. Also forbids signals and abstract sockets to processes outside where the kernel can. Needs no_new_privs or
 * CAP_SYS_ADMIN. 0, -ENOSYS or -EOPNOTSUPP (not there, or turned off), or another errno. */
int landlock_enter(const struct landlock_rule *v, size_t n);

#endif
