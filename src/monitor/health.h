/*
 * health.h - a container's health checks, run by its supervisor.
 *
 * A check is a process in the container, as of an exec: a forked child of the supervisor, the checker, starts it, reads its output up to a
 * bound, ends it and its session when it takes too long, writes the report (state/health.h) and the event, and ends with what came out. The supervisor
 * only counts: it has a timer and a pidfd, allocates nothing, and reads no file. Whoever dies takes the check along: checker and check are killed when
 * their parent dies, and health_end() kills a checker.
 *
 * Checks follow each other by the interval, from the end of one to the beginning of the next; the first one is run at once. While the container is paused
 * none is run.
 */
#ifndef MONITOR_HEALTH_H
#define MONITOR_HEALTH_H

#include "monitor/relay.h"
#include "runtime/config.h"
#include "state/container.h"

enum health_action { HEALTH_GO_ON, HEALTH_KILL, HEALTH_STOP, HEALTH_RESTART };

struct health_of {
	const struct home *home;
	const struct container_config *config;
	const struct container_state *state;
	int dir;
	int pid1;			      /* pidfd */
	int cgroup;			      /* that a check is in; 0: ours */
	void (*act)(enum health_action what); /* what became of the container's health wants this */
};

/* The container runs. Nothing if it has no check. */
void health_begin(const struct health_of *o, struct relay *r);
/* It has ended. */
void health_end(void);

#endif
