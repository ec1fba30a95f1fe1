/*
 * fetch.h - the process that talks with the registry.
 *
 * libcurl may start threads, and who makes namespaces must have one, so transfers live in a process of their own, outside of U0. It finds the documents
 * first: the manifest that the name leads to, through an index to the platform wanted, and the config; what the store has is not fetched.
 * The parent looks what is missing, hands over one locked file for each blob, and the process appends to these files until all are whole.
 */
#ifndef PULL_FETCH_H
#define PULL_FETCH_H

#include "base/task.h"
#include "pull/growing.h"
#include "oci/platform.h"
#include "registry/registry.h"
#include "state/home.h"

struct fetch_what {
	const struct home *h;
	const struct reference *ref; /* full, with a tag or a digest */
	const struct registry_opts *registry;
	const struct platform_want *platform;
};

/* The documents of one image, verified; in the arena that was given. */
struct fetch_documents {
	const char *manifest, *config;
	size_t manifest_len, config_len;
	struct digest top; /* what the name led to: the manifest, or the index above it */
	struct digest manifest_digest, config_digest;
};

struct fetch {
	struct task task;
	int talk, docs;
};
#define FETCH_NONE ((struct fetch){TASK_NONE, -1, -1})

int fetch_start(struct fetch *ret, const struct fetch_what *w, struct err *e);

/* Waits for the documents. */
int fetch_documents(struct fetch *f, const struct task_wait *w, struct arena *a,
		    struct fetch_documents *ret, struct err *e);

/* A blob that it is to fetch: appended to fd from g->arrived on, which both share. */
struct fetch_blob {
	struct digest digest;
	int fd;
	struct growing *g;
};
/* Tells it; NULL says that this was all, and starts the work. When f->talk can be read all have come: then call fetch_done(). If one does
 * not come f->task ends with the error. After fetch_done() there may be more orders. */
int fetch_order(struct fetch *f, const struct fetch_blob *b, struct err *e);
int fetch_done(struct fetch *f, struct err *e);

/* Ends it, if it still runs, and forgets it. */
void fetch_end(struct fetch *f);

#endif
