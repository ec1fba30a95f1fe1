/*
 * oci_limits.h - linux.resources of a bundle as settings of control groups (runtime/limit.h), for version 1 and version 2.
 *
 * What a version does not have is refused (ERR_OCI_RESOURCES), where it asks for something. Numbers of version 1 are converted for version 2 as runc and crun do it.
 * Rules for devices are not among the settings (sys/device_filter.h, oci_devices_v1()).
 */
#ifndef RUNTIME_OCI_LIMITS_H
#define RUNTIME_OCI_LIMITS_H

#include "oci/runtime_resources.h"
#include "runtime/limit.h"
#include "sys/device_filter.h"

int oci_limits_v1(const struct oci_resources *r, struct arena *a, struct limit_list *ret,
		  struct err *e);
/* now: what holds already, for what comes alone and belongs to another (swap to memory, a period to its quota). */
struct oci_limits_now {
	int64_t memory, swap; /* bytes; swap alone; -1: no limit */
	int64_t quota;	      /* microseconds; -1: no limit */
};
#define OCI_LIMITS_NONE ((struct oci_limits_now){-1, -1, -1})
int oci_limits_v2(const struct oci_resources *r, const struct oci_limits_now *now, struct arena *a,
		  struct limit_list *ret, struct err *e);
/* Memory and swap together as version 2 wants swap alone: bytes, -1: no limit. Returns 1, 0 if it says nothing of swap, or an error. */
int oci_swap_v2(const struct oci_memory *m, const struct oci_limits_now *now, int64_t *ret,
		struct err *e);

/* The rules of the bundle with those that every container has behind them (config-linux.md, "Default Devices"). */
struct device_rule *oci_device_rules(const struct oci_resources *r, struct arena *a, size_t *ret_n);
/* The same as the lines that a devices cgroup of version 1 takes, which begins with nothing allowed: "c 1:3 rwm". What that version cannot say (a hole in a wider rule) is refused. */
int oci_devices_v1(const struct device_rule *v, size_t n, struct arena *a, bool *ret_all,
		   struct strs *ret, struct err *e);

#endif
