/*
 * step_run.h - the parts of a RUN step: its container, and what its mounts need besides.
 */
#ifndef BUILD_STEP_RUN_H
#define BUILD_STEP_RUN_H

#include "base/task.h"
#include "build/step.h"
#include "state/tmp.h"

enum { RUN_MAX_MOUNTS = 256, RUN_MAX_TASKS = 32 };

/* A context whose ignored files are to be hidden in a mount. */
struct run_hide {
	const struct context *context;
	const char *path; /* within it */
	size_t mount;	  /* the place among the mounts */
};

/* A cache directory that is to be made. */
struct run_fill {
	const struct run_mount *m;
	int fd; /* of build/mounts/<hex> */
};

/* A socket that belongs to somebody else than root. */
struct run_give {
	const char *name; /* in side */
	int64_t uid, gid;
};

/* Made before the container, gone with it. */
struct run_parts {
	const struct run_job *j;
	struct arena arena;
	struct home_tmp
		side; /* directory for scripts, sockets and the like; fd -1: none is needed */
	struct bind_list mounts;	 /* of struct config_mount */
	struct bind_list secrets;	 /* of struct config_secret, and in the same order: */
	struct str data[RUN_MAX_MOUNTS]; /* what is in them */
	int lock[RUN_MAX_MOUNTS];	 /* of cache directories, held until the end */
	size_t nlock;
	struct run_hide hide[RUN_MAX_MOUNTS];
	struct run_fill fill[RUN_MAX_MOUNTS];
	struct run_give give[RUN_MAX_TASKS];
	size_t nhide, nfill, ngive;
	bool views;			  /* there are mounts of layers */
	struct task tasks[RUN_MAX_TASKS]; /* agents, and what stands before them */
	size_t ntasks, nssh;
	const char *ssh_socket; /* the first one, for SSH_AUTH_SOCK; NULL: none */
	struct strs made;	/* paths that become mount points: for adopt_job.leave */
};

/* All of the job's mounts and its script. ERR_BUILD_MOUNT. */
int run_parts_make(const struct run_job *j, struct run_parts *p, struct err *e);
/* The data of the secrets, for the container's directory; and taken away again, when it runs. */
int run_parts_give_secrets(const struct run_parts *p, int container_dir, struct err *e);
/* Those of --mount. */
int run_mounts_add(struct run_parts *p, struct err *e);
int run_ssh_add(struct run_parts *p, const struct run_mount *m, struct err *e);
void run_parts_free(struct run_parts *p);

/* The directory of parts, made when it is first asked for. *ret_path: its absolute path, in the arena. */
int run_parts_side(struct run_parts *p, const char **ret_path, struct err *e);
void run_parts_mount(struct run_parts *p, const struct config_mount *m);

#endif
