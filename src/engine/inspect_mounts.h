/*
 * inspect_mounts.h - the part of inspect that tells of mounts and devices, in the fields of both engines.
 */
#ifndef ENGINE_INSPECT_MOUNTS_H
#define ENGINE_INSPECT_MOUNTS_H

#include "runtime/config.h"

/* The list .Mounts. tmpfs stand in HostConfig, as in both engines. store: its path. */
struct json *inspect_mounts(const struct container_config *cfg, const char *store, bool docker,
			    struct arena *a);

/* Binds, Tmpfs, Mounts, Devices and ShmSize of .HostConfig. */
void inspect_host_mounts(const struct container_config *cfg, bool docker, struct json *host,
			 struct arena *a);

#endif
