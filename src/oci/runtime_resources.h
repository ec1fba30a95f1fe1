/*
 * runtime_resources.h - "linux.resources" of the OCI runtime specification: what the processes of a container may use.
 *
 * https://github.com/opencontainers/runtime-spec/blob/v1.2.0/config-linux.md#control-groups. Read by table (data/bind.h) like all of config.json; then the check
 * finds what has the right type and still cannot be meant. Zero stands for "not given" where runc and crun read it so; where zero is a value of its own, the field
 * is the JSON number (NULL: not given), whose value oci_number() tells after the check.
 */
#ifndef OCI_RUNTIME_RESOURCES_H
#define OCI_RUNTIME_RESOURCES_H

#include "data/bind.h"

struct oci_device_rule {
	bool allow;
	const char *type;	    /* "a", "b", "c"; NULL: "a" */
	struct json *major, *minor; /* NULL and -1: any */
	const char *access;	    /* of "rwm"; NULL: all three */
};

struct oci_memory {
	int64_t limit, reservation,
		swap; /* bytes; -1: no limit; swap: both together, as version 1 has it */
	int64_t kernel, kernel_tcp;
	struct json *swappiness; /* 0 to 100 */
	bool disable_oom_killer, check_before_update;
	struct json *use_hierarchy; /* boolean */
};

struct oci_cpu {
	uint64_t shares;	  /* 2 to 262144 */
	int64_t quota;		  /* microseconds; -1: no limit */
	uint64_t period;	  /* microseconds */
	struct json *burst;	  /* microseconds */
	int64_t realtime_runtime; /* microseconds */
	uint64_t realtime_period;
	const char *cpus, *mems; /* "0-3,7" */
	struct json *idle;	 /* 0, 1 */
};

struct oci_weight_device {
	int64_t major, minor;
	uint64_t weight, leaf_weight;
};
struct oci_throttle_device {
	int64_t major, minor;
	uint64_t rate;
};
struct oci_block_io {
	uint64_t weight, leaf_weight;	/* 10 to 1000 */
	struct bind_list weight_device; /* struct oci_weight_device */
	struct bind_list read_bps, write_bps, read_iops,
		write_iops; /* struct oci_throttle_device */
};

struct oci_hugepage_limit {
	const char *page_size; /* "2MB" */
	uint64_t limit;
};

struct oci_net_priority {
	const char *name;
	uint64_t priority;
};

struct oci_resources {
	struct bind_list devices; /* struct oci_device_rule */
	struct oci_memory memory;
	struct oci_cpu cpu;
	struct {
		int64_t limit; /* -1: no limit */
	} pids;
	struct oci_block_io block_io;
	struct bind_list hugepages; /* struct oci_hugepage_limit */
	struct {
		struct json *class_id;
		struct bind_list priorities; /* struct oci_net_priority */
	} network;
	struct json *rdma;    /* device: {hcaHandles, hcaObjects} */
	struct pairs unified; /* file of version 2: its text */
};

extern const struct bind_field oci_resources_fields[];

/* Finds values that cannot be: at is the object that was read, for line and column. ERR_OCI_RESOURCES. */
int oci_resources_check(const struct oci_resources *r, const struct json *at, const char *what,
			struct err *e);

/* The number of a field that may be absent, or dflt. */
int64_t oci_number(const struct json *j, int64_t dflt);

/* Bits of a rule's access: read 2, write 4, mknod 1 (BPF_DEVCG_ACC_*). */
unsigned oci_rule_access(const struct oci_device_rule *r);

#endif
