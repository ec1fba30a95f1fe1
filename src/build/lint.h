/*
 * lint.h - what is right in a Dockerfile but is likely to be wrong: BuildKit's 21 rules, under their names.
 *
 * Nothing here changes a build. Rules that need what only a plan knows (UndefinedVar, UndefinedArgInFrom, CopyIgnoredFile ...) are told by it through lint_add().
 * Source: docs.docker.com, "Build checks".
 */
#ifndef BUILD_LINT_H
#define BUILD_LINT_H

#include "build/dockerfile.h"

enum { LINT_MAX = 1000 }; /* findings: what a hostile file has more is not told */

enum lint_rule {
	LINT_JSON_ARGS_RECOMMENDED,
	LINT_REDUNDANT_TARGET_PLATFORM,
	LINT_MULTIPLE_INSTRUCTIONS_DISALLOWED,
	LINT_UNDEFINED_VAR,
	LINT_UNDEFINED_ARG_IN_FROM,
	LINT_NO_EMPTY_CONTINUATION,
	LINT_LEGACY_KEY_VALUE_FORMAT,
	LINT_EXPOSE_PROTO_CASING,
	LINT_FROM_AS_CASING,
	LINT_INVALID_DEFAULT_ARG_IN_FROM,
	LINT_WORKDIR_RELATIVE_PATH,
	LINT_COPY_IGNORED_FILE,
	LINT_CONSISTENT_INSTRUCTION_CASING,
	LINT_EXPOSE_INVALID_FORMAT,
	LINT_STAGE_NAME_CASING,
	LINT_INVALID_DEFINITION_DESCRIPTION,
	LINT_SECRETS_USED_IN_ARG_OR_ENV,
	LINT_MAINTAINER_DEPRECATED,
	LINT_RESERVED_STAGE_NAME,
	LINT_DUPLICATE_STAGE_NAME,
	LINT_FROM_PLATFORM_FLAG_CONST_DISALLOWED,
	LINT_RULES
};

struct lint_finding {
	enum lint_rule rule;
	int line, last_line;
	const char *text; /* what is wrong here */
};

struct lint {
	struct arena *arena;
	struct bind_list found; /* of struct lint_finding, by line, each once */
};

const char *lint_name(enum lint_rule r);   /* "JSONArgsRecommended" */
const char *lint_advice(enum lint_rule r); /* what to do instead, one line */

/* All that can be seen in the text alone. Time is linear in it. */
void lint_dockerfile(const struct dockerfile *d, struct lint *l);
/* Respects # check=skip; the two experimental rules (CopyIgnoredFile, InvalidDefinitionDescription) want # check=experimental. */
void lint_add(const struct dockerfile *d, struct lint *l, enum lint_rule rule, int line,
	      int last_line, const char *fmt, ...) printf_like(6, 7);

#endif
