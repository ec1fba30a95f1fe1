/*
 * pidfile.h - the file that --pidfile asks for: it has the pid of the container's first process while that runs.
 */
#ifndef MONITOR_PIDFILE_H
#define MONITOR_PIDFILE_H

#include "base/base.h"

/* path NULL: none was asked for. */
int pidfile_write(const char *path, pid_t pid, struct err *e);
/* One that outlives its process leads to another process one day. One that somebody else has written meanwhile stays. */
void pidfile_remove(const char *path, pid_t pid);

#endif
