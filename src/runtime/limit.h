/*
 * limit.h - what a container may use: limits as config.json holds them, and how cgroup v2 is told them.
 *
 * The limits of the create stand in config.json. `update` writes all of them anew to limits.json beside it (replaced as a whole), which counts instead
 * from then on. A limit becomes settings: files of a cgroup with the text to write. Two lists of settings are compared, so that setting limits and
 * changing or taking away some of a running container is the same work. The resources of an OCI bundle become settings as well (runtime/oci_limits.h), also
 * for version 1.
 */
#ifndef RUNTIME_LIMIT_H
#define RUNTIME_LIMIT_H

#include "data/bind.h"

#define LIMITS_FILE "limits.json"

/* A limit for one device: bytes or operations in a second, or a weight. */
struct device_limit {
	const char *path; /* of a block device, looked up at each start */
	int64_t value;
};

/* Zero and NULL: not limited. */
struct config_limits {
	int64_t memory, memory_reservation; /* bytes */
	int64_t memory_swap;		    /* bytes of both; -1: no limit; 0: twice the memory */
	int64_t nano_cpus;		    /* 10^9: one */
	int64_t cpu_period, cpu_quota;	    /* microseconds; quota -1: no limit */
	int64_t cpu_shares;		    /* 2 to 262144, as cgroup v1 has them */
	const char *cpuset_cpus, *cpuset_mems; /* "0-3,7" */
	int64_t pids;			       /* -1: asked to be without limit */
	int64_t blkio_weight;		       /* 10 to 1000 */
	struct bind_list weight_device, read_bps, write_bps, read_iops,
		write_iops; /* struct device_limit */
	struct pairs conf;  /* files of the cgroup and what to write there */
};

extern const struct bind_field limit_fields[];

/* The limits that count: of limits.json in the container's directory, else those given (of its config). Leaves ret as dflt where there is no such file. */
int limit_read(int container_dir, const struct config_limits *dflt, struct config_limits *ret,
	       struct arena *a, struct err *e);
int limit_write(int container_dir, const struct config_limits *l, struct err *e);

/* Is it a list of numbers and ranges, as of CPUs: "0-3,7"? */
bool limit_is_list(const char *text);

bool limit_any(const struct config_limits *l); /* is one set? */

/* Memory and swap together: -1 no limit, 0 none was asked for. */
int64_t limit_swap(const struct config_limits *l);

struct limit_setting {
	const char *flag;  /* "--memory", "linux.resources.memory.limit": who asked for it */
	const char *file;  /* "memory.max" */
	const char *value; /* to be written */
	const char *
		reset; /* to be written when it is asked for no longer; NULL: it cannot be taken back */
	const char *other, *other_value,
		*other_reset; /* the file where the kernel has none of the first name */
	bool optional;	      /* fine if the kernel has no such file */
};
struct limit_list {
	struct bind_list v; /* struct limit_setting */
};

/* Appends one; it can be completed. The texts are kept as they are. */
struct limit_setting *limit_add(struct limit_list *to, struct arena *a, const char *flag,
				const char *file, const char *value, const char *reset);
/* Shares of version 1 (2 to 262144) as a weight of version 2 (1 to 10000), and BFQ's own weights (10 to 1000) as those of the others, by the formulas of
 * runc, crun and systemd. */
uint64_t limit_cpu_weight(uint64_t shares);
uint64_t limit_io_weight(uint64_t weight);

/* ERR_LIMIT_BAD for what is no block device. */
int limit_settings(const struct config_limits *l, struct arena *a, struct limit_list *ret,
		   struct err *e);
/* The controllers (sys/cgroup.h) that they need, and the flag that asks for one of them. */
unsigned limit_controllers(const struct limit_list *l);
const char *limit_flag(const struct limit_list *l, unsigned controllers);

/* Writes those that differ from what was set before (NULL: nothing) to the cgroup that the descriptor is. ERR_LIMIT_BAD names flag and value. */
int limit_apply(int cgroup, const struct limit_list *l, const struct limit_list *before,
		struct err *e);

/* Writes all of them, each to the directory that where() gives for its file (a descriptor that stays its own, or -errno). What the kernel refuses because of another that is
 * not written yet (memory and memory with swap; period, quota and burst) is tried again after that. */
typedef int limit_where(void *ctx, const char *file);
int limit_write_all(const struct limit_list *l, limit_where *where, void *ctx, struct err *e);

#endif
