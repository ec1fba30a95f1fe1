/*
 * loop.h - the event loop: epoll over descriptors, one timer wheel of a few monotonic timers.
 *
 * The owner holds every struct watch and struct timer; the loop only points at them and allocates nothing, so a supervisor
 * can run in it for months. Callbacks may remove any watch, their own included. Signals and children come as
 * descriptors (signalfd, pidfd).
 */
#ifndef BASE_LOOP_H
#define BASE_LOOP_H

#include <stdbool.h>
#include <stdint.h>

struct watch {
	int fd;		 /* -1: not watched */
	uint32_t events; /* EPOLLIN | EPOLLOUT ... as last set */
	void (*fn)(struct watch *w, uint32_t events);
	void *arg;
};

struct timer {
	int64_t at; /* monotonic milliseconds; 0: not armed */
	void (*fn)(struct timer *t);
	void *arg;
	struct timer *next;
	bool linked;
};

struct loop {
	int epfd;
	bool stop;
	bool settle; /* give memory back (mem_settle) once, when nothing has happened for a second */
	struct timer *timers;
	struct watch *ready[32]; /* of the running epoll_wait, so that loop_remove can blank them */
	int nready;
};

int loop_init(struct loop *l); /* 0 or -errno */
void loop_free(struct loop *l);
int loop_add(struct loop *l, struct watch *w, int fd, uint32_t events);
int loop_set(struct loop *l, struct watch *w, uint32_t events); /* no call if unchanged */
void loop_remove(struct loop *l, struct watch *w);		/* does not close the descriptor */
/* The same without a call, for a descriptor that is closed next: that ends the watching if no process has another one of the same file. */
void loop_forget(struct loop *l, struct watch *w);
void loop_timer(struct loop *l, struct timer *t, int64_t ms); /* from now; negative disarms */
int loop_run(struct loop *l) __attribute__((hot));	      /* until l->stop; 0 or -errno */

int64_t time_mono_ms(void) __attribute__((hot));

#endif
