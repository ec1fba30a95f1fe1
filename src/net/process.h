/*
 * process.h - the network process from its fork to its end: what it opens, in which order, and what it gives up.
 */
#ifndef NET_PROCESS_H
#define NET_PROCESS_H

#include <sys/types.h>

#include "net/network.h"

/* Forks the process and is done with it: whatever goes wrong later is the answer to whoever connects. dir: networks/<name>, whose lock the
 * caller holds; listener: the socket `sock` there; ns: N as it was before a crash, or -1. Called in U0, with all capabilities there.
 * ret_starter: a child that forks it and ends at once, to be waited for by the caller. */
int process_spawn(const struct network *net, int dir, int listener, int ns, pid_t *ret_starter,
		  struct err *e);

#endif
