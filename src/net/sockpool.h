/*
 * sockpool.h - sockets of N for a process that is not there.
 *
 * A second process in N keeps CAP_NET_RAW, and on request makes sockets that may have any source address (IP_TRANSPARENT, IPV6_TRANSPARENT) and
 * hands them over. Here a few of each kind lie ready, so that a new connection waits for nobody; the refill is asked for in time.
 */
#ifndef NET_SOCKPOOL_H
#define NET_SOCKPOOL_H

#include "base/loop.h"

enum pool_kind { POOL_TCP4, POOL_TCP6, POOL_UDP4, POOL_UDP6, POOL_KINDS };

struct sockpool;

/* A non-blocking transparent socket with SO_REUSEADDR, not bound; the caller's. -EAGAIN when the other process is gone, -EMFILE. */
int sockpool_take(struct sockpool *p, enum pool_kind k);

#endif
