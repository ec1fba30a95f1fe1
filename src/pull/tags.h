/*
 * tags.h - the tags of a repository, for a process that will make namespaces: a child asks the registry.
 */
#ifndef PULL_TAGS_H
#define PULL_TAGS_H

#include "registry/registry.h"

/* As registry_tags(), with an answer for signals (ERR_INTERRUPTED). */
int pull_tags(const struct reference *name, const struct registry_opts *o, struct arena *a,
	      struct strs *ret, struct err *e);

#endif
