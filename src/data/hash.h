/*
 * hash.h - sha256 (libcrypto, opened on first use) and digest strings.
 *
 * A digest is kept as its 64 lower-case hex digits: that is what names files in the store. Digests of other algorithms,
 * upper-case digits, other lengths and anything with a path in it do not parse, so a parsed digest is always safe as a
 * file name. An all-zero struct digest means "not known".
 */
#ifndef DATA_HASH_H
#define DATA_HASH_H

#include "base/base.h"

struct digest {
	char hex[65];
};
enum { DIGEST_STR = 72 }; /* "sha256:" + 64 digits + NUL */

/* "sha256:<64 lower-case hex digits>" and nothing else (OCI image-spec descriptor.md, "Digests"). Returns 0, or -EINVAL with
 * ERR_DIGEST; e may be NULL. */
int digest_parse(const char *s, struct digest *ret, struct err *e);
/* The 64 digits alone. */
int digest_parse_hex(const char *s, struct digest *ret, struct err *e);
static inline bool digest_known(const struct digest *d)
{
	return d->hex[0] != 0;
}
bool digest_eq(const struct digest *a, const struct digest *b);
/* Writes "sha256:<hex>" into buf and returns it. */
char *digest_str(const struct digest *d, char buf[static DIGEST_STR]);

/* A running sha256. Zero-initialised is closed; scoped(hash) h = {0}; works. */
struct hash {
	void *ctx;
};
int hash_open(struct hash *h,
	      struct err *e); /* -ENOENT with ERR_LIBRARY where libcrypto is missing */
void hash_add(struct hash *h, const void *p, size_t n);
void hash_end(struct hash *h, struct digest *ret); /* closes it */
void hash_free(struct hash *h);

/* In one go. */
int hash_bytes(const void *p, size_t n, struct digest *ret, struct err *e);

#endif
