/*
 * sandbox.h - the network process gives up what it does not need: capabilities, the file system, system calls.
 */
#ifndef NET_SANDBOX_H
#define NET_SANDBOX_H

#include "base/base.h"

enum sandbox_kind { SANDBOX_NETPROC, SANDBOX_SOCKPOOL };

/* For good. dir: networks/<name>, where the socket is removed at the end (-1: nothing is); the process can open no file but those below the directories of
 * /etc/resolv.conf's chain of links and /etc/hosts, for reading. */
int sandbox_enter(enum sandbox_kind k, int dir, struct err *e);

#endif
