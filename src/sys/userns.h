/*
 * userns.h - user namespaces: what ids a user may map, writing the maps, questions about a namespace.
 *
 * No policy: who shares which namespace is decided in state/u0.c. Source: user_namespaces(7), newuidmap(1), subuid(5).
 */
#ifndef SYS_USERNS_H
#define SYS_USERNS_H

#include "base/base.h"

struct id_range {
	uint32_t inside, outside, count;
};
enum { ID_RANGES_MAX = 64 }; /* the kernel takes 340 */
struct id_map {
	struct id_range r[ID_RANGES_MAX];
	size_t n;
};

/* Adds the ranges of file (/etc/subuid or /etc/subgid) that belong to the user, by name or by number, after what m
 * holds already, the inside ids going on from next. Returns the number of ranges found. */
int userns_subids(const char *file, const char *user, uint32_t uid, uint32_t next,
		  struct id_map *m);

/* The map of the own namespace as the kernel gives it (/proc/self/uid_map). */
int userns_read_map(const char *file, struct id_map *m);

/* Writes /proc/PID/uid_map and gid_map directly (pid 0: of ourselves). The rights for that are the caller's business. deny_setgroups writes "deny" to
 * setgroups first, which an unprivileged writer must (user_namespaces(7)). */
int userns_write_maps(pid_t pid, const struct id_map *uids, const struct id_map *gids,
		      bool deny_setgroups, struct err *e);

/* Runs newuidmap and newgidmap for pid, both at once. -ENOENT if they are not installed, -EPERM if they refuse; the error quotes
 * what they said. */
int userns_newidmap(pid_t pid, const struct id_map *uids, const struct id_map *gids, struct err *e);
const char *userns_newuidmap_path(void); /* NULL if it is not installed */

/* The uid that made the namespace, as seen from ours, -errno on failure. NS_GET_OWNER_UID, ioctl_ns(2). */
int64_t userns_owner(int nsfd);

/* The identity map that a child namespace can be given: the ids inside m, in the pieces of m (one extent may not span two of
 * the parent's). */
void userns_identity(const struct id_map *m, struct id_map *ret);

/* A descriptor of the user namespace that owns the mount namespace of the process behind a pidfd (NS_GET_USERNS, ioctl_ns(2)), or
 * -errno. It need not be the namespace that the process is in. */
int userns_of_mounts(int pidfd);

/* Makes a user namespace in which we are uid:gid and nobody else exists (no privilege is needed for this map), and enters it, with all
 * capabilities there. /proc must be a real one. */
int userns_become(uint32_t uid, uint32_t gid, struct err *e);

#endif
