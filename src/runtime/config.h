/*
 * config.h - config.json of a container: all that its start needs, decided once at create.
 *
 * Values are resolved as far as they can be without the root file system: command, environment and user are final texts; the
 * user is looked up in the image's passwd at each start. config.json is written once and never changes; what changes is in state.json
 * (state/container.h), and what `update` changes in files beside it. Whoever reads it has to live with files of earlier releases: fields are added, never given a new meaning.
 */
#ifndef RUNTIME_CONFIG_H
#define RUNTIME_CONFIG_H

#include "data/bind.h"
#include "net/port.h"
#include "runtime/limit.h"
#include "runtime/security.h"

/* A mount asked for with -v, --mount, --tmpfs, --volumes-from, or by the image. */
struct config_mount {
	const char *type; /* "bind", "tmpfs", "volume", "image", "ramfs" or "devpts" */
	/* bind: absolute host path; volume: its files, relative to the store (absolute: where its driver has them, set at each start);
	 * image: its id; else NULL */
	const char *source;
	const char *destination;     /* absolute path in the container */
	struct strs options;	     /* "ro", "nosuid", "size=64m" ... checked at create */
	const char *mode;	     /* the options as they were typed, for inspect; may be NULL */
	bool by_mount;		     /* given with --mount */
	const char *name;	     /* volume: its name; image: as it was asked for */
	const char *driver;	     /* of a volume; NULL: local */
	bool anonymous;		     /* a volume that is this container's: it goes with it */
	bool by_image;		     /* a VOLUME of the image */
	const char *subpath;	     /* of a volume or image: what is mounted of it */
	struct pairs volume_options; /* of a volume, as its record has them */
	struct pairs volume_labels;  /* for a volume that is made; not written down */
	const char
		*over; /* a bind with O: a directory of marks that lies on the source; NULL: none */
	struct strs layers; /* of an image: diffIDs, the bottom one first */
};

struct config_device {
	const char *source, *destination; /* absolute; on the host, in the container */
	const char *permissions;	  /* of "rwm" */
};

/* A copy of the secret's data lies in the container's directory, as secrets/<place in the list>. */
struct config_secret {
	const char *name, *id;	/* of the secret when the container was made */
	const char *type;	/* "mount" or "env" */
	const char *target;	/* an absolute path, or the variable */
	int64_t uid, gid, mode; /* of a mount */
};

/* A range of an id map: ids of the container, and those of U0 that they are. */
struct config_ids {
	int64_t inside, outside, count;
};

struct config_ulimit {
	const char *name;   /* "nofile" */
	int64_t soft, hard; /* -1: unlimited */
};

/* What one process of the container is: PID 1, and with other values each exec. */
struct config_process {
	struct strs args;
	struct strs env; /* complete but for HOME, which the user's entry may still give */
	const char *cwd;
	const char *user; /* as given: "", "1000", "name:group" */
	bool tty, interactive;
	bool no_new_privs;
	int64_t caps_bounding, caps_user; /* masks, sys/caps.h */
	struct strs groups; /* supplementary ones asked for: names, numbers, or USER_KEEP_GROUPS */
};

/* How its health is checked. Times are nanoseconds. */
struct config_health {
	struct strs test; /* "CMD", word... or "CMD-SHELL", command; none: there is no check */
	int64_t interval; /* 0: only when somebody asks */
	int64_t timeout, start_period, start_interval, retries;
	const char *on_failure; /* "kill", "stop", "restart"; NULL: nothing */
	struct strs startup;	/* as test: has to succeed before test is run */
	int64_t startup_interval, startup_timeout, startup_retries, startup_success;
	const char *log_destination; /* "events_logger" or a directory; NULL: in health.json */
	int64_t log_count, log_size; /* results, and bytes of each; 0: the most there can be */
};

struct container_config {
	int64_t version;
	const char *id, *name; /* the name at create; the present one is in the state */
	const char *created;
	const char *image, *image_id, *image_digest;
	const char *root;    /* "image", "host" (@host), "empty" (@empty) or "dir" (--rootfs) */
	const char *rootfs;  /* of "dir": the directory, an absolute path of the host */
	bool rootfs_overlay; /* of "dir": what is written goes into a layer that goes at the end */
	struct strs layers;  /* diffIDs, the bottom one first */
	/* "none", "host", "bridge" (has endpoints in networks.json, whatever their names), "container:<id>", "ns:<path>", "pasta"
	 * or "slirp4netns" */
	const char *network;
	const char
		*network_mode; /* the network as it was asked for, for inspect; NULL: as network */
	struct strs network_options; /* of pasta and slirp4netns, as they were given */
	struct bind_list ports;	     /* of struct port (net/port.h): what is published */
	struct strs exposed;	     /* "80/tcp": of the image and of --expose */
	bool publish_all;	     /* all that are exposed are in ports too, with a random port */
	struct strs links;	     /* "NAME:ALIAS", for inspect */
	const char *hostname, *domainname;
	struct strs dns, dns_search,
		dns_options;	 /* as given; dns "none": the image's resolv.conf stays */
	struct strs extra_hosts; /* NAME[;NAME...]:IP, checked; IP may be "host-gateway" */
	const char
		*hosts_file; /* what hosts begins with: a path, "image", "none"; NULL: the host's */
	bool no_hosts, no_hostname;		/* the image's files stay */
	const char *ipc, *pid, *uts, *cgroupns; /* modes: runtime/namespaces.h */
	const char *userns; /* --userns as it was given, "private" for --uidmap; NULL: not given */
	struct bind_list uid_map, gid_map; /* of struct config_ids; none: all ids of U0 */
	const char
		*keep_name; /* of keep-id: the caller, for lines in passwd and group; NULL: none */
	int64_t keep_uid, keep_gid; /* who that is in the container */
	struct config_process process;
	struct strs entrypoint, command; /* as they make up args, for inspect */
	struct pairs labels, annotations;
	struct bind_list mounts;  /* of struct config_mount */
	struct strs volumes_from; /* as they were given, for inspect */
	const char *volume_driver;
	struct bind_list ulimits; /* of struct config_ulimit */
	struct bind_list devices; /* of struct config_device */
	struct bind_list secrets; /* of struct config_secret */
	struct pairs sysctls;	  /* names with dots; checked at create */
	int64_t shm_size;	  /* of /dev/shm in bytes; 0: no limit */
	struct strs cap_add, cap_drop;
	struct security security;
	struct strs create_command;
	const char *detach_keys;
	int64_t stop_signal, stop_timeout; /* seconds; -1: not configured (10) */
	bool read_only, init, auto_remove;
	struct config_health health;
	const char *restart; /* the policy at create (state/restart_policy.h); NULL: no */
	struct strs attach;  /* "stdin" ... as asked for with --attach; none: all */
	int64_t umask;
	const char *tz;	     /* "local", or a file below CONFIG_ZONEINFO; NULL: the image's */
	const char *pidfile; /* absolute; NULL: none */
	const char *conmon_pidfile; /* of the supervisor; likewise */
	bool no_passwd;		    /* /etc/passwd and /etc/group stay as the image has them */
	bool systemd; /* what runs is systemd, or wants to be treated like it (--systemd) */
	const char *personality; /* "LINUX32"; NULL: the machine's own */
	struct strs chroot_dirs; /* directories that get /etc/hosts and its like, too */
	const char *init_path;	 /* an init of the user's, in place of ours; NULL: none */
	const char *passwd_entry,
		*group_entry;	/* patterns of the lines of a user without one; NULL: ours */
	struct strs host_users; /* whole lines for /etc/passwd: users of the host */
	struct strs requires;	/* ids of containers that are started before it */
	const char *cidfile;	/* as it was given, for inspect */
	int64_t timeout;	/* seconds that it may run; 0: for ever */
	bool has_oom_score_adj;
	int64_t oom_score_adj;
	const char *log_driver; /* "local", "none"; NULL: k8s-file */
	const char *log_path;	/* absolute; NULL: ctr.log in the container's directory */
	int64_t log_max_size, log_max_files; /* bytes a file, 0: no limit; files in all */
	struct pairs log_opts;		     /* as they were given, for inspect */
	struct config_limits limits;	     /* as created; those that count: limit_read() */
	const char *cgroup_parent;	     /* "NAME.slice", or a path of a cgroup; NULL: none */
	const char *
		cgroups; /* "disabled", "no-conmon" or "split"; NULL: one of its own, where it can be had */
};

enum {
	CONFIG_VERSION = 1,
	CONFIG_SHM_SIZE = 64000 << 10,
	CONFIG_UMASK = 0022,
	CONFIG_LOG_FILES = 100,	    /* of one log at most */
	CONFIG_LOG_SIZE = 20 << 20, /* of the driver local, where nothing else is said: docker's */
	CONFIG_LOG_COUNT = 5,
};
#define CONFIG_ZONEINFO "/usr/share/zoneinfo"

/* container_config.network of one that has endpoints in networks (networks.json), whatever their names. */
#define NETWORK_OWN "bridge"

extern const struct bind_field config_fields[];
extern const struct bind_field config_process_fields[];

int config_read(int container_dir, struct container_config *ret, struct arena *a, struct err *e);
/* Writes down what `update` has changed in c: the environment, the ulimits and the health check. config_read() puts it over config.json. */
int config_write_changes(int container_dir, const struct container_config *c, struct err *e);
int config_write(int container_dir, const struct container_config *c, bool sync, struct err *e);

#endif
