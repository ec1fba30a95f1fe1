/*
 * build.h - from a Dockerfile and a context to an image: what is asked for, what is told on the way, what comes out.
 *
 * How a build goes: the Dockerfile is parsed (dockerfile.h), the stages that the target needs are found and their bases too (plan.h), then the coordinator (solve.c) walks all stages
 * at once: it makes the key of each next step, takes its layer from the cache or starts the step as a task (step.h), at most `jobs` at a time. Instructions that change the config alone cost nothing.
 * The coordinator never enters a namespace and never prints: what happens is told by events.
 */
#ifndef BUILD_BUILD_H
#define BUILD_BUILD_H

#include "build/dockerfile.h"
#include "build/step.h"
#include "engine/pull.h"

enum build_event_kind {
	BUILD_PLAN,    /* the plan stands: n is the number of steps */
	BUILD_START,   /* step begins to work */
	BUILD_OUTPUT,  /* bytes of a step's output, as they came: hostile */
	BUILD_CACHED,  /* step was taken from the cache */
	BUILD_DONE,    /* step has its layer */
	BUILD_FAILED,  /* step failed; the error comes from build_run() itself */
	BUILD_WAITS,   /* another build is at the same step: it is waited for */
	BUILD_NOTE,    /* a line about what happens: fetching, exporting */
	BUILD_WARNING, /* a line, as of lint */
	BUILD_TICK,    /* time has passed while steps are at work: a display may be drawn anew */
};

struct build_event {
	enum build_event_kind kind;
	int step;		   /* counted from 1 through the whole build, -1: none */
	int n;			   /* steps in all */
	const char *stage;	   /* its name or number, with the platform if there are several */
	int stage_no, stage_count; /* the how-manieth of the stages that are built */
	int stage_step, stage_steps; /* within the stage */
	const char *text;	     /* the instruction in one line; the note */
	const char *
		why; /* START: why it was not cached ("Dockerfile:3 changed", "src/a.c changed"); may be NULL */
	const char *
		excerpt; /* FAILED: the lines of the Dockerfile around the instruction (dockerfile_excerpt) */
	const char *id;	  /* FAILED: the image of the state before it, to look at */
	const char *file; /* the Dockerfile, for messages */
	int line;	  /* of the Dockerfile */
	int fd;		  /* OUTPUT: 1 or 2 */
	const void *bytes;
	size_t len;
	int64_t milliseconds; /* CACHED, DONE, FAILED: it took */
	bool first;	      /* OUTPUT: the first of this step since another's */
};

struct build_opts {
	const char *where, *file, *ignore_file; /* context.h */
	struct strs tags;			/* names of the image */
	const char *registry;			/* of short names */
	const char *target;			/* stage by name or number; NULL: the last */
	struct pairs
		args; /* --build-arg, files included; a value is already looked up in the environment */
	struct strs platforms; /* none: this machine's */
	struct pairs contexts; /* --build-context NAME=where */
	struct pairs labels, annotations, env;
	struct strs unset_env, unset_labels, unset_annotations;
	bool inherit_labels, inherit_annotations, identity_label;
	bool no_cache, layers, squash, squash_all, check_only, dry;
	struct strs no_cache_filter; /* stages */
	struct image_pull_opts
		pull; /* of bases: policy, credentials, progress; its platform is not looked at */
	struct bind_list secrets, ssh; /* of struct build_secret, build_ssh */
	const char *network;	       /* of RUN: a mode; NULL: the default */
	bool has_epoch;
	int64_t epoch; /* --source-date-epoch, SOURCE_DATE_EPOCH */
	bool has_timestamp;
	int64_t timestamp;
	bool rewrite;			  /* --rewrite-timestamp; what is always done */
	bool entitled_insecure;		  /* --allow security.insecure */
	int jobs;			  /* 0: as many as processors */
	bool skip_unused;		  /* stages that the target does not need: default true */
	bool docker_format;		  /* --format docker */
	bool docker;			  /* called by that name */
	bool wants_image;		  /* false: only outputs are asked for, no image is added */
	struct strs cache_from, cache_to; /* cache_remote.h */
	int64_t cache_ttl;		  /* seconds, 0: none */
	const struct create_opts *run;	  /* of all containers of RUN */
	const char *from;		  /* in place of what the first FROM names; NULL */
	bool omit_history;
	bool stdin_open; /* RUN reads `in`; else /dev/null */
	int in;		 /* standard input */
	void (*tell)(void *arg, const struct build_event *ev);
	void *arg;
};

struct build_output {
	const char *platform;
	const char *id;	    /* of the image: "sha256:..."; NULL: none was wanted */
	struct strs layers; /* of the target, the bottom one first: what exporters read */
	const struct image_doc *doc;
	struct strs keys; /* of the records of its steps, hit or made: hex digits */
};

struct build_result {
	struct arena arena;
	struct bind_list outputs; /* of struct build_output: one for each platform */
	const char *id;		  /* of the image, or of the manifest list */
	struct strs keys;	  /* of all steps of the build */
	int steps, cached;
	struct strs warnings; /* of lint, one line each */
};
#endif
