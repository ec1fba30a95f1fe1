/*
 * job.h - the next instruction that changes files, made ready: what it will do with all its words final, and what it depends on.
 *
 * The inputs of a step are names and texts or digests, in a fixed order; their digest is its key in the cache (store/build_cache.h). In them stands all that can change what the
 * step does, and nothing else: the layers below, the command, the environment, what is read. Not the rest of the config: a changed LABEL costs nothing. What stands for a
 * secret is its id, never its value.
 */
#ifndef BUILD_JOB_H
#define BUILD_JOB_H

#include "base/task.h"
#include "build/stage.h"
#include "store/build_cache.h"

/* What the child that does it writes down; shared memory. */
struct job_shared {
	struct step_result result;
	int r;
	struct err err;
	bool found; /* another build had made it meanwhile */
	int waits;  /* 1: another build is at it; 2: that was told */
	int64_t ms;
};

struct step {
	struct arena a;
	struct stage *stage;
	const struct df_instr *i;
	struct step_base base;
	struct run_job run;   /* RUN */
	struct copy_job copy; /* COPY, ADD */
	struct copy_plan *plan;
	const char *path;	/* WORKDIR */
	struct bind_list lists; /* of struct job_list: files that were read, for explanations */
	struct pairs inputs;
	struct digest key;
	const char *why; /* it was not in the cache */
	int number;
	struct job_shared *shared;
	struct task task;
	int out[2]; /* our ends of its output; -1 */
};

/* The files behind an input that is a digest. */
struct job_list {
	const char *input;
	struct str text;
};

/* The instruction at s->next, which is RUN, COPY, ADD or WORKDIR (whose config is changed already). *ret NULL: *ret_wait has to be done first. */
int job_make(struct stage *s, struct step **ret, struct stage **ret_wait, struct err *e);
void job_free(struct step *j);

/* The step itself, in its own process: with the lock of its key, and only if nobody has done it meanwhile. A struct step. */
int job_work(void *arg, struct err *e);

/* job_mount.c: one RUN --mount as typed, and what it adds to the inputs. */
int job_mount(struct step *j, const char *text, struct stage **ret_wait, struct err *e);

/* For job.c and job_mount.c: an input. */
void job_input(struct step *j, const char *name, const char *fmt, ...) printf_like(3, 4);
/* The digest of what a job would copy as an input, and its list. */
int job_files(struct step *j, const char *name, const struct copy_job *c, struct copy_plan **ret,
	      struct err *e);

#endif
