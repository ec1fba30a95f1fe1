/*
 * restart.h - whether and when a container that has ended is started again by its supervisor.
 *
 * The waits are docker's: 100 ms, doubled each time up to a minute; a run of ten seconds begins anew with 100 ms. They are measured with the
 * monotonic clock: who sets the time changes nothing. podman waits not at all, and a container that fails at once then keeps a processor busy.
 */
#ifndef MONITOR_RESTART_H
#define MONITOR_RESTART_H

#include "state/container.h"

enum { RESTART_FIRST_MS = 100, RESTART_LAST_MS = 60000, RESTART_CALM_MS = 10000 };

struct restart {
	int64_t began;	 /* monotonic milliseconds at which it ran last */
	int64_t wait_ms; /* the last wait; 0: none so far */
};

/* It runs now. */
void restart_began(struct restart *r);
/* It has ended with this code: the milliseconds to wait before it is started again, or -1: it is not. st->restart_count counts. */
int64_t restart_after(struct restart *r, int container_dir, const struct container_state *st,
		      int code);

#endif
