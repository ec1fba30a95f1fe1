/*
 * systemd_opts.h - --systemd: what a container needs so that systemd runs in it as its first process.
 *
 * That is: tmpfs where it keeps what is of one boot, cgroups that it may divide (runtime/mounts.c, where one can be had: monitor/placing.h), the
 * variable container_uuid, from which it makes its machine id, and the signal that it takes for a stop. Everything else is as in any container.
 */
#ifndef ENGINE_SYSTEMD_OPTS_H
#define ENGINE_SYSTEMD_OPTS_H

#include "engine/process_opts.h"

enum { SYSTEMD_STOP_SIGNAL = 37 }; /* SIGRTMIN+3 of the C library: shut down */

/* Decides c->systemd by the option and the container's command. docker: only where it was asked for. ERR_USAGE. */
int systemd_opts_set(const struct process_opts *o, bool docker, struct container_config *c,
		     struct arena *a, struct err *e);

/* Adds the mounts, but where the user has some of his own. */
int systemd_opts_mounts(const struct process_opts *o, struct container_config *c, struct arena *a,
			struct err *e);

#endif
