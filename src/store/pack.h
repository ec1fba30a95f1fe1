/*
 * pack.h - from a directory tree to a tar stream, the way back from unpack.h: entries in the order of their names, so that the same tree
 * gives the same bytes.
 *
 * Nothing is followed: the tree is walked with descriptors and O_NOFOLLOW, and what changes meanwhile is an error, or is seen before or
 * after the change. Directories on other file systems go in empty, sockets and the store itself are left out. Owners are those that
 * this user namespace shows; ids that it does not know are nobody's (65534). user.* xattrs and file capabilities go along, those of
 * overlayfs and of hoy do not. Files with several names become hard links.
 */
#ifndef STORE_PACK_H
#define STORE_PACK_H

#include "data/inflate.h"
#include "state/u0.h"

struct pack;

/* dir: the root of the tree, stays the caller's. what names it in messages. h: the store, which is left out; NULL: none can be in there. */
struct pack *pack_open(const struct home *h, int dir, const char *what);
void pack_close(struct pack *p); /* NULL is fine */
/* Before the first byte. Owners are what form one keeps for files and directories: overlay_marks.h. */
void pack_kept_owners(struct pack *p);
/* No entry for the root itself, whose attributes would be given to wherever it is unpacked. */
void pack_without_root(struct pack *p);
/* dir may then be any file, also a link (O_PATH | O_NOFOLLOW): it and what is below it are given under this name. */
void pack_named(struct pack *p, const char *name);
/* Goes into what is mounted below, too, but for the kernel's own file systems (proc, sysfs, cgroups ...). */
void pack_mounts(struct pack *p);
/* Owners as U0 would show them, for a process outside of it; ids that it does not have are nobody's. */
void pack_map_owners(struct pack *p, const struct u0_map *map);
/* dir is an upper directory and becomes a layer: whiteouts are entries as layer.md of the OCI image-spec has them, directories that neither differ from
 * below nor have anything in them are left out, and so are the files that hoy makes in each container (/etc/hosts ...). below: what the layers show
 * under it (view.h), stays the caller's. ERR_LAYER for a name that would be taken for a whiteout. */
void pack_as_layer(struct pack *p, int below);
/* The same, for a dir that is a copy of what below shows and was written to since: see copied.h. */
void pack_as_changes(struct pack *p, int below, struct timespec when);
/* The stream; lives as long as the pack. A file that cannot be read is an error that names it. */
struct source pack_source(struct pack *p);

#endif
