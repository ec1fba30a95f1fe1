/*
 * limit_opts.h - the options of run, create and update that limit what a container may use, checked and turned into what config.json holds.
 *
 * All come as texts, so that what was not given can be told from zero. Errors are ERR_LIMIT_BAD and name the option.
 */
#ifndef ENGINE_LIMIT_OPTS_H
#define ENGINE_LIMIT_OPTS_H

#include "runtime/config.h"

struct limit_opts {
	const char *memory, *memory_swap, *memory_reservation;
	const char *cpus, *cpu_shares, *cpu_period, *cpu_quota, *cpuset_cpus, *cpuset_mems;
	const char *pids_limit, *blkio_weight;
	struct strs weight_device, read_bps, write_bps, read_iops, write_iops;
	struct strs conf; /* of run and create only, as the next */
	const char *cgroup_parent, *cgroups;
};

/* Changes ret as the options say: it holds the limits that were before (none, for a new container). What is given as 0, or as -1 where that means no limit,
 * is taken away. */
int limit_opts_set(const struct limit_opts *o, struct config_limits *ret, struct arena *a,
		   struct err *e);
/* All of them, and where the cgroup is to be, of a new container. */
int limit_opts_create(const struct limit_opts *o, struct container_config *c, struct arena *a,
		      struct err *e);

#endif
