/*
 * inspect_network.h - what inspect says of a container's networks and ports, in podman's form and in docker's.
 *
 * Addresses are those of its endpoints, shown while it runs, as the two do; what was asked for stands in IPAMConfig and HostConfig.
 */
#ifndef ENGINE_INSPECT_NETWORK_H
#define ENGINE_INSPECT_NETWORK_H

#include "data/json.h"
#include "engine/container.h"

struct json *inspect_network_settings(const struct home *h, const struct container *c, bool docker,
				      struct arena *a);
/* Into HostConfig: NetworkMode, PortBindings, PublishAllPorts, Links. */
void inspect_host_network(const struct container *c, bool docker, struct json *host,
			  struct arena *a);

#endif
