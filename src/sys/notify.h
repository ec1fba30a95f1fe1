/*
 * notify.h - system calls that a seccomp filter leaves to another process to answer (SECCOMP_RET_USER_NOTIF, seccomp_unotify(2)).
 *
 * The process that loads the filter gets a listener, which it passes to whoever answers. A call waits until its answer comes, its
 * process is killed, or the last listener is closed (ENOSYS then). A listener is readable while a call waits and hangs up when no
 * process has the filter any more. What a call points to is memory of a stranger, who may change it at any time: read it once, and believe
 * it only if notify_waits() says afterwards that the call still waits, for its pid may be another process's by then.
 */
#ifndef SYS_NOTIFY_H
#define SYS_NOTIFY_H

#include "sys/seccomp.h"

struct notify_call {
	uint64_t id; /* of this one call, until it is answered */
	pid_t pid;   /* the calling thread, in our pid namespace */
	uint32_t arch;
	int nr;
	uint64_t args[6];
};

/* Loads the filter with a listener: a descriptor (O_CLOEXEC) or -errno; -EBUSY if the process has one already from elsewhere. patient: where the
 * kernel can (5.19), a call that has been taken is no longer interrupted by signals that do not kill. Async-signal-safe. */
int notify_load(const struct seccomp_prog *p, bool patient);

/* Tells the kernel that one process answers after the other is asked, so that both may share a processor (6.6; else nothing). */
void notify_in_turn(int listener);

/* Takes the next call. Never blocks when poll(2) said that there is one and nobody else reads. -ENOENT: its process died meanwhile. */
int notify_next(int listener, struct notify_call *ret);

/* The call returns value, or fails with err if that is not 0. An answer that comes too late is dropped. */
void notify_answer(int listener, uint64_t id, int64_t value, int err);
/* The kernel goes on with the call as if there were no filter. */
void notify_pass(int listener, uint64_t id);
bool notify_waits(int listener, uint64_t id);

/* Memory of the caller. The bytes copied, or -errno; less than n where its memory ends. May block for as long as the stranger wants
 * (its pages may be served by a file system of its own). */
ssize_t notify_read(pid_t pid, uint64_t at, void *buf, size_t n);
ssize_t notify_write(pid_t pid, uint64_t at, const void *buf, size_t n);

#endif
