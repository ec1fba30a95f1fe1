/*
 * task.h - our own code in a child process, which ends by saying how it went, and waiting for such children.
 *
 * A task works for its parent and never outlives it: it dies with it, whatever way that goes. Its error travels back as it was made.
 * Results go through memory that was shared before (mmap MAP_SHARED) or through descriptors. SIGINT, SIGTERM and SIGHUP are the
 * parent's to answer: it holds them while tasks run (task_signals_hold), and task_wait() ends with ERR_INTERRUPTED when one comes.
 */
#ifndef BASE_TASK_H
#define BASE_TASK_H

#include <signal.h>

#include "base/base.h"

struct task {
	pid_t pid; /* 0: none */
	int pidfd, sock;
};
#define TASK_NONE ((struct task){.pidfd = -1, .sock = -1})

/* Forks; the child runs fn(arg) and ends. fn must not print. */
int task_start(struct task *ret, int (*fn)(void *arg, struct err *e), void *arg, struct err *e);

/* Runs fn(arg) in a child and waits for it, with nothing else to wait for and no answer to signals: 0, or its error. died is the message of
 * ERR_WORKER_GONE; NULL: one that fits all. */
int task_run(int (*fn)(void *arg, struct err *e), void *arg, const char *died, struct err *e);

/* For fn itself, after something that changed the credentials: the kernel forgets then that we die with our parent. */
void task_die_with_parent(void);

/* Kills what still runs and waits for its end; TASK_NONE is fine. Tasks of the task die with it, but a moment later. */
void task_kill(struct task *t);

/* What a parent does while it waits. Zero is nothing, but until and sigfd must be -1 then. */
struct task_wait {
	int until;		 /* ends the waiting as soon as it can be read */
	int sigfd;		 /* of task_signals_hold() */
	int every;		 /* milliseconds */
	void (*tick)(void *arg); /* called every so often */
	void *arg;
};
#define TASK_WAIT_ONLY ((struct task_wait){.until = -1, .sigfd = -1})

/* Waits until one of v[0..n) has ended well: *ret is its index, and it is TASK_NONE then; n if `until` can be read. A negative errno with the
 * error of the first that failed, or ERR_INTERRUPTED; the others still run then. At least one must run, or `until` be given. */
int task_wait(struct task *v, size_t n, const struct task_wait *w, size_t *ret, struct err *e);

struct task_signals {
	sigset_t old;
	int fd; /* tells that one came */
};
void task_signals_hold(struct task_signals *s);
/* For those who wait for s->fd themselves: takes the signal. -EINTR with ERR_INTERRUPTED, 0 if there was none. */
int task_interrupted(int sigfd, struct err *e);
void task_signals_free(struct task_signals *s); /* gives them back; for scoped(task_signals) */

#endif
