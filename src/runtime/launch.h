/*
 * launch.h - starting a container's PID 1, or one more process in a running container.
 *
 * The caller is inside U0 (launch) or will be joined to the container's namespaces by a child (join). It gets the process as pid
 * and pidfd, the master of its terminal if it has one, and the first error of any step, as it was made in the child.
 *
 * How a start goes on between the two processes:
 *
 *   parent (supervisor, in U0)                     child (init, in its own namespaces)
 *   clone3: user, mnt, pid, ipc, uts, cgroup, net  waits on the sync socket
 *   writes uid_map and gid_map, says go            becomes root, seals itself, mounts ...
 *   takes "N" + hosts and resolv.conf              ... writes its files
 *   attaches it to its networks, sends "A"         waits for that, sets addresses and routes, pivots ...
 *   takes "P" + the pty's master                   ... makes the terminal
 *   takes "L" + a listener and who it is (form one)  ... hands calls about ids over
 *   takes "X": all is set up                        ... loads the filter
 *   end of file: the program runs                  execve closes the socket
 *   or "E" + struct err: it does not
 *
 * A container with an id map of its own has a helper beside it (outer.h) while it starts.
 * A container that joins namespaces of others has a process in between, a child of the parent that stays in U0: it joins them, makes the
 * init as a child of the parent (CLONE_PARENT), tells its pid ("C") and ends.
 */
#ifndef RUNTIME_LAUNCH_H
#define RUNTIME_LAUNCH_H

#include <sys/ioctl.h>

#include "net/guest.h"
#include "runtime/config.h"
#include "runtime/creds.h"
#include "runtime/mapped.h"
#include "runtime/names.h"
#include "runtime/namespaces.h"
#include "sys/userns.h"

struct launch {
	const char *home;  /* path of the store */
	const char *where; /* of the container's directory in it: "containers" or "tmp" */
	const char *form;  /* owner form of the layers */
	const struct container_config *config;
	const struct config_process *process; /* NULL: the config's (PID 1) */
	const struct id_map *uids, *gids;     /* of U0; not used by launch_join */
	const struct mapped *mapped;	      /* the container's own map, if it is on; the same */
	const struct names *names;	      /* of PID 1: what its files say */
	const struct joins *joins;	      /* NULL: none; not used by launch_join */
	struct winsize size;		      /* first size of the terminal; 0: unknown */
	int stdio[3]; /* for 0, 1, 2 of the process; ignored with a terminal */
	/* Attaches the process to its networks, while it makes its root, and says what it is to configure: at most GUEST_IFACES (net/guest.h). netns
	 * is its network namespace, the callback's to keep. NULL: config->network is not NETWORK_OWN. Not used by launch_join. */
	int (*networks)(void *arg, pid_t pid, int netns, struct guest_iface *v, size_t *ret_n,
			struct err *e);
	void *networks_arg;
	struct fd_kept fds; /* what it gets besides, under the same numbers; they stay open here */
	int cgroup;	    /* that it is in from its first moment on; 0: ours */
};

struct launched {
	pid_t pid; /* in our pid namespace */
	int pidfd;
	int pty;		/* master, or -1 */
	int hosts, resolv_conf; /* its files, to be rewritten (names.h), or -1 */
	int users; /* the container's user namespace, if it has no pid namespace of its own; else -1 */
	int listener;	    /* of calls about ids, to be answered (monitor/ids.h), or -1 */
	struct creds creds; /* who the process is, if there is a listener */
};
#define LAUNCHED_NONE                                                                              \
	((struct launched){.pidfd = -1,                                                            \
			   .pty = -1,                                                              \
			   .hosts = -1,                                                            \
			   .resolv_conf = -1,                                                      \
			   .users = -1,                                                            \
			   .listener = -1})

/* Starts PID 1. On failure nothing is left running; e->exit is 126 or 127 when only the command was at fault. */
int launch_start(const struct launch *l, struct launched *ret, struct err *e);

/* What the overlays of a start have left in the container's directory and what would keep the next one from mounting them: without this, a
 * container whose files are not synced is started once. */
void launch_forget_overlays(int container_dir);

/* Starts a process in the container whose PID 1 is held by pidfd. The caller's own user namespace changes with that (it becomes
 * root of the container's): only a process that does nothing else may call it. */
int launch_join(const struct launch *l, int pid1, struct launched *ret, struct err *e);

/* The entry of our own binary executed again by a child that must not keep it writable: `hoy __stage ...`. Returns an exit code. */
int launch_reentry(int argc, char **argv);

#endif
