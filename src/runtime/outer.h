/*
 * outer.h - a helper outside of the container's user namespace, for containers that do not have all ids of U0 (mapped.h).
 *
 * The init of such a container is somebody else on the host than the user: it may be unable to enter the store, to read a volume's source, or to change the
 * owner of files. So a process that stays in U0, but is in the container's mount namespace, does that as the user while the container starts: it
 * makes the root file system, mounts volumes, opens devices and gives files away, and hands over descriptors. It trusts the init, which runs nothing of the container's
 * yet, and ends with the last end of its socket: when the init becomes the command. No other container pays for it.
 */
#ifndef RUNTIME_OUTER_H
#define RUNTIME_OUTER_H

#include "runtime/mapped.h"
#include "runtime/stage.h"

/* The process, as a child of ours, on its end of a socket pair; mntns: the container's mount namespace; like: what the init was told. Returns
 * a pid or -errno. */
pid_t outer_start(const struct stage *like, const struct mapped *m, int sock, int mntns,
		  struct err *e);

/* What the init asks of it; without a helper (s->outer is -1) the first two are done here, with what rights we have. */

/* Sets s->root, s->cdir and s->spot. */
stage_step outer_root;
/* open(2) of a path of the host, or of one in the container's directory. A descriptor or -errno. */
int outer_open(const struct stage *s, const char *path, int flags);
/* Makes mount i of the config; what has the option U is remembered. */
int outer_mount(const struct stage *s, size_t i, struct err *e);
/* Gives what was remembered to a user of the container. -errno; -ERANGE: the container does not have that user. */
int outer_own(const struct stage *s, uid_t uid, gid_t gid);

#endif
