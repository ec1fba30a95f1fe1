/*
 * freeze.h - holding all processes of a container still: by the freezer of its cgroup, or without one by SIGSTOP, and SIGCONT afterwards.
 *
 * For signals, who is meant is told as in strays.h. A process that was stopped already stays so. The stop can be seen by a parent that waits with WUNTRACED, such as a
 * shell with job control in the container. freeze_in() is for a moment: what is held goes on whatever happens to the caller, because a process of its own
 * holds it, which waits for the other end of a pipe to be closed. freeze_stop() is for good.
 */
#ifndef SYS_FREEZE_H
#define SYS_FREEZE_H

#include "base/base.h"

struct freeze {
	pid_t holder; /* 0: nothing is held */
	int pipe;
};
#define FREEZE_NONE ((struct freeze){.pipe = -1})

/* Comes back when all processes of the user namespace (a descriptor; needs power over it), or of the cgroup if that is not -1, stand still. -ETIMEDOUT after five
 * seconds: then they go on. */
int freeze_in(int userns, int cgroup, struct freeze *ret, struct err *e);
/* Lets them go on; FREEZE_NONE is fine. For scoped(freeze). */
void freeze_free(struct freeze *f);

/* Stops all processes of the user namespace until freeze_continue(). ret_before gets a text that says which were stopped before, for that. */
int freeze_stop(int userns, struct str *ret_before);
/* Lets all go on but those; "": all. */
int freeze_continue(int userns, const char *before);

#endif
