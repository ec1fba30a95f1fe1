/*
 * oci_scope.h - the systemd driver for OCI bundles: linux.cgroupsPath is "slice:prefix:name", and the container's processes are in a scope that systemd makes.
 *
 * The scope is delegated, so what is below it is ours; what systemd knows of limits it is told too, as it would set them anew otherwise (daemon-reload). The annotations
 * "org.systemd.property.NAME" are properties of the scope, in the text form of GVariant.
 */
#ifndef RUNTIME_OCI_SCOPE_H
#define RUNTIME_OCI_SCOPE_H

#include "runtime/oci_wanted.h"
#include "runtime/oci_limits.h"

/* The unit's and the slice's name for a path; without one, "hoy-ID.scope" in the slice that containers are in. ERR_OCI_RESOURCES. */
int oci_scope_names(const struct oci_cgroups_want *w, struct arena *a, const char **ret_unit,
		    const char **ret_slice, struct err *e);

/* Can it be had, and is what it is to be well-formed? Before there is a process. */
int oci_scope_check(const struct oci_cgroups_want *w, struct err *e);

/* Makes it around the process. *ret_below: its path in the hierarchy that systemd keeps. */
int oci_scope_start(const struct oci_cgroups_want *w, pid_t pid, struct arena *a,
		    const char **ret_unit, const char **ret_below, struct err *e);

/* now: as in oci_limits_v2(). */
int oci_scope_update(const char *unit, const struct oci_resources *r,
		     const struct oci_limits_now *now, struct err *e);
/* Has systemd move a process into the scope, where we may not do that ourselves: an ordinary user's session and the user manager's units have no cgroup in common that is
 * the user's. -EACCES if it cannot be asked. */
int oci_scope_attach(const char *unit, pid_t pid, struct err *e);
void oci_scope_stop(const char *unit);

#endif
