/*
 * sigstate.h - what a process does about a signal, as /proc shows it.
 *
 * The kernel drops a signal for PID 1 of a pid namespace if it has no handler for it (pid_namespaces(7)). Whoever wants to stop a
 * container should know that before waiting ten seconds for nothing.
 */
#ifndef SYS_SIGSTATE_H
#define SYS_SIGSTATE_H

#include "base/base.h"

enum { SIGSTATE_YOUNG_MS = 800 }; /* a younger process may not have come to its handlers yet */

/* True only if it is certain that pid would drop sig: it is PID 1 of a namespace, no thread catches or blocks it, none waits in
 * rt_sigtimedwait(2), and the process is no longer young. */
bool sigstate_dropped(pid_t pid, int sig);

/* Has the process said that it wants to ignore the signal (SIG_IGN, as nohup does)? That is a choice, unlike no handler at all. */
bool sigstate_ignores(pid_t pid, int sig);

/* May pid do something about the signal: catch it, block it, or wait for it? True also if that cannot be read. */
bool sigstate_cares(pid_t pid, int sig);

/* Processor time that a process has used, in milliseconds; -1 if unknown. */
int64_t sigstate_cpu_ms(pid_t pid);

/* Age of a process in milliseconds, -1 if unknown. */
int64_t sigstate_age_ms(pid_t pid);

#endif
