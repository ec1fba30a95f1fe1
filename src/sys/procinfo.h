/*
 * procinfo.h - one process as /proc shows it, and which user namespace it is in.
 *
 * Numbers are those of our own namespaces. Everything may be gone or change while it is read: a process that ends in between is -ESRCH.
 * The name and the arguments are whatever the process made of them; whoever prints them escapes them.
 */
#ifndef SYS_PROCINFO_H
#define SYS_PROCINFO_H

#include "base/base.h"

enum { PROC_DEPTH = 32 }; /* nesting of pid namespaces; the kernel's limit */

struct procinfo {
	pid_t pid, ppid, pgid, sid, tpgid;
	int tty; /* device number, 0: none */
	char state;
	long nice, threads;
	uint64_t utime, stime, start; /* clock ticks; start: since boot */
	uint64_t vsz, rss;	      /* bytes */
	uid_t ruid, euid;
	gid_t rgid, egid;
	struct {
		gid_t *v;
		size_t n;
	} groups; /* supplementary */
	uint64_t cap_inh, cap_prm, cap_eff, cap_bnd, cap_amb;
	int seccomp;
	/* The pid, group and session as seen in each namespace, ours first; n of them. */
	struct {
		pid_t pid[PROC_DEPTH], pgid[PROC_DEPTH], sid[PROC_DEPTH];
		size_t n;
	} ns;
	const char *comm; /* its name */
	const char *args; /* its arguments with blanks between, "" if it has none */
};

/* proc is a descriptor of /proc. The texts live in the arena. -ESRCH: there is no such process. */
int procinfo_read(int proc, pid_t pid, struct procinfo *ret, struct arena *a);

/* The user namespace that owns the mounts of a process, as fstat(2) names it. 0 or -errno. */
int procinfo_owner(int proc, pid_t pid, struct stat *ret);
/* Is the process in this user namespace, or in one below it? */
bool procinfo_is_below(int proc, pid_t pid, const struct stat *owner);

#endif
