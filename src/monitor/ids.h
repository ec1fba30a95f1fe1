/*
 * ids.h - answers a container's calls about ids and owners where all ids are one (form one; runtime/creds.h says which calls, and why).
 *
 * The monitor process (supervisor or exec monitor) has the listener in its event loop. As long as no process has changed who it is, the
 * kernel's own answer to getuid(2) and its like is right: the call is let through, and nothing of the container is looked at. The
 * first call that needs more starts a process of its own for all that follow, the answerer. It reads memory and walks paths that belong
 * to the container, which may take as long as the container wants (a file system of its own serves them): then calls of that container wait, and
 * nothing else. The monitor never does such a thing, and its output may be blocked without an effect on answers.
 *
 * Who a process is, is remembered by the kernel: the soft limit RLIMIT_LOCKS, which has had no meaning since Linux 2.4.25, is inherited
 * by fork and kept by execve as credentials are, and can be read and set from outside. It holds the number of an entry in a table of
 * distinct credentials. So processes may come and go, in any number, without an entry of theirs; a pid in use again means nothing. The table
 * is of fixed size; entries that no process refers to are found and used again when it is full, and if there are none, setuid(2) fails with EAGAIN.
 *
 * chown(2) is carried out for what it does besides (errors, modes, times), and the owner that was meant is kept in the xattr
 * user.hoy.owner ("UID:GID") of files and directories on the container's root, as in layers (store/unpack.h), for whoever makes a
 * layer of it. stat(2) is the kernel's. A device that is to be made (mknod) becomes an empty file.
 */
#ifndef MONITOR_IDS_H
#define MONITOR_IDS_H

#include "base/loop.h"
#include "runtime/creds.h"

struct ids {
	struct loop *loop;
	struct watch listener; /* fd -1: an answerer is at work, or all is over */
	struct watch answerer; /* its pidfd */
	int fd;		       /* the listener; -1: nothing to answer */
	int pid1;  /* pidfd; >= 0: the answerer has to join the container's user namespace */
	pid_t pid; /* of the answerer */
	int starts;
	struct creds creds;
	struct ids_table *table; /* NULL until the first answerer; shared with it */
};

/* Starts watching. Takes the listener over, -1 for none; creds is who the process is that loaded the filter. pid1: a pidfd of the
 * container's PID 1 if we are outside of U0, else -1. */
int ids_watch(struct ids *i, struct loop *l, int listener, const struct creds *creds, int pid1);

/* Answers what waits now, for the time before the loop runs: the first thing that many programs do is to ask who they are. */
void ids_serve(struct ids *i);

/* No process of the container is left: the answerer is ended. */
void ids_end(struct ids *i);
/* After ids_end(): gives everything back, so that the next process of the container can be watched. */
void ids_forget(struct ids *i);

/* The monitor has nothing else to do. If processes are left that have the filter, it stays as long as they do, as their answerer. */
void ids_outlive(struct ids *i);

#endif
