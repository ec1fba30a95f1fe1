/*
 * How bytes move: they are looked at where they lie (MSG_PEEK, into one buffer that all connections share), sent, and as many as went out are
 * dropped from where they lay (MSG_TRUNC copies nothing). What does not go out has never left the kernel.
 *
 * Each descriptor is registered edge-triggered: no call but those that move bytes. So it is remembered what a side `can`
 * do until a call says that it cannot; the kernel then tells when it can again. That it can be written to is asked for when it could not for the first
 * time: short connections never ask. A read that gives less than was asked for has emptied
 * the queue (epoll(7)), except where the end of the stream or urgent data stands behind it: then the next read says so.
 *
 * A connection that has much to move gives way to the others after TURN bytes, and goes on after them.
 */
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "base/base.h"
#include "net/pump.h"

enum { BUF = 512 << 10, TURN = 1 << 20, IDLE_MS = 1000 };
enum { EVENTS = EPOLLIN | EPOLLRDHUP | EPOLLPRI };

#define READ(side)  (uint8_t)(1U << (side))
#define WRITE(side) (uint8_t)(4U << (side))
#define BIT(side)   (uint8_t)(1U << (side))
#define BOTH	    (BIT(INSIDE) | BIT(OUTSIDE))

static void take_turns(struct timer *t);
static void idle(struct timer *t);

int pump_init(struct pump *p, struct loop *l)
{
	*p = (struct pump){.loop = l, .conns = SLAB_FOR(struct conn)};
	p->queue_end = &p->queue;
	p->turn = (struct timer){.fn = take_turns, .arg = p};
	p->idle = (struct timer){.fn = idle, .arg = p};
	p->buf = mmap(NULL, BUF, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return p->buf == MAP_FAILED ? -ENOMEM : 0;
}

struct conn *pump_new(struct pump *p, struct pump_owner *owner)
{
	struct conn *c = slab_get(&p->conns);

	if (!c)
		return NULL;
	c->pump = p;
	c->owner = owner;
	if (owner)
		owner->conns++;
	c->w[INSIDE].fd = c->w[OUTSIDE].fd = -1;
	return c;
}

int pump_add(struct conn *c, int side, int fd)
{
	int r = loop_add(c->pump->loop, &c->w[side], fd, EVENTS | EPOLLOUT | EPOLLET);

	if (r < 0)
		close(fd);
	return r;
}

void pump_hold(struct conn *c, int side, int fd)
{
	c->w[side].fd = fd; /* .events 0: not watched */
	c->sole |= BIT(side);
}

void pump_reset(int fd)
{
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &(struct linger){.l_onoff = 1},
		   sizeof(struct linger));
	close(fd);
}

/* reset: 1 << side for each that is to hear a reset. */
static void conn_free(struct conn *c, uint8_t reset)
{
	struct pump *p = c->pump;

	for (int side = INSIDE; side <= OUTSIDE; side++) {
		int fd = c->w[side].fd;
		if (fd < 0)
			continue;
		if (c->sole & BIT(side))
			loop_forget(p->loop, &c->w[side]);
		else
			loop_remove(p->loop, &c->w[side]);
		if (reset & BIT(side))
			pump_reset(fd);
		else
			close(fd);
	}
	if (c->queued) {
		struct conn **q = &p->queue;
		while (*q != c)
			q = &(*q)->next;
		*q = c->next;
		if (p->queue_end == &c->next)
			p->queue_end = q;
	}
	if (c->owner)
		c->owner->conns--;
	slab_put(&p->conns, c);
	if (!p->idle.at)
		loop_timer(p->loop, &p->idle, IDLE_MS);
}

void pump_abort(struct conn *c)
{
	conn_free(c, BOTH);
}

static void end_one(void *object, void *owner)
{
	struct conn *c = object;

	if (!owner || c->owner == owner)
		conn_free(c, BOTH);
}

void pump_end(struct pump *p, struct pump_owner *owner)
{
	slab_each(&p->conns, end_one, owner);
}

/* ---- moving */

enum moved { BLOCKED, MORE, BROKEN };

/* The side has sent all it will. */
static enum moved pass_end(struct conn *c, int from)
{
	c->ended |= BIT(from);
	c->can &= (uint8_t)~READ(from);
	if (c->ended == BOTH) /* close(2) will say it */
		return BLOCKED;
	return shutdown(c->w[!from].fd, SHUT_WR) < 0 ? BROKEN : BLOCKED;
}

/* It takes no more: from now on the kernel says when it does (at once, if it does again). */
static bool await_room(struct conn *c, int side)
{
	struct watch *w = &c->w[side];

	c->can &= (uint8_t)~WRITE(side);
	return loop_set(c->pump->loop, w, w->events | EPOLLOUT) == 0;
}

/* From one side to the other, until one of them blocks or it is the turn of others. */
__attribute__((hot)) static enum moved move(struct conn *c, int from)
{
	uint8_t need = READ(from) | WRITE(!from);
	size_t left = TURN;
	void *buf = c->pump->buf;

	while ((c->can & need) == need) {
		ssize_t n = recv(c->w[from].fd, buf, BUF, MSG_PEEK | MSG_DONTWAIT);
		if (n == 0)
			return pass_end(c, from);
		if (n < 0 && errno != EAGAIN)
			return BROKEN;
		if (n < 0) {
			c->can &= (uint8_t)~READ(from);
			c->careful &= (uint8_t)~BIT(from);
			break;
		}
		ssize_t k = send(c->w[!from].fd, buf, (size_t)n, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (k < 0 && errno != EAGAIN)
			return BROKEN;
		if (k > 0 && recv(c->w[from].fd, NULL, (size_t)k, MSG_TRUNC | MSG_DONTWAIT) != k)
			return BROKEN;
		if (k < n && !await_room(c, !from))
			return BROKEN;
		if (k == n && n < BUF && !(c->careful & BIT(from)))
			c->can &= (uint8_t)~READ(from);
		if (k > 0 && left <= (size_t)k)
			return (c->can & need) == need ? MORE : BLOCKED;
		left -= k > 0 ? (size_t)k : 0;
	}
	return BLOCKED;
}

static void enqueue(struct conn *c)
{
	struct pump *p = c->pump;

	if (c->queued)
		return;
	c->queued = true;
	c->next = NULL;
	*p->queue_end = c;
	p->queue_end = &c->next;
	loop_timer(p->loop, &p->turn, 0);
}

__attribute__((hot)) static void run(struct conn *c)
{
	enum moved out = move(c, INSIDE), in = out == BROKEN ? BROKEN : move(c, OUTSIDE);

	if (!c->pump->active) {
		c->pump->active = true;
		if (!c->pump->idle.at)
			loop_timer(c->pump->loop, &c->pump->idle, IDLE_MS);
	}
	if (in == BROKEN)
		conn_free(c, BOTH);
	else if (c->ended == BOTH)
		conn_free(c, 0);
	else if (out == MORE || in == MORE)
		enqueue(c);
}

__attribute__((hot)) static void on_event(struct watch *w, uint32_t events)
{
	struct conn *c = w->arg;
	int side = w == &c->w[OUTSIDE];

	if (events & (EPOLLIN | EPOLLRDHUP | EPOLLPRI | EPOLLHUP | EPOLLERR) &&
	    !(c->ended & BIT(side)))
		c->can |= READ(side);
	if (events & (EPOLLOUT | EPOLLHUP | EPOLLERR))
		c->can |= WRITE(side);
	if (events & (EPOLLRDHUP | EPOLLPRI))
		c->careful |= BIT(side);
	/* Dead, both ways. What it said before may have been all that the other waits for: as much as goes is passed on. */
	if (events & EPOLLERR) {
		move(c, side);
		conn_free(c, BIT(!side));
		return;
	}
	run(c);
}

/* Those that were in the queue, once each. */
static void take_turns(struct timer *t)
{
	struct pump *p = t->arg;
	struct conn *c, *last = NULL;

	for (c = p->queue; c; c = c->next)
		last = c;
	while ((c = p->queue)) {
		bool end = c == last;
		p->queue = c->next;
		if (!p->queue)
			p->queue_end = &p->queue;
		c->queued = false;
		run(c);
		if (end)
			break;
	}
}

void pump_start(struct conn *c, uint8_t ready)
{
	for (int side = INSIDE; side <= OUTSIDE; side++) {
		struct watch *w = &c->w[side];
		w->fn = on_event;
		w->arg = c;
		if (!w->events && loop_add(c->pump->loop, w, w->fd, EVENTS | EPOLLET) < 0) {
			conn_free(c, BOTH);
			return;
		}
	}
	c->can = ready | WRITE(INSIDE) | WRITE(OUTSIDE);
	c->careful = BOTH;
	run(c);
}

/* Nothing has happened for a while: what the buffer and old connections took goes back. */
static void idle(struct timer *t)
{
	struct pump *p = t->arg;

	if (p->active) {
		p->active = false;
		loop_timer(p->loop, t, IDLE_MS);
		return;
	}
	madvise(p->buf, BUF, MADV_DONTNEED);
	slab_trim(&p->conns);
	p->loop->settle = true;
}
