/*
 * netdev.h - network devices of the own network namespace (netdevice(7)).
 */
#ifndef SYS_NETDEV_H
#define SYS_NETDEV_H

#include "base/base.h"

/* Brings the loopback device up: a new network namespace has it down. */
int netdev_loopback_up(struct err *e);

/* The index of a device by its name, 0: there is none. As if_nametoindex(3), which wants a unix socket and is not had in a sandbox. */
unsigned netdev_index(const char *name);

#endif
