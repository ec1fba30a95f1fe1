/*
 * health_opts.h - the check of a container: from HEALTHCHECK of its image, and from --health-* of run, create and update.
 */
#ifndef ENGINE_HEALTH_OPTS_H
#define ENGINE_HEALTH_OPTS_H

#include "oci/image_spec.h"
#include "runtime/config.h"

/* As typed; NULL: not given. Durations are Go's, or "disable"/"0" for the interval. */
struct health_opts {
	const char *cmd, *interval, *retries, *timeout, *start_period, *start_interval;
	const char *on_failure, *log_destination, *max_log_count, *max_log_size;
	const char *startup_cmd, *startup_interval, *startup_retries, *startup_success,
		*startup_timeout;
	bool off; /* --no-healthcheck */
};

/* image: of the image, may be NULL. ERR_USAGE names the option. */
int health_opts_apply(const struct health_opts *o, const struct image_health *image, bool docker,
		      struct config_health *ret, struct arena *a, struct err *e);

/* The same for a container that is there: what is given takes the place of what *c has. ERR_HEALTH_NONE if there is no check. */
int health_opts_change(const struct health_opts *o, struct config_health *c, struct arena *a,
		       struct err *e);

#endif
