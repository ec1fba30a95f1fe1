/*
 * proc.h - processes: the only two ways to make one, and how to speak of one without mistaking it for another.
 *
 * proc_spawn() runs another program, described by a struct. proc_fork() goes on in our own code. Both give a pidfd. A process
 * is remembered as pid + start time (proc_start_time), so a recycled pid is never taken for the old process.
 */
#ifndef BASE_PROC_H
#define BASE_PROC_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"

struct spawn {
	const char *path; /* absolute; no search */
	const char *const *argv;
	const char *const *envp; /* NULL: our own environment */
	int in, out, err;	 /* descriptors for 0, 1, 2; -1: /dev/null; left at 0, 1, 2: ours */
};

/* Starts the program with default signal dispositions, an empty signal mask and no other descriptors. */
int proc_spawn(const struct spawn *sp, pid_t *ret_pid, struct err *e);

/* fork(2), or clone(2) with namespace flags. In the child: returns 0. In the parent: returns the pid and, if ret_pidfd is
 * not NULL, a pidfd (O_CLOEXEC). On failure -errno. Signals and descriptors stay as they are; proc_detach() resets them. */
pid_t proc_fork(uint64_t clone_flags, int *ret_pidfd);
/* The same, and the child is in this cgroup (a descriptor of its directory) from birth; 0: in ours. */
pid_t proc_fork_into(uint64_t clone_flags, int cgroup, int *ret_pidfd);

/* For a child that lives on its own: default signal dispositions, empty mask, descriptors closed except 0-2 and keep. */
void proc_reset(const int *keep, size_t nkeep);

/* Remembers where the command line lies, for proc_hide_args(). Called once by main. */
void proc_keep_args(int argc, char **argv);

/* Names the process and overwrites its command line, which everybody may read in /proc, with that name. Nothing may point into
 * argv any more. */
void proc_hide_args(const char *name);

/* Waits for a child. Returns its exit code, 128 + signal if it was killed, or -errno. */
int proc_wait(pid_t pid);
/* The exit code of a wait(2) status: code, or 128 + signal. */
int proc_exit_code(int wait_status);

/* Start time of a process in clock ticks since boot (field 22 of proc(5) stat), 0 if there is no such process or it is a zombie.
 * One whose first thread only has ended, as pthread_exit(3) in main() does it, lives. */
uint64_t proc_start_time(pid_t pid);

/* By a signal (SIGSTOP ...) or a debugger. */
bool proc_is_stopped(pid_t pid);

/* A pidfd for the process pid that started at start; -ESRCH if it is gone or is another process. */
int proc_open(pid_t pid, uint64_t start);
int proc_signal(int pidfd, int sig); /* 0 or -errno */

#endif
