/*
 * copy_tree.h - all below one directory: copied into another, or given to another user.
 *
 * Trees may be hostile and may change meanwhile: each entry is opened relative to its directory, links are never followed, and nothing
 * is read from what is neither a regular file nor a link. Depth is bounded.
 */
#ifndef RUNTIME_COPY_TREE_H
#define RUNTIME_COPY_TREE_H

#include "base/base.h"

/* Copies what lies below from (open for reading) into the directory to, with modes, times, and owners where the kernel allows it.
 * Sockets and devices are left out, links to the same file become files of their own. 0 or -errno, -ENOSPC when to is full. */
int copy_tree(int from, int to);

/* Gives the file at fd (O_PATH), and all below it if it is a directory, to uid:gid. What is theirs already is not touched. 0 or
 * -errno. */
int own_tree(int fd, uid_t uid, gid_t gid);

#endif
