/*
 * networks.h - the supervisor's part in networking: its container's endpoints are attached as long as it lives (net/attach.h).
 *
 * It holds the connection to each network's process and a descriptor of each N. When a network process dies, or somebody has changed networks.json
 * (FRAME_NETWORKS), a forked child makes what is attached the same as what networks.json says, and hands over the new connections: the supervisor
 * itself allocates nothing while the container runs. There is one container in a process, so all is static.
 */
#ifndef MONITOR_NETWORKS_H
#define MONITOR_NETWORKS_H

#include "monitor/relay.h"
#include "net/attach.h"
#include "runtime/launch.h"
#include "state/container.h"

struct networks_of {
	const struct home *home;
	const struct container_config *config;
	struct container_state *state; /* its ports are filled in */
	int dir;		       /* of the container */
};

/* Called before the supervisor enters U0: opens published ports that nobody there may open (net/bind.h), and keeps them. */
int networks_open_ports(const struct container_config *c, struct err *e);
/* Begins to attach, before there is a process to be attached: the networks come to be while it is made. Called in U0; networks_attach() or networks_end() follow. */
void networks_begin(const struct networks_of *o);
/* Attaches all endpoints of the container to netns, which pid is in and which it keeps. v: what its init is to configure, GUEST_IFACES of them at most. Called in U0. */
int networks_attach(const struct networks_of *o, pid_t pid, int netns, struct guest_iface *v,
		    size_t *ret_n, struct err *e);
/* From here on lost connections are made again, and requests are answered. Nothing to do for a container that has no networks of its own. */
int networks_watch(struct relay *r, const struct launched *run, struct err *e);
/* The container has ended: its ports are free and its names forgotten when this returns. again: it will be started again by this process, which networks_attach()
 * follows; then what could not be opened once more is kept, and random ports stay what they are. */
void networks_end(bool again);

#endif
