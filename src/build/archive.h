/*
 * archive.h - tars, plain or compressed, that become directories: contexts, and what ADD unpacks.
 *
 * store/unpack.h does it, as for no layer: names never leave the directory. Bounded: to 1 GiB, or to 100 times what the archive has itself.
 */
#ifndef BUILD_ARCHIVE_H
#define BUILD_ARCHIVE_H

#include "data/inflate.h"
#include "store/unpack.h"

/* Does a tar begin so? POSIX.1-2017 pax, ustar: the block has the sum of its bytes in it; an archive of nothing is zeros. */
bool archive_is_tar(const uint8_t block[static 512]);

/* Is the file a tar, maybe compressed? Looks at its beginning; -errno if that cannot be done. */
int archive_probe(int fd);

/* The process's umask must be 0. ERR_ARCHIVE. */
int archive_unpack(const struct source *src, const char *name, int dir, const struct u0_map *map,
		   const struct unpack_plain *how, struct err *e);

#endif
