/*
 * freeze.h - holding all processes of a container still for a moment, without cgroups: SIGSTOP, and SIGCONT afterwards.
 *
 * Who is meant is told as in strays.h. A process that was stopped already stays so. The stop can be seen by a parent that waits with WUNTRACED, such as a
 * shell with job control in the container. What is stopped goes on whatever happens to the caller: a process of its own holds it, which
 * waits for the other end of a pipe to be closed.
 */
#ifndef SYS_FREEZE_H
#define SYS_FREEZE_H

#include "base/base.h"

struct freeze {
	pid_t holder; /* 0: nothing is held */
	int pipe;
};
#define FREEZE_NONE ((struct freeze){.pipe = -1})

/* Comes back when all processes of the user namespace (a descriptor; needs power over it) stand still. -ETIMEDOUT after five seconds: then
 * they go on. */
int freeze_in(int userns, struct freeze *ret, struct err *e);
/* Lets them go on; FREEZE_NONE is fine. For scoped(freeze). */
void freeze_free(struct freeze *f);

#endif
