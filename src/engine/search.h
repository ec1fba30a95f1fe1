/*
 * search.h - the verb search: images that registries know for a word, and the tags of one repository.
 */
#ifndef ENGINE_SEARCH_H
#define ENGINE_SEARCH_H

#include "data/json.h"
#include "registry/registry.h"

struct search_opts {
	struct registry_opts registry;
	struct strs
		filters; /* stars=N, is-official[=BOOL], is-automated[=BOOL]; others are ERR_USAGE */
	size_t limit;
	bool no_trunc;
	bool docker; /* a word without a registry is docker.io's; names in the short form */
	/* A registry among several that did not answer; NULL. */
	void (*failed)(void *arg, const struct err *why);
	void *arg;
};

struct search_result {
	struct json *fields;  /* display values, one object for each name, or tag */
	struct json *objects; /* podman's JSON */
};

/* word: "[REGISTRY/]WORD". Without a registry those that registries.conf searches are asked, one after the other. Everything lives in the arena. */
int search_images(const char *word, const struct search_opts *o, struct arena *a,
		  struct search_result *ret, struct err *e);
/* The tags of a repository. */
int search_tags(const char *name, const struct search_opts *o, struct arena *a,
		struct search_result *ret, struct err *e);

/* Items that stand for none, with all fields there are. */
struct json *search_sample(struct arena *a);

#endif
