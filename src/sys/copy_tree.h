/*
 * copy_tree.h - all below one directory: copied into another, or given to another user.
 *
 * Trees may be hostile and may change meanwhile: each entry is opened relative to its directory, links are never followed, and nothing
 * is read from what is neither a regular file nor a link. Depth is bounded. Content is shared with the original where the file system can
 * do that (file_copy.h), and files with several names inside of the tree stay that. Extended attributes of users (user.*) and file
 * capabilities go along where the kernel allows it.
 */
#ifndef SYS_COPY_TREE_H
#define SYS_COPY_TREE_H

#include "base/base.h"

/* Copies what lies below from (open for reading) into the directory to, which has nothing of these names, with modes, times, and owners
 * where the kernel allows it. Sockets and devices are left out. 0 or -errno, -ENOSPC when to is full. */
int copy_tree(int from, int to);

/* Lays a layer, or an upper directory, over what is in the directory to, which nobody else writes to: what an overlay of the two would show. Whiteouts and
 * opaque directories (overlay_marks.h) remove; devices are made. Owners must be had: an error names the file. to itself keeps its attributes. */
int copy_layer(int from, int to, struct err *e);

/* Gives the file at fd (O_PATH), and all below it if it is a directory, to uid:gid. What is theirs already is not touched. 0 or
 * -errno. */
int own_tree(int fd, uid_t uid, gid_t gid);

#endif
