/*
 * build_opts.h - the options of `hoy build`: podman's, docker's and buildx's, and what they mean to the engine.
 */
#ifndef CLI_BUILD_OPTS_H
#define CLI_BUILD_OPTS_H

#include "build/output.h"
#include "engine/push.h"
#include "cli/build_progress.h"
#include "cli/pull_opts.h"

struct build_flags {
	struct pull_flags image; /* of bases */
	struct build_opts b;
	struct create_opts run; /* of containers of RUN */
	struct process_opts more;
	struct strs files, args, arg_files, secrets, ssh, contexts, labels, annotations, env,
		networks, platforms, outputs, allow, cache_from, cache_to, attest, no_cache_filter;
	const char *iidfile, *iidfile_raw, *metadata, *manifest, *logfile, *progress, *format,
		*userns, *call, *epoch, *provenance, *sbom;
	int64_t jobs, timestamp, cache_ttl;
	uint64_t cache_size;
	bool quiet, load, push, all_platforms, compat_volumes, created_annotation, logsplit;
	int64_t cache_age; /* nanoseconds; hoy.conf */
	/* what build_read_flags() makes of them: */
	struct bind_list wants; /* of struct output_want */
	enum build_shape shape;
	struct strs names;  /* of an archive, if no image stays here */
	struct strs before; /* ids of images that were here before, if an archive alone is wanted */
};

extern const struct opt build_rows[];
extern const struct opt build_conf_rows[]; /* keys of hoy.conf that are no options */
extern const struct build_flags build_defaults;

/* Everything but the context. Reads argument files and the environment. ERR_USAGE, ERR_ABSENT. */
int build_read_flags(struct cli *c, struct build_flags *f, struct err *e);

/* build_caches.c: --cache-from before the build, --cache-to behind it. A cache that cannot be had is told and left out. */
int build_caches_in(struct cli *c, const struct home *h, const struct build_flags *f,
		    struct build_progress *p, struct err *e);
int build_caches_out(struct cli *c, const struct home *h, const struct build_flags *f,
		     const struct build_result *res, struct build_progress *p, struct err *e);

/* What is pushed: credentials and retries as for bases. w: compression of an output; NULL: the default. */
int build_push_opts(struct cli *c, const struct build_flags *f, const struct output_want *w,
		    struct image_push_opts *ret, struct err *e);

/* build_end.c: what comes after the build: names, lists, outputs, pushing, files with ids. */
int build_finish(struct cli *c, const struct home *h, struct build_flags *f,
		 const struct build_result *res, struct build_progress *p, struct err *e);

#endif
