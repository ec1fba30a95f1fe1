/*
 * endpoints.h - registries.conf put to use: which registries a name may be had from.
 *
 * A short name becomes full ones (an alias, or the registries that are searched, docker.io where nothing is said). A full name leads to the
 * places to ask: the mirrors of the entry with the longest prefix that fits, then the registry itself, under the location that the entry
 * gives. The image is called by the name that was asked for, wherever it came from; its digest is what the first place says that answers.
 *
 * The short-name modes without a prompt: permissive and disabled ask one after the other; enforcing refuses a name that may be of several.
 */
#ifndef REGISTRY_ENDPOINTS_H
#define REGISTRY_ENDPOINTS_H

#include "data/bind.h"
#include "oci/reference.h"

enum mirror_use { MIRROR_ALL, MIRROR_BY_DIGEST, MIRROR_BY_TAG };

struct registry_mirror {
	const char *location;
	bool insecure;
	const char *pull_from; /* as it was written; NULL */
	enum mirror_use use;
	size_t slot; /* in struct registries.dead */
};

/* An entry [[registry]]. */
struct registry_entry {
	const char *prefix;   /* "docker.io/library", "*.example.com" */
	const char *location; /* NULL: the name is asked for as it is */
	bool insecure, blocked, by_digest_only;
	struct bind_list mirrors; /* struct registry_mirror, in the order in which they are asked */
	const char *from;	  /* the file */
};

enum { REGISTRIES_MAX_MIRRORS = 1024 };

/* Zero-initialised is ready for registries_load(). */
struct registries {
	struct arena arena;
	struct bind_list files;	  /* struct conf_file */
	struct bind_list entries; /* struct registry_entry */
	struct strs search;	  /* unqualified-search-registries; empty: docker.io */
	bool enforcing;		  /* short-name-mode */
	bool loaded;
	int64_t *until; /* by slot: when what was recalled ends; 0: it was not */
	bool *dead; /* by slot: a mirror that did not answer; shared with the processes that fetch, for as long as this lives */
};
void registries_free(struct registries *c);

/* Reads the files, once. ERR_REGISTRIES_CONF. */
int registries_load(struct registries *c, struct err *e);

/* Mirrors that did not answer are remembered for some seconds, in a file of the directory dir, so that the next command does not wait for them again: recall
 * after loading, remember after asking. Failing is no error. */
void registries_recall(struct registries *c, int dir);
void registries_remember(const struct registries *c, int dir);

/* The entry for a full name, or NULL. */
const struct registry_entry *registries_entry(const struct registries *c,
					      const struct reference *full);

/* The full names that a short one may be, in order: one at least. ERR_SHORT_NAME, ERR_REGISTRIES_CONF. */
struct registries_names {
	struct reference *v;
	size_t n;
};
int registries_complete(const struct registries *c, const struct reference *name, struct arena *a,
			struct registries_names *ret, struct err *e);

/* A place to ask. */
struct endpoint {
	struct reference ref;
	bool insecure; /* by its own entry, or as a mirror's */
	bool *dead;    /* set if it does not answer; NULL for the registry itself */
};
struct endpoints {
	struct endpoint *v;
	size_t n; /* one at least: the registry itself is the last */
};
/* c may be NULL: then the name itself. ERR_REGISTRY_BLOCKED, ERR_REGISTRIES_CONF. */
int registries_endpoints(const struct registries *c, const struct reference *full, struct arena *a,
			 struct endpoints *ret, struct err *e);

/* For those who do not look for mirrors: may this be asked (ERR_REGISTRY_BLOCKED), and need its certificate be good? c may be NULL. */
int registries_allowed(const struct registries *c, const struct reference *full, bool *ret_insecure,
		       struct err *e);

#endif
