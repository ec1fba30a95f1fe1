/*
 * registry.h - the distribution protocol (OCI distribution-spec 1.1, docker registry HTTP API v2): reading one repository of one registry.
 *
 * A struct registry is a conversation: it holds the connection pool, what the registry asked for (nothing, basic, bearer token) and the
 * credentials that were found for it. They go to that registry and to the https realm that it named, never to a host that a redirect or a document names.
 * Everything that comes back is bounded, checked against its digest and hostile until then.
 *
 * libcurl is opened on first use and may start threads: call this in a process that makes no namespaces afterwards.
 * Nothing here knows the store.
 */
#ifndef REGISTRY_REGISTRY_H
#define REGISTRY_REGISTRY_H

#include "data/hash.h"
#include "oci/reference.h"
#include "registry/endpoints.h"

enum registry_tls {
	REGISTRY_TLS_AUTO, /* HTTPS, verified; plain HTTP for loopback where nothing speaks TLS */
	REGISTRY_TLS_VERIFY,
	REGISTRY_TLS_ANY, /* --tls-verify=false: unverified HTTPS, then plain HTTP */
};

struct registry_opts {
	const char *
		authfile; /* --authfile; NULL: where the ecosystem keeps credentials (registry/auth.h) */
	const char *creds;    /* --creds USER[:PASSWORD]; NULL */
	const char *cert_dir; /* --cert-dir; NULL: certs.d */
	enum registry_tls tls;
	const struct registries *conf; /* registries.conf; NULL: it says nothing */
};

struct registry;

/* repo: a full name (registry and repository are set). Talks to nobody yet. What registries.conf says of it counts (blocked, insecure), but its
 * location and its mirrors are for those who read: registry_reach(). */
int registry_open(struct registry **ret, const struct reference *repo,
		  const struct registry_opts *o, struct err *e);
/* The same whatever registries.conf says: what is asked was decided on already. */
int registry_open_at(struct registry **ret, const struct reference *repo,
		     const struct registry_opts *o, struct err *e);
void registry_close(struct registry *r); /* NULL is fine */

/* A manifest, an index, a config: text as it came, its digest computed here. */
struct registry_document {
	const char *
		media_type; /* without parameters; from the answer's Content-Type, checked against the document's own mediaType */
	const char *text;
	size_t len;
	struct digest digest;
};

/* what: a tag, or "sha256:..." (then the digest is verified). At most 4 MiB. Errors: ERR_REGISTRY_* (unknown tag or repository, denied,
 * unreachable, timed out, no registry, ...), ERR_DIGEST_MISMATCH, ERR_TLS. */
int registry_manifest(struct registry *r, const char *what, struct arena *a,
		      struct registry_document *ret, struct err *e);

/* For pulling: asks for that manifest (name's digest, else its tag) at the mirrors that registries.conf has for it, in their order, then at the registry
 * itself, and opens the first one that has it. A mirror must answer soon, and is not asked again by this command if it does not. --creds
 * are for the registry of the name only. doc may be NULL: then nothing is asked where there are no mirrors. The error is the registry's own, with what each mirror said. */
int registry_reach(struct registry **ret, const struct reference *name,
		   const struct registry_opts *o, struct arena *a, struct registry_document *doc,
		   struct err *e);

/* The same for other questions: asks one place after the other until ask() is answered (0), and opens that one. itself_first: the registry itself, and the
 * mirrors only if it cannot be reached. */
int registry_reach_with(struct registry **ret, const struct reference *name,
			const struct registry_opts *o, bool itself_first, struct arena *a,
			int (*question)(struct registry *r, void *arg, struct err *e), void *arg,
			struct err *e);

/* A small blob (a config), whole, verified; size as the manifest says, at most max. */
int registry_blob(struct registry *r, const struct digest *blob, int64_t size, size_t max,
		  struct str *out, struct err *e);

/* One blob on its way. The bytes are passed on as they come, not verified: who writes them hashes them. */
struct registry_fetch {
	struct digest blob;
	int64_t size; /* as the manifest says; more bytes than that end the fetch with ERR_DIGEST_MISMATCH */
	uint64_t
		offset; /* go on from here (Range); a registry that sends everything again is read and dropped up to there */
	/* Negative ends this fetch. Called in order; never after done. */
	int (*write)(void *arg, const void *p, size_t n, struct err *e);
	/* Called once: r is 0 when all bytes came, else a negative errno with its error. Negative ends all fetches. */
	int (*done)(void *arg, int r, struct err *e);
	void *arg;
};

/* Fetches them, `parallel` at once, in the order given; broken connections are taken up again where they stopped (a bounded number of times, with
 * growing pauses), and whoever sends less than 1 KiB/s for 30 s is given up. Returns when all are done, or the first error. */
int registry_fetch_all(struct registry *r, struct registry_fetch *v, size_t n, unsigned parallel,
		       struct err *e);

#endif
