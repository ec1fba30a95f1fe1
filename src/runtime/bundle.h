/*
 * bundle.h - starting the first process of an OCI bundle, or one more process in its container: launch.h for those whom another engine watches over.
 *
 * The steps are those of init.c from the masks on; where the root comes from and what is mounted there is the bundle's (bundle_mounts.c). No process
 * of ours stays: the caller ends when the init waits, and whoever started the caller inherits it (conmon, a shim: PR_SET_CHILD_SUBREAPER).
 *
 *   caller                                          init
 *   [a process that joins namespaces, and ends]
 *   clone3 into the new namespaces                  waits
 *   id maps; made(): its cgroups; says "G"          becomes root, mounts, devices, console ...
 *   opens what it may not: "O" PATH                 ... sources of bind mounts
 *   hooks(): prestart, createRuntime: "H"           hooks createContainer; masks, pivot, limits, user
 *   "X": it is ready; writes the state, says "R"    from here on it lives without us
 *                                                   waits at the listening socket
 *   `start` connects; end of file: it runs          hooks startContainer, filter, execve
 *   or "E" + struct err: it does not
 */
#ifndef RUNTIME_BUNDLE_H
#define RUNTIME_BUNDLE_H

#include "oci/runtime_spec.h"
#include "runtime/oci_seccomp.h"

struct bundle {
	const char *id, *path; /* of the container; of the bundle, absolute */
	const struct oci_spec *spec;
	const struct oci_process *process; /* the spec's, or an exec's */
	int console; /* a socket to whom the terminal's master goes (with process->terminal) */
	int listen;  /* where the init waits for the start; not used by bundle_exec */
	int lock; /* of the state directory: the init holds it until it runs the command; likewise */
	bool no_pivot, no_new_keyring;
	struct fd_kept fds;		   /* what the process gets besides 0, 1 and 2 */
	int cgroup;			   /* a directory of cgroup v2 to be born in; 0: none */
	const struct oci_seccomp *seccomp; /* NULL: none */
	struct oci_seccomp_share *share;   /* of it; NULL: nobody listens */
	int notify;			   /* connected to whoever listens, or -1 */
	/* The process is there and waits: to be put into its cgroups. */
	int (*made)(void *arg, pid_t pid, struct err *e);
	/* All is mounted, the host's root can still be seen: hooks prestart and createRuntime. Not used by bundle_exec. */
	int (*hooks)(void *arg, pid_t pid, struct err *e);
	void *arg;
};

struct bundle_started {
	pid_t pid;
	int pidfd, sync;
};
#define BUNDLE_NONE ((struct bundle_started){.pidfd = -1, .sync = -1})

/* The init is ready and waits. Until bundle_release() it ends with us. On failure nothing is left running; e->exit is 126 or 127 when only the command was at fault. */
int bundle_create(const struct bundle *b, struct bundle_started *ret, struct err *e);
/* From now on it lives by itself. Closes ret->sync. */
int bundle_release(struct bundle_started *b, struct err *e);

/* Runs a process in the container whose first process pid1 (a pidfd of pid) is. It has executed its command when this returns. */
int bundle_exec(const struct bundle *b, pid_t pid, int pid1, struct bundle_started *ret,
		struct err *e);

/* The init that waits at this socket (connected to it) goes on: 0 when it executes its command. */
int bundle_start(int conn, struct err *e);

#endif
