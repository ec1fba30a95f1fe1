/*
 * netdev.h - network devices of the own network namespace (netdevice(7)).
 */
#ifndef SYS_NETDEV_H
#define SYS_NETDEV_H

#include "base/base.h"

/* Brings the loopback device up: a new network namespace has it down. */
int netdev_loopback_up(struct err *e);

#endif
