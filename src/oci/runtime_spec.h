/*
 * runtime_spec.h - config.json of a bundle: the OCI runtime specification 1.2, its part for Linux, as structs.
 *
 * runtime_read.h reads it. The structs follow the document, name by name. https://github.com/opencontainers/runtime-spec/blob/v1.2.0/config.md
 */
#ifndef OCI_RUNTIME_SPEC_H
#define OCI_RUNTIME_SPEC_H

#include "data/bind.h"
#include "oci/runtime_resources.h"
#include "sys/caps.h"

#define OCI_VERSION_MIN "1.0.0"
#define OCI_VERSION_MAX "1.2.0"

enum { OCI_GROUPS_MAX = 1024, OCI_NO_OOM_SCORE = INT32_MIN };

struct oci_rlimit {
	const char *type; /* "RLIMIT_NOFILE" */
	uint64_t soft, hard;
};

struct oci_user {
	int64_t uid, gid;
	int64_t umask; /* -1: not given */
	struct json *additional_gids;
	uint32_t *groups; /* made of it */
	size_t ngroups;
};

struct oci_capabilities {
	struct strs bounding, effective, inheritable, permitted, ambient;
	struct caps_sets sets; /* made of them */
};

struct oci_scheduler {
	const char *policy;
	int64_t nice, priority;
	struct strs flags;
	uint64_t runtime, deadline, period;
};

struct oci_io_priority {
	const char *class_;
	int64_t priority;
};

struct oci_cpu_affinity {
	const char *initial, *final;
};

struct oci_console_size {
	int64_t height, width;
};

struct oci_process {
	bool terminal;
	struct oci_console_size console;
	const char *cwd;
	struct strs env, args;
	struct bind_list rlimits; /* struct oci_rlimit */
	struct oci_user user;
	const char *apparmor, *selinux;
	struct oci_capabilities *capabilities; /* NULL: none at all */
	bool no_new_privileges;
	int64_t oom_score_adj;		     /* OCI_NO_OOM_SCORE: left */
	struct oci_scheduler *scheduler;     /* NULL: left */
	struct oci_io_priority *io_priority; /* NULL: left */
	struct oci_cpu_affinity *exec_affinity;
};

struct oci_id_mapping {
	int64_t container_id, host_id, size;
};

struct oci_mount {
	const char *destination, *source, *type;
	struct strs options;
	struct bind_list uid_mappings, gid_mappings; /* struct oci_id_mapping */
};

struct oci_hook {
	const char *path;
	struct strs args, env;
	int64_t timeout; /* seconds; 0: none */
};

/* Lists of struct oci_hook. */
struct oci_hooks {
	struct bind_list prestart, create_runtime, create_container, start_container, poststart,
		poststop;
};

enum oci_ns {
	OCI_NS_USER,
	OCI_NS_MOUNT,
	OCI_NS_PID,
	OCI_NS_NETWORK,
	OCI_NS_IPC,
	OCI_NS_UTS,
	OCI_NS_CGROUP,
	OCI_NS_TIME,
	OCI_NS_KINDS,
};

struct oci_namespace {
	const char *type, *path;
};

struct oci_device {
	const char *type, *path;
	int64_t major, minor;
	int64_t file_mode; /* 0: 0666 */
	int64_t uid, gid;
};

struct oci_time_offset {
	int64_t secs, nanosecs;
};

struct oci_personality {
	const char *domain;
	struct strs flags;
};

struct oci_linux {
	struct bind_list uid_mappings, gid_mappings; /* struct oci_id_mapping */
	struct pairs sysctl;
	struct oci_resources *resources;
	const char *cgroups_path;
	struct bind_list namespaces; /* struct oci_namespace */
	struct bind_list devices;    /* struct oci_device */
	struct json *seccomp;	     /* read where it is compiled: runtime/oci_seccomp.h */
	const char *rootfs_propagation;
	struct strs masked_paths, readonly_paths;
	const char *mount_label;
	struct oci_personality *personality;
	struct json *intel_rdt;
	struct {
		struct oci_time_offset *monotonic, *boottime;
	} time_offsets;
};

struct oci_root {
	const char *path;
	bool readonly;
};

struct oci_spec {
	const char *version;
	struct oci_process *process; /* NULL: none, which only create takes */
	struct oci_root root;
	const char *hostname, *domainname;
	struct bind_list mounts; /* struct oci_mount */
	struct oci_hooks hooks;
	struct pairs annotations;
	struct oci_linux linux_;
	struct strs warnings; /* what is to be told, but does not fail */
};

/* "network", and CLONE_NEWNET. */
const char *oci_ns_name(enum oci_ns k);
int oci_ns_clone(enum oci_ns k);
/* The entry of a kind; NULL: the container stays in ours. */
const struct oci_namespace *oci_ns_find(const struct oci_spec *s, enum oci_ns k);
/* Is it made for the container? */
bool oci_ns_new(const struct oci_spec *s, enum oci_ns k);

/* RLIMIT_NOFILE's number; -1: no such name. */
int oci_rlimit_number(const char *type);

/* "0-3,7" as a mask of CPUs; false: it is none. */
bool oci_cpu_list(const char *text, unsigned char *set, size_t bytes);

#endif
