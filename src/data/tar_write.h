/*
 * tar_write.h - headers of tar entries (POSIX pax), the counterpart of tar.h.
 *
 * An entry is its header, its data, and padding to 512 bytes; the archive ends with two blocks of zeros. What a ustar header cannot
 * say (long names, large numbers, fractions of seconds, xattrs) goes into a pax header in front of it, and nothing else does, so that
 * the same entries always give the same bytes. Source: POSIX.1-2017, pax, "pax Interchange Format".
 */
#ifndef DATA_TAR_WRITE_H
#define DATA_TAR_WRITE_H

#include "data/tar.h"

enum { TAR_BLOCK_SIZE = 512, TAR_END_SIZE = 1024 };

/* Appends the header of t: path, link, type, size, mode, uid, gid, mtime, major, minor and xattrs count. size is 0 for all but files. */
void tar_write_header(struct str *out, const struct tar_entry *t);
/* How many zeros follow n bytes of data. */
static inline size_t tar_padding(uint64_t n)
{
	return (TAR_BLOCK_SIZE - n % TAR_BLOCK_SIZE) % TAR_BLOCK_SIZE;
}

#endif
