/*
 * git.h - repositories as contexts and as sources of ADD: the installed git, called so that no URL, reference or repository can make it do anything else.
 *
 * git gets arguments that were checked, an environment of our own (no configuration of user or system, no prompts, no hooks, no templates) and a list of the
 * protocols that it may use: https, http, ssh, git, and file for the repository that was named, but not for its submodules (CVE-2022-39253). Every file gets the permissions
 * that git knows: 0644 or 0755.
 */
#ifndef BUILD_GIT_H
#define BUILD_GIT_H

#include "base/base.h"

enum { GIT_COMMIT = 72 }; /* digits of a commit, and the NUL */

struct git_ref {
	const char *url;    /* what git is given */
	const char *ref;    /* branch, tag or commit; NULL: HEAD of the other side */
	const char *subdir; /* NULL: all */
	const char *commit; /* what it must be, or begin with; NULL */
	int keep_git_dir;   /* -1: nothing was said */
	bool submodules;
};

/* "https://host/x.git", "git@host:x", "ssh://", "git://", "file://...git", "github.com/x/y" (only of a context), with "#ref:subdir" or "?ref=&tag=&branch=&subdir=&commit=&keep-git-dir=
 * &submodules=" behind. 1: it is one; 0: it is not; -EINVAL with ERR_CONTEXT for one that is wrong or dangerous. Source: docs.docker.com, "Build context", "URL
 * fragments" and "URL queries". */
int git_parse(const char *text, bool context, struct arena *a, struct git_ref *ret, struct err *e);

/* The commit that the reference stands for now: asks the other side, unless it is one. ERR_CONTEXT_FETCH. */
int git_find_commit(const struct git_ref *g, char ret[static GIT_COMMIT], struct err *e);

/* Checks out into dir, an empty directory. ret: the commit. ERR_CONTEXT_FETCH, ERR_DIGEST_MISMATCH. */
int git_checkout(const struct git_ref *g, int dir, bool keep_git_dir, char ret[static GIT_COMMIT],
		 struct err *e);

#endif
