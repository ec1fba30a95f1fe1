/*
 * oci.h - hoy as a runtime of the OCI runtime specification: containers that another engine makes, watches over and takes away.
 *
 * They have nothing to do with the store. Each is a directory ROOT/ID:
 *
 *   config.json   the bundle's, as it was at create
 *   state.json    written once, when the init is ready: without it the directory is unfinished, and nobody's if it is not locked
 *   start         the socket at which the init waits
 *
 * As elsewhere, state is derived. Whoever makes the container holds a lock (flock(2)) on its directory; the init has the same lock, until it executes the
 * command. So a directory that is locked is being made (no state.json) or created; one that is not is running or stopped, as pid and start time tell. kill -9 of
 * anybody at any moment leaves what the next command understands. There is no lock that two containers share.
 */
#ifndef ENGINE_OCI_H
#define ENGINE_OCI_H

#include "oci/runtime_spec.h"
#include "runtime/oci_cgroups.h"

/* The flags in front of the verb. */
struct oci_place {
	const char *root; /* absolute; NULL: oci_default_root() */
	const char *log, *log_format;
	const char *name; /* by which we were called: "runc", "hoy oci" */
	bool systemd, no_cgroups, debug, help, version;
	const char *rootless; /* "true", "false", "auto": found out, not believed */
	const char *manager;  /* crun's --cgroup-manager */
};

struct oci_state {
	const char *id, *bundle, *created, *owner;
	int64_t pid, pid_start;
	struct oci_cgroups cgroups;
	bool own_pids;	 /* it has a pid namespace of its own */
	bool no_keyring; /* --no-new-keyring */
};

enum oci_status { OCI_CREATING, OCI_CREATED, OCI_RUNNING, OCI_PAUSED, OCI_STOPPED };
const char *oci_status_name(enum oci_status s);

struct oci_container {
	struct oci_state state;
	struct oci_spec spec; /* after oci_load_spec() */
	int root, dir;	      /* ROOT, and its directory */
	struct arena arena;
};

/* Does this process have the powers of root on the host? Not where it is root of a user namespace. */
bool oci_is_root(void);
/* /run/hoy-oci, or below $XDG_RUNTIME_DIR; lives in the arena. */
int oci_default_root(const char **ret, struct arena *a, struct err *e);

/* One that exists. ERR_OCI_UNKNOWN ("container does not exist"). */
int oci_open(const struct oci_place *where, const char *id, struct oci_container *ret,
	     struct err *e);
/* Reads its config.json. */
int oci_load_spec(struct oci_container *c, struct err *e);
void oci_container_free(struct oci_container *c);
enum oci_status oci_status(const struct oci_container *c);
/* A pidfd of its first process; -ESRCH with "container not running". */
int oci_pidfd(const struct oci_container *c, struct err *e);
/* All its processes, as far as we can tell: those of its cgroup, or of its pid namespace. The caller frees the list. */
int oci_pids(const struct oci_container *c, pid_t **ret, size_t *ret_n, struct err *e);
/* The object that `state` prints, and hooks get. */
struct json *oci_state_json(const struct oci_container *c, struct arena *a);
/* All of them, in the order of their names. The list is the caller's. */
int oci_list(const struct oci_place *where, struct strv *ret, struct err *e);

struct oci_create_opts {
	const char *bundle, *console_socket, *pid_file; /* NULL: "."; none; none */
	uint64_t preserve_fds;
	bool no_pivot, no_new_keyring;
};
/* The container is made and waits for its start. ret is open. */
int oci_create(const struct oci_place *where, const char *id, const struct oci_create_opts *o,
	       struct oci_container *ret, struct strs *warnings, struct err *e);
int oci_start(struct oci_container *c, struct strs *warnings, struct err *e);
/* Starts it, waits for its end, takes it away unless keep: its exit code. A terminal without a console socket is ours; signals are passed on. */
int oci_run(const struct oci_place *where, const char *id, const struct oci_create_opts *o,
	    bool detach, bool keep, struct strs *warnings, struct err *e);

/* sig to the first process, or to all. ERR_OCI_STATE: "container not running". */
int oci_kill(const struct oci_container *c, int sig, bool all, struct err *e);
/* ERR_OCI_STATE: not stopped, and no force. Frees c's directory. */
int oci_delete(struct oci_container *c, bool force, struct strs *warnings, struct err *e);

struct oci_exec_opts {
	const char *process; /* a file; NULL: what follows */
	const char *cwd, *user, *apparmor, *selinux, *pid_file, *console_socket, *cgroup;
	struct strs env, caps, groups, args;
	uint64_t preserve_fds;
	bool tty, detach, no_new_privs, ignore_paused, no_new_privs_given;
};
/* Its exit code; 0 at once with detach. */
int oci_exec(struct oci_container *c, const struct oci_exec_opts *o, struct strs *warnings,
	     struct err *e);

/* Writes config.json as `spec` does into dir. */
int oci_write_spec(const char *dir, bool rootless, struct err *e);
/* What hoy can, as `features` prints it (features.md of the specification). */
struct json *oci_features(struct arena *a);

#endif
