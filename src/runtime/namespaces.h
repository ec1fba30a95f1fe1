/*
 * namespaces.h - which of a container's namespaces are its own, the host's, or another's (--ipc, --pid, --uts, --cgroupns, --network).
 *
 * A mode is a text of the config: "private", "shareable" and "none" (ipc: no /dev/shm) mean a namespace of its own, as NULL does;
 * "host" the one of the host; every other word for a network
 * means one of its own; "container:<id>" that of another container, looked up at each start by its id, pid and start time; and
 * "ns:<path>" the one behind a file.
 *
 * Another's namespaces belong to a user namespace that ours has no power over, so they are joined by a process that is still in U0,
 * which owns them all, and the container is made by that process. What must be mounted by whoever has power over them (/proc of a pid
 * namespace, /dev/mqueue, /dev/shm, /sys) is made there too and handed in.
 */
#ifndef RUNTIME_NAMESPACES_H
#define RUNTIME_NAMESPACES_H

#include "runtime/config.h"
#include "state/home.h"

/* NS_FLAGS: those before it are asked for by a flag of their own (engine/namespace_opts.h). */
enum ns_kind { NS_IPC, NS_PID, NS_UTS, NS_CGROUP, NS_FLAGS, NS_NET = NS_FLAGS, NS_KINDS };

/* Everything about one kind. */
struct ns_info {
	const char *flag;  /* "ipc", as in --ipc */
	const char *words; /* "shared memory and message queues", for errors */
	int clone;	   /* CLONE_NEWIPC */
	const char *file;  /* below /proc/PID/ns */
};
extern const struct ns_info ns_infos[NS_KINDS];

const char *ns_mode(const struct container_config *c, enum ns_kind k); /* never NULL */
bool ns_is_own(const struct container_config *c, enum ns_kind k);
bool ns_is_host(const struct container_config *c, enum ns_kind k);
/* Does somebody outside of its own network namespace connect it to the world: hoy's networks, pasta or slirp4netns? */
bool ns_is_networked(const struct container_config *c);
const char *ns_container(const struct container_config *c, enum ns_kind k); /* the id or NULL */

/* CLONE_NEW* of those that are the container's own, and of those that it joins. */
int ns_own_flags(const struct container_config *c);
int ns_joined_flags(const struct container_config *c);

/* What a container joins, as pidfds or files of namespaces; -1 where it joins nothing. */
struct joins {
	int fd[NS_KINDS];
	bool any;
};

/* Looks them up: the containers must run. ERR_NAMESPACE says what cannot be joined. */
int joins_open(const struct home *h, const struct container_config *c, struct joins *ret,
	       struct err *e);
void joins_close(struct joins *j);

/* Mounts of joined namespaces, detached; -1: none. */
enum given { GIVEN_PROC, GIVEN_MQUEUE, GIVEN_SHM, GIVEN_CGROUP, GIVEN_SYS, GIVEN_KINDS };

/* Called in U0, by a process that does nothing else afterwards but make the container: it is in the namespaces from then on (its
 * children, where it is about the pid namespace). ret gets the mounts. */
int joins_enter(const struct joins *j, const struct container_config *c, int ret[GIVEN_KINDS],
		struct err *e);

#endif
