/*
 * log_opts.h - --log-driver and --log-opt.
 */
#ifndef ENGINE_LOG_OPTS_H
#define ENGINE_LOG_OPTS_H

#include "runtime/config.h"

/* Drivers: local (the default), k8s-file, json-file (docker's form), journald, passthrough, passthrough-tty, none. Options: path=FILE, max-size=SIZE, max-file=N, labels=KEYS,
 * env=NAMES and tag=TEMPLATE. Others of docker and podman are
 * refused with the reason. ERR_USAGE. */
int log_opts_apply(const char *driver, const struct strs *opts, struct container_config *c,
		   struct arena *a, struct err *e);

/* The labels and variables that labels= and env= name, as "a=1,b=2"; nothing if there are none. */
void log_opts_details(const struct container_config *c, struct str *ret);

#endif
