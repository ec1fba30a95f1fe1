/*
 * oci_cgroups.h - the control groups of a container that comes as an OCI bundle: one of version 2, or one in each hierarchy of version 1.
 *
 * Two drivers, as with runc: hoy makes the directories itself (linux.cgroupsPath is a path), or asks systemd for a scope ("slice:prefix:name"). Everything that later
 * commands need stands in struct oci_cgroups, which is a part of the container's state: no path is computed twice. A group that has processes already is
 * never taken, because whoever kills the container kills all that are in its groups.
 *
 * Who is not root on the host and asks for no resources gets along without groups where none can be made; what was asked for and cannot be had is an error.
 */
#ifndef RUNTIME_OCI_CGROUPS_H
#define RUNTIME_OCI_CGROUPS_H

#include "runtime/oci_wanted.h"

struct oci_cgroups {
	const char *unit; /* of systemd; NULL: made by hoy */
	struct pairs
		paths; /* hierarchy ("": version 2; "memory", "cpu,cpuacct", "name=systemd"): directory. Empty: there are no groups */
};
extern const struct bind_field oci_cgroups_fields[];

/* Before there is a process: makes them and sets what can be set. *ret_clone: a directory of version 2 to clone into (CLONE_INTO_CGROUP), the caller's; -1: none.
 * ERR_CGROUP, ERR_OCI_RESOURCES. On an error nothing of ours is left. */
int oci_cgroups_make(const struct oci_cgroups_want *w, struct oci_cgroups *ret, int *ret_clone,
		     struct arena *a, struct err *e);
/* The process exists and waits: moves it to where it is not yet (with systemd: has the scope made around it), and sets the rest, the rules for devices. */
int oci_cgroups_enter(const struct oci_cgroups_want *w, struct oci_cgroups *c, pid_t pid,
		      struct arena *a, struct err *e);

/* Sets what r says and leaves the rest. Rules for devices are not touched, as with runc: other programs change them while the container runs. */
int oci_cgroups_update(const struct oci_cgroups *c, const struct oci_resources *r, struct err *e);

/* One more process. sub: a path below the container's group, "CONTROLLERS:PATH" with version 1; or NULL. init: the container's, in whose group it goes where its own
 * cannot have processes, because the container has divided it. */
int oci_cgroups_join(const struct oci_cgroups *c, const char *sub, pid_t init, pid_t pid,
		     struct err *e);

/* Sends a signal to all processes; 0 also if there is none. */
int oci_cgroups_kill(const struct oci_cgroups *c, int sig, struct err *e);
/* All processes, with those of groups below; the caller frees the list. */
int oci_cgroups_pids(const struct oci_cgroups *c, pid_t **ret, size_t *ret_n, struct err *e);

/* Holds all processes still, or lets them go on; comes back when it is so. */
int oci_cgroups_freeze(const struct oci_cgroups *c, bool on, struct err *e);
bool oci_cgroups_frozen(const struct oci_cgroups *c);

/* Removes what is there; processes that are still leaving are waited for, a second at most. */
int oci_cgroups_remove(const struct oci_cgroups *c, struct err *e);

/* The directory where files of a controller ("memory") are; NULL: none. */
const char *oci_cgroups_dir(const struct oci_cgroups *c, const char *controller);
/* Is it version 2 that limits and counts? */
bool oci_cgroups_v2(const struct oci_cgroups *c);

/* What the container uses, in the form of runc's `events --stats` ("data"). */
struct json *oci_cgroups_stats(const struct oci_cgroups *c, struct arena *a);

#endif
