/*
 * context.h - the files that a build reads: the context, named contexts, and what is fetched for ADD.
 *
 * Whatever it is given as (a directory, a tar or a Dockerfile on stdin, a tar file, a URL, a git repository), a context is a directory in the end: the user's own,
 * of which only what the build needs is read, or one below tmp/ of the store, into which the rest was unpacked or checked out. git is the
 * installed program, called with arguments that no URL can turn into options, without hooks, prompts or the user's filters, and with https, ssh, git and file alone.
 * Archives are unpacked by store/unpack.h, in a child and with bounds, strictly below
 * their directory.
 */
#ifndef BUILD_CONTEXT_H
#define BUILD_CONTEXT_H

#include "build/ignore.h"
#include "build/stat_cache.h"
#include "state/tmp.h"

struct context {
	const char *name; /* for messages: what was given */
	int root; /* O_RDONLY | O_DIRECTORY; -1: there is none (a Dockerfile alone on stdin) */
	struct ignore *ignore;	  /* NULL: nothing is left out */
	const char *ignore_name;  /* the file it came from, for lint and plans; NULL: none */
	const char *cache;	  /* names this directory in the store; NULL: it lies below tmp/ */
	struct stat_cache *stats; /* of a directory of the user's; NULL: it is read anew */
	const char *commit;  /* of a git repository: the commit that was checked out; else NULL */
	struct home_tmp tmp; /* fd -1: none */
	struct arena arena;
};
#define CONTEXT_NONE ((struct context){.root = -1, .tmp = {.fd = -1}})
void context_free(const struct home *h, struct context *c);

struct context_opts {
	const char *where; /* the operand: a path, "-", a URL, a git repository */
	const char *
		file; /* -f as typed: a path (relative to the working directory; docker: of a remote context, relative to it), "-", a URL; NULL */
	const char *ignore_file; /* --ignorefile; NULL */
	bool docker;		 /* only Dockerfile, only .dockerignore */
	bool keep_git_dir;
	int in;					  /* for "-" */
	void (*say)(void *arg, const char *text); /* what takes long, for people; may be NULL */
	void *arg;
};

/* The main context and the Dockerfile's text (Containerfile, then Dockerfile; at most DF_MAX_BYTES), which lives in the context's arena. *ret_name is the Dockerfile's
 * name for messages. ERR_CONTEXT, ERR_CONTEXT_FETCH, ERR_NO_DOCKERFILE. */
int context_open(const struct home *h, const struct context_opts *o, struct context *ret,
		 const char **ret_text, size_t *ret_len, const char **ret_name, struct err *e);

/* One of --build-context NAME=where that is a path, an archive, a URL or a git repository (docker-image:// and oci-layout:// are images: plan.c). */
int context_open_named(const struct home *h, const struct context_opts *o, struct context *ret,
		       struct err *e);

#endif
