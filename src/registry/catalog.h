/*
 * catalog.h - what registries have: the tags of a repository, the names of repositories, and what a search finds.
 *
 * Tags ("Listing Tags" of the distribution specification) and names (docker's _catalog, which few registries show to strangers) come in pages. A search
 * by a word is older than both: v1/search, docker's index protocol, which docker.io and some others still answer; it knows
 * descriptions and stars. A registry that does not has its catalog looked through instead.
 *
 * All of it is hostile: pages and entries are bounded, what is no name or no tag is left out, other text is for who prints it to escape.
 */
#ifndef REGISTRY_CATALOG_H
#define REGISTRY_CATALOG_H

#include "registry/registry.h"

enum { CATALOG_MAX_ENTRIES = 100000 };

/* The tags of a repository in the order in which they come, at most max (0: all). Mirrors are asked as they are when pulling. ERR_REGISTRY_*. */
int registry_tags(const struct reference *name, const struct registry_opts *o, size_t max,
		  struct arena *a, struct strs *ret, struct err *e);

struct registry_hit {
	const char *name; /* full: "docker.io/library/alpine" */
	const char *description;
	int64_t stars;
	bool official, automated;
};

/* What a registry finds for a word ("": everything it shows), at most max: struct registry_hit. What registries.conf says of the registry counts;
 * its mirrors are asked if it does not answer itself. ERR_REGISTRY_*. */
int registry_search(const char *registry, const char *word, const struct registry_opts *o,
		    size_t max, struct arena *a, struct bind_list *ret, struct err *e);

/* ---- the answers, for tests */

/* A page of tags or of names (key "tags", "repositories"): those that are any are added. The number that stood there, or -EPROTO. */
int catalog_page(const char *text, size_t len, const char *key, struct arena *a, struct strs *ret);
/* The answer of v1/search; names get the registry. 0 or -EPROTO. */
int catalog_hits(const char *text, size_t len, const char *registry, struct arena *a,
		 struct bind_list *ret);
/* The address of a Link header (RFC 8288) whose relation is "next", as it stands there; NULL. */
const char *catalog_next(const char *link, struct arena *a);

#endif
