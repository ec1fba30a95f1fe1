/*
 * ignore.h - which files of a context a build does not see: .containerignore and .dockerignore.
 *
 * Patterns are docker's: Go's filepath.Match, "**", a leading "!" that takes back, "#" at the start of a line, a pattern also means all below it. The last one
 * that fits counts. The file is hostile: bounded, and matching takes time linear in the path for each pattern. A pattern is compiled to a list of states, of which any number are
 * live at once: nothing is ever tried again. Files of an invalid UTF-8 name are matched by their bytes.
 * Source: docs.docker.com, "Build context: .dockerignore files"; moby/patternmatcher.
 */
#ifndef BUILD_IGNORE_H
#define BUILD_IGNORE_H

#include "base/base.h"
#include "base/strv.h"

struct ignore; /* NULL: nothing is left out */

/* ERR_IGNORE_FILE with the line. name stands in messages. */
int ignore_parse(const char *text, size_t len, const char *name, struct ignore **ret,
		 struct err *e);
/* The same of a list: --exclude of COPY and ADD. */
int ignore_new(const struct strs *patterns, struct ignore **ret, struct err *e);
void ignore_free(struct ignore *g); /* NULL is fine */

/* path: relative to the context, clean. Is it left out? */
bool ignore_matches(const struct ignore *g, const char *path);
/* Of a directory that is left out: may something below it be taken back ("!")? Else the walk need not go in. */
bool ignore_may_hold(const struct ignore *g, const char *path);

/* Go's filepath.Match with "**" (wildcards of COPY and ADD too): does the whole path fit? -EINVAL for a bad pattern. */
int wildcard_match(const char *pattern, const char *path);

#endif
