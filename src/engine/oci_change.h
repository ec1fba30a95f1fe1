/*
 * oci_change.h - changing containers of the OCI runtime that are there, and watching what they use: pause, resume, update and events.
 */
#ifndef ENGINE_OCI_CHANGE_H
#define ENGINE_OCI_CHANGE_H

#include "engine/oci.h"

/* Comes back when all processes stand still, or go on. ERR_OCI_STATE if it is not running (created counts), or not paused. */
int oci_pause(const struct oci_container *c, struct err *e);
int oci_resume(const struct oci_container *c, struct err *e);

/* Sets what r says; the rest stays. ERR_OCI_STATE, ERR_OCI_RESOURCES, ERR_CGROUP. */
int oci_update(const struct oci_container *c, const struct oci_resources *r, struct err *e);
/* The same from a text of JSON (linux.resources of the specification), named what in errors. */
int oci_update_text(const struct oci_container *c, const char *text, size_t len, const char *what,
		    struct err *e);

/* What it uses, as `events` prints it: {"type":"stats","id":...,"data":...}. */
struct json *oci_stats_event(const struct oci_container *c, struct arena *a);

/* Calls tell for each of these objects: stats at each interval, and one whenever the kernel has killed because memory ran out. Returns when the container has ended, or what tell
 * returned if that is not 0. */
typedef int oci_tell(void *ctx, const struct json *event, struct err *e);
int oci_watch(const struct oci_container *c, int64_t interval_ns, oci_tell *tell, void *ctx,
	      struct err *e);

#endif
