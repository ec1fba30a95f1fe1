/*
 * inspect_health.h - what inspect shows of a container's health, and of how it is checked.
 */
#ifndef ENGINE_INSPECT_HEALTH_H
#define ENGINE_INSPECT_HEALTH_H

#include "data/json.h"
#include "engine/container.h"

/* State.Health; its config is loaded. */
struct json *inspect_health(const struct container *c, bool docker, struct arena *a);
/* Config.Healthcheck and what stands beside it. Nothing without a check. */
void inspect_healthcheck(const struct container_config *c, bool docker, struct json *config,
			 struct arena *a);

#endif
