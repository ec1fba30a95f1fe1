/*
 * pump.h - bytes from one TCP socket to another and back, for all connections of a process.
 *
 * A connection has two sides, INSIDE (a socket of N, towards the container) and OUTSIDE (a socket of the host). What one side says, the other
 * gets to hear: bytes in their order, the end of one direction (FIN) as such while the other goes on, a reset as a reset. There is no buffer per
 * connection: bytes stay in the kernel's queue of the side they came from until the other has room, so whoever does not read holds up
 * whoever writes, and nothing else. Idle connections cost one small object, live for ever, and wake nobody.
 *
 * A connection belongs to somebody (owner), with whom it ends: pump_end().
 */
#ifndef NET_PUMP_H
#define NET_PUMP_H

#include "base/loop.h"
#include "net/slab.h"

enum { INSIDE, OUTSIDE };

struct pump;

/* Whose connections are counted. */
struct pump_owner {
	uint32_t conns;
};

/* Made by pump_new() with no descriptors. Whoever opens it gives it both with pump_add() and takes the events of its watches until
 * pump_start(); w[].fn may be set before each pump_add(), and w[].arg is the connection's opener's until then. */
struct conn {
	struct watch w[2];
	struct pump *pump;
	struct pump_owner *owner;
	struct conn *next; /* in the queue of those that have more to do */
	uint8_t can;	   /* what has not failed with EAGAIN yet: bits of pump.c */
	uint8_t ended;	   /* 1 << side: it has sent its FIN, and the other side was told */
	uint8_t careful;   /* 1 << side: a short read does not mean that nothing is left */
	uint8_t sole;	   /* 1 << side: close(2) takes it out of the loop */
	bool queued;
};

struct pump {
	struct loop *loop;
	struct slab conns;
	struct conn *queue, **queue_end;
	struct timer turn, idle;
	bool active;
	void *buf;
};

int pump_init(struct pump *p, struct loop *l);			 /* 0 or -ENOMEM */
struct conn *pump_new(struct pump *p, struct pump_owner *owner); /* NULL: no memory */
/* The descriptor is the connection's from now on, also on failure, and watched, edge-triggered, also for EPOLLOUT (that it is connected). 0 or -errno. */
int pump_add(struct conn *c, int side, int fd);
/* The same for one that no other process has or had. It is not watched before pump_start(): what happens to it until then is told after that. */
void pump_hold(struct conn *c, int side, int fd);
/* Both sides are connected: bytes flow. ready: 1 << side for each of which something may have been told (EPOLLIN and its kin) before, for the kernel
 * tells nothing twice. The connection may be gone when this returns. */
void pump_start(struct conn *c, uint8_t ready);
/* Ends it in any state; sides that are open hear a reset. */
void pump_abort(struct conn *c);
/* Aborts all of this owner; NULL: all. */
void pump_end(struct pump *p, struct pump_owner *owner);

/* Closes a TCP socket so that the other end hears a reset. */
void pump_reset(int fd);

#endif
