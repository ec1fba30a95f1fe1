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
/* A layer that a build makes, after one of the two above. */
struct pack_build {
	struct timespec since; /* what was written since then gets epoch ... */
	int64_t epoch;	       /* ... in seconds; negative: all times stay */
	bool all;	       /* every entry gets it */
	/* Absolute paths that were made as mount points, in place of the files that hoy makes in each container: empty files, and directories (with those above them
	 * that the layers do not have) into which nothing was put, are left out. */
	const struct strs *leave;
	/* dir itself is to be the layer: what is not in the stream is removed from it, times are set there too, and marks of overlayfs that mean nothing to
	 * a lower directory go. Not for a copy. */
	bool settle;
	/* Content that lies in the buffer of the present read: n bytes at p are in the file at offset. May be NULL. */
	void (*content)(void *arg, const char *path, uint64_t offset, const void *p, size_t n);
	void *arg;
};
void pack_as_built(struct pack *p, const struct pack_build *b);
/* dir and below are views of layers of one store, and a file with the same inode is the same file: no contents are compared. */
void pack_as_views(struct pack *p, int below);

struct pack_stats {
	uint64_t entries, bytes; /* bytes of files, holes left out */
	uint32_t max_id;	 /* as in unpack.h */
};
/* Of what was given so far. */
struct pack_stats pack_stats(const struct pack *p);

/* The stream; lives as long as the pack. A file that cannot be read is an error that names it. */
struct source pack_source(struct pack *p);

#endif
