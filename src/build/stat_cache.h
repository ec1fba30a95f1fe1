/*
 * stat_cache.h - the digests of files that were read before, so that an unchanged context is not read again.
 *
 * build/stat/<hex>, one file for each context directory: sorted records of path, device, inode, size, mtime, ctime and digest, read at once and believed only if all
 * of these are what they were. A file whose ctime lies less than two seconds before the look is not noted: it could change once more without its times showing it. The
 * file is replaced as a whole; one that is damaged, or of another version, is none. It may be removed at any time.
 */
#ifndef BUILD_STAT_CACHE_H
#define BUILD_STAT_CACHE_H

#include "state/home.h"

enum { STAT_SHA = 32 };

struct stat_cache;

/* name: 64 hex digits. Never fails: without a file it is empty. */
struct stat_cache *stat_cache_open(const struct home *h, const char *name);
void stat_cache_free(struct stat_cache *c); /* NULL is fine */

/* Was this file seen with just this stat? *ret_xattrs: it has extended attributes that are a part of the digest. */
bool stat_cache_find(struct stat_cache *c, const char *path, const struct stat *st,
		     uint8_t ret[static STAT_SHA], bool *ret_xattrs);
/* Notes one; found from the next stat_cache_merge() on. path must live until then. */
void stat_cache_add(struct stat_cache *c, const char *path, const struct stat *st,
		    const uint8_t sha[static STAT_SHA], bool xattrs);
void stat_cache_merge(struct stat_cache *c);
/* Writes it, if there is anything new. Failing is no error: it will be read again. */
void stat_cache_save(const struct home *h, struct stat_cache *c);

/* The order of a walk: names by their bytes, what is below a directory right behind it. */
int stat_cache_order(const char *a, size_t an, const char *b, size_t bn);

/* May the file have changed without its times showing it? now: when it was looked at. */
bool stat_cache_racy(const struct stat *st, struct timespec now);

#endif
