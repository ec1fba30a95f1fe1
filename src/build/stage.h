/*
 * stage.h - a stage of a Dockerfile on its way, for one platform: what it is made of, how far it is, what it has come to.
 *
 * There is one for each pair of stage and target platform that the build needs; stages that nothing needs have none. A stage is READY when what its FROM means is there; solve.c then takes
 * it through its instructions. Everything lives in the build's arena.
 */
#ifndef BUILD_STAGE_H
#define BUILD_STAGE_H

#include "build/build.h"
#include "build/lint.h"
#include "build/scope.h"
#include "engine/pull.h"

enum stage_state {
	STAGE_NEW,   /* its FROM has not been looked at */
	STAGE_BELOW, /* it waits for the stage of its FROM */
	STAGE_READY,
	STAGE_WORKS, /* a step of it is at work */
	STAGE_DONE,
};

struct step;
struct explain;

struct stage {
	struct build *b;
	const struct df_stage *st;
	size_t index;	   /* in the Dockerfile */
	const char *title; /* its name or number, with the platform if there are several */
	const struct platform_want *target; /* the platform of the build */
	const char *target_text;	    /* "linux/amd64" */
	struct platform_want platform;	    /* its own: --platform, else the target */
	enum stage_state state;
	struct stage *base; /* FROM a stage */
	struct scope scope;
	struct image_doc doc;
	struct strs keys;	/* of its steps in the cache: hex digits */
	struct strs layers;	/* diffIDs, the bottom one first */
	struct bind_list blobs; /* of struct oci_descriptor: the same as the manifest will say it */
	size_t base_layers;	/* how many of them came from FROM */
	int64_t epoch;		/* seconds */
	int64_t newest;		/* the highest epoch that went in */
	struct bind_list instrs; /* of struct df_instr: triggers of the base, then its own */
	size_t next;
	size_t triggers;	  /* of instrs, the first ones, are ONBUILDs of the base */
	struct pairs annotations; /* of the image it began with */
	bool no_cache;
	bool missed; /* a step was not in the cache */
	struct explain *explain;
	struct step *step; /* at work, or waiting for a free place */
};

/* An image that FROM, COPY --from or a mount names, found or fetched once. */
struct build_image {
	const char *name;
	const struct platform_want *platform;
	struct image im;
};

/* A named context, opened once. */
struct build_context {
	const char *name;
	struct context c;
};

struct build {
	const struct home *h;
	const struct build_opts *o;
	struct arena *a;
	struct context main; /* the context */
	struct dockerfile file;
	const char *file_name; /* for messages */
	struct scope global;
	struct strs used_args;
	struct lint lint;
	struct bind_list platforms; /* of struct platform_want */
	struct stage **stages;	    /* grows; pointers, because steps point at them */
	size_t nstages;
	struct build_image **images;
	size_t nimages;
	struct build_context **contexts;
	size_t ncontexts;
	struct strs keys;   /* of all steps */
	int steps, counted; /* instructions in all, numbered so far */
	int cached;
	int jobs;
	bool one_id;	/* the steps run with one uid only, where some programs do other things */
	bool has_epoch; /* of the options, or a build argument */
	int64_t epoch;
};

/* plan.c */

/* The Dockerfile, its checks, global ARGs; b->o and b->a are set. */
int build_read(struct build *b, struct err *e);
/* The stage of that index for that platform, made if there is none yet. */
struct stage *build_stage(struct build *b, size_t index, const struct platform_want *target);
/* What a name (of --target, FROM, --from) is among the stages before `before`; SIZE_MAX: none. */
size_t build_stage_find(const struct build *b, const char *name, size_t before);
/* Makes the stages that target needs, with all stages that they name. */
int build_plan(struct build *b, size_t target, struct err *e);
/* Looks at FROM: afterwards the stage is READY, or BELOW. */
int stage_begin(struct stage *s, struct err *e);
/* Begins with this config. Lists that grow or change in place do not do that to those of the image or stage that it comes from. */
void stage_take_doc(struct stage *s, const struct image_doc *from);
/* Its base is done: takes over what that has come to. */
int stage_inherit(struct stage *s, struct err *e);

/* sources.c */

/* Where COPY --from and mounts take files from: a stage (which has to be done: else *ret_wait is it), a named context, an image. */
int build_source(struct stage *s, const struct df_instr *i, const char *name, struct copy_from *ret,
		 struct stage **ret_wait, struct err *e);
/* --build-context of that name; NULL: none. */
const char *build_named_context(const struct build *b, const char *name);
/* An image, by the pull policy of the build. */
int build_image(struct build *b, const char *name, const struct platform_want *platform,
		struct image **ret, struct err *e);

/* Tells a line that belongs to no step. */
void build_say(struct build *b, enum build_event_kind kind, const char *text);

#endif
