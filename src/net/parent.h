/*
 * parent.h - networks of the drivers macvlan and ipvlan: a container gets a device of its own beside the host's, in the network that the host is in.
 *
 * There is no bridge, no N and no network process: what such a network is lies outside. The parent device belongs to the host's
 * network namespace, so only root can put another one beside it; for everybody else such a network is refused. Root's supervisors lose
 * that right when they enter U0: who starts a container with such a network forks a small process before, which stays outside
 * and makes these devices on request, nothing else, as long as the supervisor lives.
 */
#ifndef NET_PARENT_H
#define NET_PARENT_H

#include "net/guest.h"
#include "net/network.h"

/* Is it a network of this kind? */
bool parent_is(const struct network *n);

/* Could a container of ours be put into it? ERR_NETWORK_PARENT with the reason: not root, no such device. Called outside of U0. */
int parent_check(const struct network *n, struct err *e);

/* Starts that process if an endpoint of the container is in such a network (as root; else nothing is done). Called outside of U0. */
int parent_start(const struct home *h, int container_dir, struct err *e);
int parent_fd(void); /* the way to it, for those who close all others; -1 */

/* Makes the endpoint's device in that network namespace; called in U0. */
int parent_make(const struct network *n, const struct endpoint *ep, int netns, struct err *e);
/* Takes it away; called in the container's network namespace. */
void parent_remove(const struct endpoint *ep);

#endif
