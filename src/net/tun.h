/*
 * tun.h - the TUN device of N: packets that left the bridge for the world, given to whoever knows their protocol.
 */
#ifndef NET_TUN_H
#define NET_TUN_H

#include "net/netproc.h"

/* Watches np->fds.tun, if there is one. */
int tun_init(struct netproc *np, struct err *e);
/* Sends a packet into N. What does not fit is dropped, as any network does. */
void tun_send(struct netproc *np, const void *packet, size_t len);

#endif
