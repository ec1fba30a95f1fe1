/*
 * reference.h - the names of images: [registry/]repository[:tag][@digest], and image ids.
 *
 * A struct reference is text that has passed the grammar of the OCI distribution specification ("Pulling manifests") and of
 * docker's references: lower-case path components joined by single "." or "_", "__" or dashes; a tag of at most 128 word
 * characters; a sha256 digest of 64 lower-case digits. So none of its parts can be "..", hold a slash too many, a newline or an
 * escape, and they may be used as file names below the store. Nothing else turns text from outside into a name.
 *
 * The first component is a registry if it holds a "." or a ":" or is "localhost"; otherwise the reference is short, and who asks decides
 * where it belongs: ref_complete() puts docker's rule (docker.io, and library/ before a lone word) or any other registry.
 */
#ifndef OCI_REFERENCE_H
#define OCI_REFERENCE_H

#include "base/base.h"

enum {
	REF_MAX_NAME = 255, /* registry and repository together */
	REF_MAX_TAG = 128,
	DIGEST_HEX = 64, /* hex digits of a sha256 */
	DIGEST_LEN = 7 + DIGEST_HEX,
};

struct reference {
	const char
		*registry; /* "docker.io", "localhost:5000"; NULL: none was given (a short name) */
	const char *repository; /* "library/busybox" */
	const char *tag;	/* "1.36"; NULL if none was given */
	const char *digest;	/* "sha256:<64 hex>"; NULL if none was given */
};

/* Parses text; the parts are copied into the arena. "index.docker.io" and "registry-1.docker.io" become "docker.io", and a lone word of
 * docker.io gets its "library/". ERR_REF with the reason and a hint otherwise. */
int ref_parse(struct arena *a, const char *text, struct reference *ret, struct err *e);

/* Completes a short name with a registry ("docker.io" adds library/ to a lone word); full names stay as they are. */
struct reference ref_complete(struct arena *a, const struct reference *r, const char *registry);

/* "docker.io/library/busybox:1.36", with the tag and the digest as far as they are there. */
char *ref_text(struct arena *a, const struct reference *r);
/* The same without tag and digest. */
char *ref_name(struct arena *a, const struct reference *r);
/* Docker's familiar form of a full name: "busybox:1.36", "user/app"; other registries stay. */
const char *ref_familiar(struct arena *a, const char *name);

/* True for "sha256:" and exactly 64 lower-case hex digits. */
bool digest_valid(const char *s);
/* The digits of a valid digest. */
const char *digest_hex(const char *digest);

/* True if s can only be (the beginning of) an image id: 1 to 64 lower-case hex digits, or "sha256:" and such. *ret_hex is where the
 * digits begin. Text like "abc" is both an id prefix and a name: names are tried first. */
bool ref_is_id_prefix(const char *s, const char **ret_hex);

#endif
