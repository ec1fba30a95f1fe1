/*
 * secrets.h - what a container gets of its secrets: files in a tmpfs of its own, which nobody can write, and variables.
 *
 * The data comes from the container's directory (struct config_secret). It is in no config, no layer and no list.
 */
#ifndef RUNTIME_SECRETS_H
#define RUNTIME_SECRETS_H

#include "runtime/config.h"

#define SECRETS_DIR  "secrets"
#define SECRETS_PATH "/run/secrets" /* where files lie that have no path of their own */

/* Adds the variables to env. dir: the container's directory. ERR_SECRET_DAMAGED. */
int secrets_env(int dir, const struct container_config *c, struct strs *env, struct arena *a,
		struct err *e);

#endif
