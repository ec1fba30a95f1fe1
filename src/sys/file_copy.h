/*
 * file_copy.h - the content of one file into another, without passing it through this process where the kernel can do that.
 *
 * In this order: a reflink (btrfs, xfs, bcachefs: the blocks are shared until one of the two is written to), a copy inside the kernel (which
 * NFS 4.2 and SMB do on the server), reading and writing. Holes stay holes.
 */
#ifndef SYS_FILE_COPY_H
#define SYS_FILE_COPY_H

#include "base/base.h"

/* in: a regular file, read from its beginning; out: an empty one, open for writing. What comes or goes while it is copied may be there or not.
 * 0 or -errno. */
int file_copy(int in, int out);

/* Would it share blocks in this directory? Tried, with two files that have no name afterwards. */
bool file_copy_shares(int dir);

/* For tests: true makes file_copy() read and write. */
void file_copy_test_plain(bool on);

#endif
