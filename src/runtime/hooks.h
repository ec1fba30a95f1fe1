/*
 * hooks.h - programs that whoever made a bundle wants to be run around its start (config.md "POSIX-platform Hooks").
 *
 * Each gets the container's state on its standard input, runs in the bundle's directory, and is killed with all that it started in its process group
 * when its time is over. What it prints is kept for the error.
 */
#ifndef RUNTIME_HOOKS_H
#define RUNTIME_HOOKS_H

#include "oci/runtime_spec.h"

/* What "state" says (runtime.md), for hooks and `oci state`. pid 0: it has none. */
struct json *hooks_state(const struct oci_spec *s, const char *id, const char *bundle,
			 const char *status, pid_t pid, struct arena *a);

/* Runs a list (struct oci_hook) in order, up to the first that fails: ERR_OCI_HOOK. kind: "prestart", for errors. dir: where they run, NULL: here. */
int hooks_run(const struct bind_list *l, const char *kind, const struct json *state,
	      const char *dir, struct err *e);

#endif
