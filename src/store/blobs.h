/*
 * blobs.h - blobs/sha256/<hex>: manifests, configs and kept layer blobs, named by their digests.
 *
 * A blob that exists is whole: it is written below tmp/ and renamed. Readers trust the store, which is the user's own; what comes
 * from outside is hashed before it is put here (data/hash.h).
 */
#ifndef STORE_BLOBS_H
#define STORE_BLOBS_H

#include "state/tmp.h"

enum { BLOB_PATH = 13 + 64 + 1 };

/* "blobs/sha256/<hex>", relative to the store. digest is valid ("sha256:<hex>"). */
char *blob_path(char buf[static BLOB_PATH], const char *digest);

/* Appends the blob to out. -ENOENT if it is not there, -EFBIG if it has more than max bytes; e names it. */
int blob_read(const struct home *h, const char *digest, size_t max, struct str *out, struct err *e);

bool blob_exists(const struct home *h, const char *digest);

/* Writes a blob by way of the caller's tmp directory. One that exists stays. Not synced: images are synced as a whole. */
int blob_put(const struct home *h, const struct home_tmp *t, const char *digest, const void *p,
	     size_t n, struct err *e);

#endif
