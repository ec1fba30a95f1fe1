/*
 * pull.h - the verb pull: which image a text means, whether it has to be fetched, and what may be asked of a registry.
 *
 * A short name is the local image of that name first, then what it is an alias for, then each of the registries that are searched, docker.io
 * where registries.conf names none (registry/endpoints.h); nobody is ever asked at a prompt. What can only be an id, and names of localhost/,
 * never leave the machine. policy.json has the last word on a full name before it is asked for (registry/policy.h).
 */
#ifndef ENGINE_PULL_H
#define ENGINE_PULL_H

#include "engine/image.h"
#include "pull/pull.h"

enum pull_policy {
	PULL_ALWAYS,
	PULL_MISSING,
	PULL_NEWER, /* always, but what is here will do if that fails */
	PULL_NEVER,
};
/* podman's and docker's words; -EINVAL with ERR_USAGE. */
int pull_policy_parse(const char *text, enum pull_policy *ret, struct err *e);

struct image_pull_opts {
	enum pull_policy policy;
	struct platform_want platform;
	struct registry_opts registry;
	struct registries *
		conf; /* read when it is needed; what is learned of mirrors lives as long as it; NULL: for this pull only */
	uint64_t max_layer; /* bytes; 0: the default */
	unsigned
		retry; /* how often all is tried again; broken transfers are taken up again without it */
	int64_t retry_delay; /* nanoseconds; negative: growing from a second on */
	bool docker;	     /* a short name is always docker.io's */
	struct board_watch watch;
	struct board *board;			     /* to write on; NULL: one is made */
	void (*begins)(void *arg, const char *name); /* the registry is asked now; NULL */
	void (*warn)(void *arg, const char *text);   /* NULL */
	void *arg;
};

struct image_pulled {
	char name[REF_MAX_NAME + REF_MAX_TAG + DIGEST_LEN +
		  3]; /* the full name that was asked for; the id if it was found by one */
	struct pull_done done;
	bool asked; /* a registry was asked */
};

/* text: what was typed. */
int image_pull(const struct home *h, const char *text, const struct image_pull_opts *o,
	       struct image_pulled *ret, struct err *e);

/* The full names, with tags, of all that the repository has that text (without a tag) means. A registry is always asked. */
int image_pull_tags(const struct home *h, const char *text, const struct image_pull_opts *o,
		    struct arena *a, struct strs *ret, struct err *e);

/* After `tries` failures, the last of which was why: pauses and says true if it is to be tried again. A signal ends the pause, with false. */
bool pull_try_again(const struct image_pull_opts *o, unsigned tries, const struct err *why);

#endif
