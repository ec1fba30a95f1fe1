/*
 * oci_wanted.h - what a bundle, and who runs it, say of control groups.
 */
#ifndef RUNTIME_OCI_WANTED_H
#define RUNTIME_OCI_WANTED_H

#include "oci/runtime_resources.h"

struct oci_cgroups_want {
	const char *id, *path; /* linux.cgroupsPath or NULL */
	bool systemd;	       /* --systemd-cgroup */
	bool rootless;	       /* not root of the host */
	int64_t owner; /* uid that the group of version 2 is given to (config-linux.md, "Cgroup ownership"); -1: nobody */
	const struct oci_resources *resources; /* or NULL */
	const struct pairs *annotations;       /* or NULL; "org.systemd.property.NAME" counts */
};

#endif
