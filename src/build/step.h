/*
 * step.h - carrying out one instruction that changes files: from the layers below to one more layer.
 *
 * A step is a process of its own (solve.c starts it as a task): it blocks, and dies with the build, and what it has begun with it. RUN is a container of the runtime, made by
 * engine/create.h from layers instead of a name and supervised like any; COPY, ADD and WORKDIR write into an overlay that only their process has. Either
 * way the upper directory is adopted as a layer (store/adopt.h).
 */
#ifndef BUILD_STEP_H
#define BUILD_STEP_H

#include "build/copy.h"
#include "engine/create.h"
#include "store/layers.h"

/* What all steps need. */
struct step_base {
	const struct home *h;
	const struct strs *layers;   /* below, the bottom one first; none: scratch */
	const struct image_doc *doc; /* config so far: environment, user, platform ... */
	int64_t epoch;		     /* seconds: the time of what is made */
	bool all_times;		     /* --timestamp */
};

/* What came of it. No pointers: may lie in memory shared with the coordinator. */
struct step_result {
	bool empty; /* no layer */
	struct layer_info layer;
	int exit;	 /* RUN: the command's code; 0 if it was not that what failed */
	uint64_t cpu_us; /* of the command, if known */
};

#define STEP_SCRIPT "/dev/pipes/script"

enum run_mount_kind { RUN_BIND, RUN_CACHE, RUN_TMPFS, RUN_SECRET, RUN_SSH };
enum run_sharing { SHARING_SHARED, SHARING_PRIVATE, SHARING_LOCKED };

/* RUN --mount, checked, with final words. */
struct run_mount {
	enum run_mount_kind kind;
	const char *
		target; /* absolute, or relative to the working directory; secret and ssh: their defaults are in */
	bool readonly; /* bind: default true; writes to a bind that is rw are thrown away */
	bool required;
	const char *id; /* cache, secret, ssh */
	enum run_sharing sharing;
	int64_t mode; /* -1: the default of the kind */
	int64_t uid, gid;
	uint64_t size;	 /* tmpfs */
	const char *env; /* secret: the variable, NULL: a file alone */
	bool to_file;	 /* secret: a file too */
	/* bind, and the first content of a cache */
	struct copy_from from; /* name NULL: none (an empty cache) */
	const char *source;    /* path in it: "" is its root */
	struct strs options;   /* buildah's: nosuid, nodev, noexec, U, z, Z, shared ... */
};

/* --secret and --ssh of the command line. */
struct build_secret {
	const char *id;
	const char *file; /* or */
	const char *env;  /* the variable that holds it */
};
struct build_ssh {
	const char *id;	    /* "default" */
	const char *socket; /* of an agent; or */
	struct strs keys;   /* files of keys: an agent of ours holds them while a step runs */
};

struct run_job {
	struct step_base base;
	struct strs args; /* argv */
	struct strs env;  /* complete: build arguments, proxies and the config's */
	const char *user, *workdir;
	const char *
		script; /* a here-document that is run: its text, made /dev/pipes-like as an executable file for the step and handed over as args' last word; NULL */
	size_t script_len;	 /* the file is STEP_SCRIPT in the container */
	struct bind_list mounts; /* of struct run_mount */
	const char *network; /* "default", "none", "host"; or what --network of the build says */
	bool insecure;	     /* RUN --security=insecure */
	const struct create_opts *
		common; /* --ulimit --shm-size --add-host --cap-add --device -v --memory --dns ... of the build */
	const struct bind_list *secrets, *ssh; /* of struct build_secret and build_ssh */
	int in;				       /* what the command reads; -1: /dev/null */
	int out, err; /* where the command's output goes: pipes of the coordinator */
};

/* In a process that does nothing else. The first error, if it was not the command: ERR_BUILD_COMMAND with ret->exit set when it was. An interruption
 * (signal, or the coordinator's death) ends the container and leaves nothing. */
int step_run(const struct run_job *j, struct step_result *ret, struct err *e);

/* COPY and ADD. */
int step_copy(const struct step_base *b, const struct copy_job *job, const struct copy_plan *plan,
	      struct step_result *ret, struct err *e);

/* WORKDIR: makes the directory, and those above it, if it is not there; it belongs to the user of the config so far, as BuildKit has it. path is
 * absolute; links on the way lead within the image. */
int step_workdir(const struct step_base *b, const char *path, struct step_result *ret,
		 struct err *e);

/* For a task of the build (u0_start): joins the layers' user namespace, and stays in it until it is killed, so that no step has to make it anew. */
int step_hold(const struct u0_map *map, void *arg, struct err *e);

/* --squash: the layers from index `first` on become one. */
int step_squash(const struct step_base *b, size_t first, struct step_result *ret, struct err *e);

/* Where the cache directories of RUN --mount=type=cache lie: build/mounts/<hex of the id>/ (owner, data/). For df and prune. */

#endif
