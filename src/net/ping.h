/*
 * ping.h - sockets for echo requests, which the kernel gives to groups in net.ipv4.ping_group_range without any right.
 */
#ifndef NET_PING_H
#define NET_PING_H

#include "base/base.h"

/* One of that family (4 or 6), not blocking; -EACCES: the group of this process is not among them. */
int ping_socket(uint8_t family);
/* May this process make them? */
bool ping_allowed(void);

#endif
