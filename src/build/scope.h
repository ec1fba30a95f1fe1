/*
 * scope.h - the variables of a stage: its ARGs, those of the whole file, and the environment of its config.
 *
 * ENV hides ARG. An ARG gets what --build-arg says, else its default, else what a global ARG of that name has; TARGETPLATFORM and its like are
 * globals that nobody declared. The proxy variables need no declaration and stay out of keys and history.
 * Source: Dockerfile reference, "ARG", "Scope", "Predefined ARGs", "Automatic platform ARGs in the global scope".
 */
#ifndef BUILD_SCOPE_H
#define BUILD_SCOPE_H

#include "build/dockerfile.h"
#include "build/expand.h"
#include "oci/image_spec.h"

struct scope {
	struct arena *a;
	char escape;
	const struct pairs *given;  /* --build-arg */
	struct strs *used;	    /* names of given that were declared somewhere */
	const struct scope *global; /* NULL: this is the global one */
	struct pairs args;	    /* declared and set */
	struct strs open;	    /* declared and not set */
	bool cmd_set;		    /* a CMD stood in this stage: ENTRYPOINT leaves it */
	const struct strs *env;	    /* of the config; NULL in the global scope */
	/* A variable that nobody set was used in instruction `at`; may be NULL. */
	void (*undefined)(void *arg, const struct df_instr *at, const char *name);
	void *arg;
	const struct df_instr *at;
};

/* ARG. */
int scope_declare(struct scope *s, const struct df_instr *i, struct err *e);
/* A value without a declaration: a platform's. --build-arg goes before it. */
void scope_set(struct scope *s, const char *name, const char *value);
/* NULL: not set. */
const char *scope_get(const struct scope *s, const char *name);

/* One word of instruction i, as expand.h does it. */
int scope_word(struct scope *s, const struct df_instr *i, const char *word, const char **ret,
	       struct err *e);
int scope_words(struct scope *s, const struct df_instr *i, const char *word, struct strs *ret,
		struct err *e);
int scope_text(struct scope *s, const struct df_instr *i, const char *text, const char **ret,
	       struct err *e);

/* HTTP_PROXY and its like, in either case. */
bool scope_is_proxy(const char *name);

/* What RUN sees beside the environment: ARGs that no ENV hides, appended as NAME=VALUE. proxies: those of --build-arg, too. */
void scope_environment(const struct scope *s, bool proxies, struct arena *a, struct strs *ret);

#endif
