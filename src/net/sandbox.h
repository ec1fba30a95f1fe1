/*
 * sandbox.h - the processes of a network give up what they do not need: capabilities, the file system, system calls.
 *
 * Afterwards the network process has no capability, can open no file but what stands below the directories that resolv.conf lies in, can remove its own
 * socket, and knows a few dozen system calls; any other one ends it. The second process (net/sockpool.h) has CAP_NET_RAW in U0, no file at all, and
 * a dozen calls. Neither can be traced by others, execute anything, or gain rights.
 */
#ifndef NET_SANDBOX_H
#define NET_SANDBOX_H

#include "base/base.h"

enum sandbox_kind { SANDBOX_NETPROC, SANDBOX_SOCKPOOL };

/* For good. dir: networks/<name>, where the socket is removed at the end, or -1. read: files and directories that may be read, with what is below them, and where
 * links among them lead to; NULL at the end; NULL itself: none. What is missing is passed over. */
int sandbox_enter(enum sandbox_kind k, int dir, const char *const *read, struct err *e);

#endif
