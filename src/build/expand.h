/*
 * expand.h - variables and quotes in the words of a Dockerfile.
 *
 * $V ${V} ${V:-w} ${V-w} ${V:+w} ${V+w} ${V:?w} ${V?w} ${V#p} ${V##p} ${V%p} ${V%%p} ${V/p/w} ${V//p/w}; w may hold variables itself. Nothing else of a
 * shell. Source: Dockerfile reference, "Environment replacement"; BuildKit's shell/lex.
 */
#ifndef BUILD_EXPAND_H
#define BUILD_EXPAND_H

#include "base/base.h"
#include "base/mem.h"
#include "base/strv.h"

struct df_vars {
	/* The value of a variable, NULL: it is not set. */
	const char *(*get)(void *arg, const char *name);
	/* May be NULL: one that is not set was used where nothing stands in for it (lint: UndefinedVar). */
	void (*undefined)(void *arg, const char *name);
	void *arg;
	char escape;
};

enum {
	EXPAND_MAX = 4 << 20, /* bytes of a result */
	EXPAND_DEPTH = 32,    /* of words within words */
};

/* One word: variables are replaced, quotes removed. ERR_DOCKERFILE: a bad substitution, or ${V:?w} without V. */
int df_expand(const struct df_vars *v, const char *word, struct arena *a, const char **ret,
	      struct err *e);
/* The same, but quotes and escapes stay: of texts that something else reads again (here-documents: no quotes mean anything there). */
int df_expand_raw(const struct df_vars *v, const char *text, struct arena *a, const char **ret,
		  struct err *e);
/* A word that becomes several where a variable that is not quoted holds blanks (EXPOSE, VOLUME, sources of COPY ...): appended. */
int df_expand_words(const struct df_vars *v, const char *word, struct arena *a, struct strs *ret,
		    struct err *e);
/* Every variable that the word names, for plans: appended once each. */
void df_variables(const char *word, char escape, struct arena *a, struct strs *ret);

#endif
