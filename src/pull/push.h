/*
 * push.h - one image from the store into a registry.
 *
 * Blobs that were kept go out as they are, so what was pulled is pushed with the same digests. A layer that has none is its tar, made again
 * (store/replay.h) and compressed into a nameless file, several at once inside U0, while a process of its own talks with the registry and
 * sends what is ready. Same image, same options, same bytes: the registry has what an earlier push sent, so one that was cut off goes on.
 *
 * The manifest comes last: until then the registry shows nothing of it. The store is only read.
 */
#ifndef PULL_PUSH_H
#define PULL_PUSH_H

#include "data/inflate.h"
#include "registry/push.h"
#include "store/board.h"

enum push_format { PUSH_AS_IT_IS, PUSH_OCI, PUSH_DOCKER };

struct push_job {
	const char *id;	      /* of the image */
	const char *form;     /* its manifest, as of struct image; NULL: its own */
	struct reference ref; /* full, with a tag */
	enum push_format format;
	enum inflate_kind compression; /* INFLATE_GZIP or INFLATE_ZSTD: of layers that have none */
	int level;
	bool by_digest; /* the manifest gets no tag there */
	bool force;	/* layers of another compression are compressed anew */
	struct registry_opts registry;
	struct board_watch watch;
};

struct push_layer_done {
	char diffid[13]; /* the first digits */
	enum registry_sent how;
	const char *from; /* where it was taken over from */
};

struct push_done {
	char digest[DIGEST_LEN + 1]; /* of the manifest */
	size_t size;		     /* its bytes */
	bool docker;		     /* it is of docker's family */
	struct push_layer_done *v;   /* the bottom one first; in the caller's arena */
	size_t n;
};

/* Errors: those of registry.h and replay.h, ERR_INTERRUPTED. */
int push_image(const struct home *h, const struct push_job *j, struct arena *a,
	       struct push_done *ret, struct err *e);

#endif
