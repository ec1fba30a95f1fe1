/*
 * plan.h - what the steps of a start make true, whoever asked for it.
 *
 * hoy's own containers (config.h) and bundles of the OCI runtime specification (oci/runtime_spec.h) both fill this struct, and from there on it is the same code:
 * masks, a read-only root, names, limits, the working directory, capabilities, the program (stage.h). Where their root file systems come from is what differs, and
 * stays with each of them. Strings belong to whoever filled it.
 */
#ifndef RUNTIME_PLAN_H
#define RUNTIME_PLAN_H

#include "oci/runtime_spec.h"
#include "runtime/config.h"

struct plan_limit {
	const char *name; /* "nofile" */
	int resource;	  /* RLIMIT_NOFILE */
	uint64_t soft, hard;
};

struct plan {
	/* the world */
	const char *hostname, *domainname; /* NULL: they stay */
	struct strs masked, readonly;
	bool read_only; /* the root file system */
	/* the process */
	struct strs args, env;
	const char *cwd;
	bool make_cwd; /* if it is missing */
	bool tty;
	bool no_new_privs;
	bool init;	  /* behind an init of ours (--init) */
	bool die_with_us; /* it is killed when its parent ends */
	bool say_ready; /* "X" goes to the parent when all but the filter and the command is done */
	bool leave_streams; /* 0, 1 and 2 keep their owners */
	bool groups_must;   /* supplementary groups that cannot be set are an error */
	struct caps_sets caps;
	int64_t umask;	 /* -1: it stays */
	int personality; /* PER_LINUX32 (sys/personality.h); -1: it stays */
	struct plan_limit *limits;
	size_t nlimits;
};

/* Of a container of the store; process: its own, or an exec's. The capabilities follow when its user is known. ERR_USAGE: an unknown limit. */
int plan_of_config(const struct container_config *c, const struct config_process *process,
		   struct plan *ret, struct arena *a, struct err *e);

/* Of a bundle; process: its own, or an exec's. The umask of an exec is that of the container, as is the rest of the world. */
void plan_of_spec(const struct oci_spec *s, const struct oci_process *process, struct plan *ret,
		  struct arena *a);

#endif
