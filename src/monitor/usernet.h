/*
 * usernet.h - a container's network made by another program, pasta or slirp4netns, that is installed on the machine.
 *
 * It runs in U0, beside the supervisor, whose child it is: from there it may join the container's network namespace, which belongs to a child of U0.
 * It ends with the supervisor, and its death is told to whoever is attached. Nothing else of hoy's networks takes part: no
 * bridge, no addresses of ours. Which options it takes is checked when the container is made (engine/usernet_opts.h).
 */
#ifndef MONITOR_USERNET_H
#define MONITOR_USERNET_H

#include "monitor/relay.h"
#include "runtime/config.h"
#include "state/container.h"

/* The error of one that is missing: ERR_USERNET, and the package. */
int usernet_missing(const char *name, struct err *e);

/* Starts config->network ("pasta" or "slirp4netns") on the network namespace netns, and waits until the network is there. dir: of the container. The state's
 * ports are filled in. ERR_USERNET, ERR_PORT_TAKEN, ERR_PORT_RIGHTS, ERR_PORT_ADDRESS; nothing runs then. */
int usernet_start(const struct container_config *c, struct container_state *st, int dir, int netns,
		  struct err *e);
/* From here on its death is noticed. Nothing to do if none was started. */
int usernet_watch(struct relay *r, struct err *e);
void usernet_end(void);

#endif
