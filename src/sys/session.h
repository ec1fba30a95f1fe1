/*
 * session.h - ending a process with everything in its session (setsid(2)).
 *
 * That is what a command has started and has not made a daemon of. Where a process went is read from /proc; pids that came since are seen in
 * another look, until one finds nobody.
 */
#ifndef SYS_SESSION_H
#define SYS_SESSION_H

#include <sys/types.h>

/* sid: a child of ours that was not waited for, and leads its session. */
void session_kill(pid_t sid);

#endif
