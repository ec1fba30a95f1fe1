/*
 * push.h - the distribution protocol, writing: blobs and manifests into the repository that a struct registry is about.
 *
 * A blob is looked for (HEAD), taken over from another repository of the same registry if that may have it, or sent: an upload is begun, its bytes go
 * in one piece, and the registry is told the digest. A broken upload goes on from what the registry says it has. The places that a
 * registry names for uploads may be on other hosts: these never get credentials, and never over plain HTTP when the registry is asked over HTTPS.
 */
#ifndef REGISTRY_PUSH_H
#define REGISTRY_PUSH_H

#include "registry/registry.h"

enum registry_sent { REGISTRY_SENT, REGISTRY_WAS_THERE, REGISTRY_MOUNTED };

struct registry_upload {
	struct digest blob;
	uint64_t size;
	int fd;		 /* its bytes, from 0 on */
	const char *mem; /* or here; NULL: fd */
	/* Called before the first byte is wanted, if it ever is: sets fd. NULL: it is there. */
	int (*open)(struct registry_upload *u, struct err *e);
	void *arg;
	const char *from; /* a repository of this registry that may have it; NULL */
	uint64_t *sent;	  /* counts; NULL */
	enum registry_sent how;
};

/* Where uploads come from, one after the other. */
struct registry_feed {
	/* 1: *ret; 0: none for now; -ENODATA (e untouched): no more will come; else an error. */
	int (*next)(void *arg, struct registry_upload **ret, struct err *e);
	void (*done)(void *arg, struct registry_upload *u);
	int fd; /* can be read when there may be one again; -1 */
	void *arg;
};

/* Tokens are to allow writing from now on, and reading in the repositories that blobs may be taken over from. */
void registry_for_push(struct registry *r, const struct strs *from);

/* Sends all that comes, `parallel` at once. Errors: those of registry.h; ERR_DIGEST_MISMATCH if the registry says that it got something else. */
int registry_upload_all(struct registry *r, const struct registry_feed *feed, unsigned parallel,
			struct err *e);

/* Names a manifest whose blobs are there. tag may also be its digest. */
int registry_put_manifest(struct registry *r, const char *tag, const char *media_type,
			  const char *text, size_t len, struct err *e);

#endif
