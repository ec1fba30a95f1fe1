/*
 * step_run.h - the parts of a RUN step: its container, and what its mounts need besides.
 */
#ifndef BUILD_STEP_RUN_H
#define BUILD_STEP_RUN_H

#include "build/step.h"
#include "state/tmp.h"

enum { RUN_MAX_MOUNTS = 256 };

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
	struct strs made; /* paths that become mount points: for adopt_job.leave */
};

/* All of the job's mounts and its script. ERR_BUILD_MOUNT. */
int run_parts_make(const struct run_job *j, struct run_parts *p, struct err *e);
/* The data of the secrets, for the container's directory; and taken away again, when it runs. */
int run_parts_give_secrets(const struct run_parts *p, int container_dir, struct err *e);
void run_parts_free(struct run_parts *p);

/* The directory of parts, made when it is first asked for. *ret_path: its absolute path, in the arena. */
int run_parts_side(struct run_parts *p, const char **ret_path, struct err *e);
void run_parts_mount(struct run_parts *p, const struct config_mount *m);

#endif
