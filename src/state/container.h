/*
 * container.h - the containers of the store: ids, names, and the facts about each one.
 *
 * containers/<id>/ holds config.json (written once, runtime/config.h), state.json (replaced as a whole), the upper and work
 * directories, the log and the attach socket. cnames/<name> is a symlink to the id: a name is taken by symlink(2), never by a scan.
 * Whoever starts or removes a container holds an flock on its directory; the supervisor inherits it and keeps it for life.
 * What state.json says is a fact of the past. Whether a container runs now is derived: pid, start time and boot id tell whether the
 * supervisor and PID 1 still live. Readers take no lock.
 */
#ifndef STATE_CONTAINER_H
#define STATE_CONTAINER_H

#include "data/bind.h"
#include "state/home.h"

enum { CONTAINER_ID_LEN = 64 };

/* Files of a container's directory that only say something by being there: its end is a part of a restart. */
#define CONTAINER_KEEP "keep"
/* It is paused (engine/pause.h); only while it runs. What it holds is for the unpause. */
#define CONTAINER_PAUSED "paused"

struct container_state {
	const char *id, *name;
	const char *image;    /* as it was asked for */
	const char *image_id; /* "sha256:..."; NULL for @host and @empty */
	struct strs command;
	struct pairs labels;
	const char *created, *started, *finished; /* RFC 3339 */
	const char *
		status; /* "created", "running", "restarting" (waits to be started again), "exited" */
	const char *boot;
	const char *error;
	const char *form;	/* owner form of its files: "sub", "one", "root" */
	int64_t pid, pid_start; /* PID 1, in our pid namespace */
	int64_t sup, sup_start; /* the supervisor */
	int64_t exit_code;
	int64_t stop_signal, stop_timeout; /* timeout in seconds; -1: not configured */
	bool auto_remove, tty, interactive;
	bool oom_killed; /* the kernel has killed processes of its last run, for its memory limit */
	bool paused;	 /* not of the record: found by container_derive() */
	bool untold;	 /* nor this: no events are written of it (a step of a build) */
	const char *cgroup; /* of its last run, below /sys/fs/cgroup; NULL: none of its own */
	const char *
		network; /* copies of what the config says, so that a list need not read it; NULL: an older record, */
	struct bind_list mounts; /* which has neither of the two; struct state_mount */
	struct strs exposed;	 /* "80/tcp", the same */
	bool checked; /* it has a health check: health.json says how it is (state/health.h) */
	const char *restart;   /* the restart policy (state/restart_policy.h); NULL: no */
	int64_t restart_count; /* by the policy, since somebody started it by hand */
	struct bind_list
		ports; /* struct state_port: what is published; once it runs, as the kernel gave them */
};

/* As struct port (net/port.h): host_port .. host_port + range - 1 lead to container_port and those behind it. */
struct state_port {
	const char *host_ip; /* NULL or "": every address */
	int64_t host_port;   /* 0: not known before it runs */
	int64_t container_port, range;
	const char *protocol; /* "tcp" or "udp" */
};

struct state_mount {
	const char *source; /* NULL for tmpfs; of a volume: relative to the store */
	const char *destination;
	const char *volume; /* the name of a volume, else NULL */
	bool anonymous;	    /* it goes with the container */
	const char *image;  /* the id of an image that is mounted, else NULL */
};

enum container_status {
	CONTAINER_CREATED,
	CONTAINER_RUNNING,
	CONTAINER_RESTARTING, /* it has ended; its supervisor lives and will start it again */
	CONTAINER_EXITED,
	CONTAINER_LOST, /* its supervisor died, PID 1 has not: ended by the next command that writes */
};
const char *container_status_name(enum container_status s);
/* The same for people: one that runs and is paused is "paused". */
const char *container_status_text(enum container_status s, const struct container_state *st);
/* Does its supervisor live, so that it runs, or will again by itself? */
bool container_is_up(enum container_status s);

/* The truth about a state that was read. A running container whose processes are gone becomes exited with code 137 and a reason. */
enum container_status container_derive(const struct home *h, struct container_state *s);

/* A new random id. buf holds CONTAINER_ID_LEN + 1 bytes. */
char *container_new_id(char *buf);
/* [a-zA-Z0-9][a-zA-Z0-9_.-]*, at most 200 bytes; else ERR_NAME. */
int container_check_name(const char *name, struct err *e);
/* A readable name for those who gave none. */
void container_random_name(struct str *ret);

/* A name, an id or a unique prefix of one to the id. ERR_CONTAINER_UNKNOWN (with the nearest name as its hint; code ENOENT) or
 * ERR_CONTAINER_AMBIGUOUS. ret holds CONTAINER_ID_LEN + 1 bytes. */
int container_resolve(const struct home *h, const char *text, char *ret, struct err *e);

/* All ids, in no order. */
int container_ids(const struct home *h, struct strv *ret, struct err *e);

/* The same, and those that are being made or started right now (tmp/<id>, engine/create.h): whatever asks what is in use must
 * not miss them. container_state_read() finds their states too. */
int container_ids_all(const struct home *h, struct strv *ret, struct err *e);

/* Does it neither exist nor is anybody about to make it? */
bool container_is_gone(const struct home *h, const char *id);

/* Opens containers/<id>. A descriptor or -errno. */
int container_dir(const struct home *h, const char *id, struct err *e);

int container_state_read(const struct home *h, const char *id, struct container_state *ret,
			 struct arena *a, struct err *e);
/* The images that it needs, by their ids: its own, and those that are mounted in it. */
void container_state_images(const struct container_state *s, struct strv *ret);
/* Replaces state.json in the container's directory. */
int container_state_write(int dir, const struct container_state *s, bool sync, struct err *e);

/* Takes a name. -EEXIST (ERR_NAME_TAKEN, says by whom) if a container has it. A name whose container is gone is taken over. */
int container_name_take(const struct home *h, const char *name, const char *id, struct err *e);
/* Gives another name to a container that exists, running or not; dir is its directory. The new name is taken first, then written
 * down in the link containers/<id>/name, which every reader believes more than state.json (a running container's supervisor owns
 * that), then the old one is free. Whoever is killed in between leaves a second name that leads to the container until somebody
 * wants it. ERR_NAME_TAKEN. */
int container_rename(const struct home *h, int dir, const char *id, const char *name,
		     struct err *e);
/* Drops the name that the container of this directory has now; recorded is that of its state. */
void container_name_drop_now(const struct home *h, int dir, const char *recorded, const char *id);

/* The name that the container of this directory was given since its state was written; false: none. */
bool container_name_now(int dir, char ret[static 256]);

/* Gives it back, if it is this container's. */
void container_name_drop(const struct home *h, const char *name, const char *id);

/* The name that leads to a container, looked for in all names; NULL if there is none. The caller frees it. */
char *container_name_of(const struct home *h, const char *id);

/* Takes away every name that leads to id: of a container that was never finished. */
void container_names_drop(const struct home *h, const char *id);

#endif
