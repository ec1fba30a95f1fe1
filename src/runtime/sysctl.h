/*
 * sysctl.h - kernel parameters of the container's own namespaces (--sysctl).
 *
 * Only what the kernel keeps per namespace can be set, and only where that namespace is the container's own. Written once at each start,
 * through a procfs that nothing of the image can reach or cover (CVE-2025-52881).
 */
#ifndef RUNTIME_SYSCTL_H
#define RUNTIME_SYSCTL_H

#include "runtime/config.h"

/* Is it a parameter that this container may set? ERR_SYSCTL with the reason if not. */
int sysctl_check(const struct container_config *c, const char *name, struct err *e);

/* Writes all of the config but what belongs to devices of its networks. proc: a mount of procfs that is attached nowhere in the container yet.
 * *ret_later: 0 before; a descriptor for sysctl_write_later() if there is something left. */
int sysctl_write(const struct container_config *c, int proc, int *ret_later, struct err *e);
/* The devices are there: writes what was left, and closes *later. */
int sysctl_write_later(const struct container_config *c, int *later, struct err *e);

#endif
