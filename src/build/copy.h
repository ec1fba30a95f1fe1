/*
 * copy.h - COPY and ADD: what they would put where, its digest, and doing it.
 *
 * A job is resolved first, outside of U0 and before anything runs: wildcards, what the ignore file leaves out, here-documents, fetched files. The result has a digest of all
 * that counts (paths, types, permissions, contents, link texts, the extended attributes that are copied; not times, owners of the context, or what lies beside), which
 * is a part of the step's key. An unchanged file is not read for that: a stat cache in the store knows size, inode, times and digest of what was read before.
 *
 * Doing it happens inside U0, in the root of the layer that is being made: paths of the image are walked only by path_open_in_root(), sources without following links out of
 * their root. Every file gets the time `epoch`, so that the same content gives the same layer; files from other stages and images keep theirs, which are such times already.
 */
#ifndef BUILD_COPY_H
#define BUILD_COPY_H

#include "build/context.h"
#include "data/bind.h"
#include "data/hash.h"
#include "state/u0.h"

/* Where files come from. */
struct copy_from {
	const char *name;	       /* "context", "stage build", "image busybox": for messages */
	const struct context *context; /* a context, or: */
	const struct strs *
		layers; /* a stage or an image: diffIDs, the bottom one first; they stand for their contents in the digest */
};

struct copy_heredoc {
	const char *name;
	const char *text; /* final */
	size_t len;
};

struct copy_job {
	bool add;
	struct copy_from from;
	struct strs
		sources; /* final words: paths, wildcards; of ADD: URLs and git repositories too */
	struct bind_list
		heredocs; /* of struct copy_heredoc: files, too, in the order of what they stand between is not kept: they come last */
	const char
		*to; /* as typed, expanded; relative to workdir; a trailing "/" means a directory */
	const char *workdir; /* absolute */
	const char *chown;   /* "user[:group]", names are looked up in the image; NULL: 0:0 */
	const char *chmod;   /* octal or symbolic; NULL: as they are */
	struct strs exclude;
	bool parents, link;
	const char
		*checksum; /* of ADD URL: "sha256:<hex>", of a git repository: its commit; NULL */
	bool keep_git_dir;
	int unpack;    /* 1 and 0: ADD --unpack=; -1: local archives are, fetched ones are not */
	int64_t epoch; /* seconds */
	void (*say)(void *arg, const char *text); /* what takes long, for people; may be NULL */
	void *arg;
};

/* What a job comes to. Lives in the arena; fetched files lie below tmp/ of the store until it is freed. */
struct copy_plan;

/* Resolves a job whose sources are a context, here-documents or fetched; for stages and images the wildcards are resolved when it is done. *ret_digest is what the key
 * takes: all of the job but its epoch, and what it reads. ERR_COPY_SOURCE (with near names in the hint, and whether the ignore file leaves it out), ERR_COPY_FLAG,
 * ERR_CONTEXT_FETCH, ERR_DIGEST_MISMATCH. */
int copy_resolve(const struct home *h, const struct copy_job *job, struct arena *a,
		 struct copy_plan **ret, struct digest *ret_digest, struct err *e);
void copy_plan_free(const struct home *h, struct copy_plan *p); /* NULL is fine */

/* Each file with its digest, one line a path ("mode digest path"), to out: what `--dry-run` compares to say which input changed. */
void copy_plan_list(const struct copy_plan *p, struct str *out);

/* Outside of U0, by the process that is to do it: fetches what only a step that is not cached needs (git repositories, URLs whose digest is
 * given). Nothing for all others. What it brings is that process's, which drops it after the work. */
int copy_prepare(const struct home *h, const struct copy_job *job, const struct copy_plan *p,
		 struct err *e);
void copy_prepare_drop(const struct home *h, const struct copy_plan *p);

/* Does it: root is the root directory of the image as it is to be after the step (O_PATH will do), from_root that of the stage or image (-1: a context). In U0, in a process
 * of which it sets the umask. form one keeps owners as sys/overlay_marks.h has it. A file of a context that is not what it was when the job was
 * resolved is refused (ERR_COPY_CHANGED). */
int copy_do(const struct copy_job *job, const struct copy_plan *p, enum u0_form form, int root,
	    int from_root, struct err *e);

#endif
