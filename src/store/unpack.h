/*
 * unpack.h - from the tar stream of a layer to a directory tree that overlayfs can mount (option userxattr).
 *
 * One pass, nothing is read back, memory does not grow with the layer. The tree is written relative to one directory
 * descriptor; names are resolved inside it as if it were "/" and can never leave it. Entries never write through what is
 * there: an existing name is replaced (a directory over a directory keeps the content), as layer.md of the OCI
 * image-spec wants.
 *
 * Whiteouts become character devices 0:0, or files with user.overlay.whiteout where the file system stores no nodes; opaque
 * directories get user.overlay.opaque=y. An opaque root is only reported: the mount must leave out the layers below.
 * Refused (ERR_LAYER): ".." above the root, the whiteout names ".wh.", ".wh.." and ".wh...", anything below a whiteout, a root entry
 * that is no directory, hard links to nothing, xattrs of overlayfs and of hoy (trusted.overlay.*, user.overlay.*, user.hoy.*).
 * Left out and counted: devices that cannot be made (not those below /dev, which containers hide), xattrs other than user.* and security.capability.
 *
 * Owners: with forms "sub" and "root" files are chowned; an id that the map lacks is ERR_ID_RANGE. With form "one" they belong to
 * the user, stay readable to them, and what the image wants is kept in the xattr user.hoy.owner = "uid:gid:mode" (decimal, decimal,
 * octal, only where it differs from 0:0 and the mode on disk), or, for links and where xattrs fail, as a line
 * "uid:gid:mode path\0" of the file owners beside the tree.
 */
#ifndef STORE_UNPACK_H
#define STORE_UNPACK_H

#include "state/u0.h"

struct unpack_limits {
	uint64_t
		max_bytes; /* of the tar stream; 0: the larger of 1 GiB and 100 times the bytes of the blob */
	uint64_t max_entries; /* 0: 4 million */
	unsigned max_depth;   /* of a name; 0: 512 components */
};

struct unpack_stats {
	uint64_t entries, bytes;  /* bytes of file content, holes left out */
	uint64_t skipped_devices; /* outside of /dev */
	uint64_t skipped_xattrs;
	uint64_t skipped_other; /* notes that AUFS leaves in layers (.wh..wh.plnk ...) */
	uint64_t whiteouts;
	int64_t newest;	 /* the latest time of an entry, seconds since 1970; 0: none is later */
	uint32_t max_id; /* the highest uid or gid of an entry below 65534, which is nobody's */
	bool opaque_root;
};

struct unpack;

/* dir: an empty directory. side: the directory that gets the file "owners" (form one, only if needed). Neither is closed.
 * The process's umask must be 0 and it must be uid 0 inside U0 (or a test of form one). what names the layer in messages. */
int unpack_open(struct unpack **ret, int dir, int side, const struct u0_map *map,
		const struct unpack_limits *lim, const char *what, struct err *e);
/* A tar that is no layer: what `cp` copies, what comes into a volume. Whiteouts and opaque directories mean nothing then, reserved xattrs are left out
 * instead of refused, and a file that cannot be replaced because something is mounted on it is written in place. */
enum unpack_owner {
	UNPACK_AS_ARCHIVED,
	UNPACK_FIXED, /* everything is uid:gid's */
	UNPACK_SELF, /* whoever unpacks; nothing is chowned, and modes are set exactly, also in form one */
};
struct unpack_plain {
	enum unpack_owner owner;
	uint32_t uid, gid;
	bool overwrite;	 /* a file may replace a directory, and a directory a file; else ERR_COPY */
	bool no_set_ids; /* setuid and setgid bits are left out */
	bool no_devices; /* so are device nodes; they are counted */
	bool keep_root;	 /* the directory itself keeps its owner, mode and time */
	const char
		*as; /* replaces the first part of every name; "": takes it away; NULL: it stays */
};
/* Before the first byte. p is copied, but for the text. Then side may be -1. */
void unpack_as_plain(struct unpack *u, const struct unpack_plain *p);
/* Before the first byte: records in side how the tar can be made again (recipe.h), and keeps what is replaced. */
int unpack_record(struct unpack *u, struct err *e);
int unpack_feed(struct unpack *u, const void *p, size_t n, struct err *e);
/* Has the archive's end mark come? */
bool unpack_ended(const struct unpack *u);
/* After the last byte: finishes directory times; *ret may be NULL. */
int unpack_finish(struct unpack *u, struct unpack_stats *ret, struct err *e);
void unpack_close(struct unpack *u); /* NULL is fine */

/* For tests: true acts as if the file system could store no device nodes. */
void unpack_test_no_nodes(bool on);

#endif
