/*
 * sockpool.h - sockets of N for a process that is not there.
 *
 * A second process in N makes N what it is when it starts (net/setup.h), then keeps CAP_NET_RAW only, and on request makes sockets that may have any source
 * address (IP_TRANSPARENT, IPV6_TRANSPARENT) and hands them over. Here a few of each kind lie ready, so that a new connection waits for nobody; the
 * refill is asked for in time. It ends when this process does; when it is the one that dies, this one ends too, and both are made again.
 */
#ifndef NET_SOCKPOOL_H
#define NET_SOCKPOOL_H

#include "base/loop.h"
#include "net/setup.h"

/* POOL_RTNL and POOL_NFNL: netlink sockets (they block), for whoever attaches. What is sent on them must have an address, even an empty one
 * (nl_talk() does it): then the rights of the sender count, not those of the process that opened them. */
enum pool_kind { POOL_TCP4, POOL_TCP6, POOL_UDP4, POOL_UDP6, POOL_RTNL, POOL_NFNL, POOL_KINDS };

struct sockpool;

/* Forks that process. It enters N (ns), or makes it (ns -1), and sets it up; fds gets what it opened there. */
int sockpool_start(const struct network *net, int ns, struct sockpool **ret, struct netns_fds *fds,
		   struct err *e);
/* From here on refills come by the loop; it is stopped when the other process is gone. */
int sockpool_watch(struct sockpool *p, struct loop *l, struct err *e);
/* Ends the other process and waits until it is gone; one that is stopped ends when it goes on, and has nothing open then but its socket. */
void sockpool_end(struct sockpool *p);

/* A non-blocking transparent socket with SO_REUSEADDR, not bound; the caller's. -EAGAIN when the other process is gone, -EMFILE. */
int sockpool_take(struct sockpool *p, enum pool_kind k);

#endif
