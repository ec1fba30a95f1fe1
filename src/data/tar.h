/*
 * tar.h - a push parser for hostile tar streams.
 *
 * Bytes are fed in pieces of any size; callbacks get each entry, its data and its end. Understood: v7, ustar, GNU long
 * names and links, base-256 numbers, pax headers (path, linkpath, size, uid, gid, mtime, SCHILY.xattr.*, LIBARCHIVE.xattr.*, GNU
 * sparse 0.0, 0.1 and 1.0) and old GNU sparse. Checksums are checked; numbers that do not fit, records that do not parse
 * and unknown entry types are errors (ERR_ARCHIVE) that name the entry. Global pax headers are checked and otherwise ignored, as
 * the common engines do. Two zero blocks, or the end of input between entries, end the archive; what follows is ignored.
 *
 * Memory is bounded: 1 MiB of pax header, 4096 bytes of name, 65536 sparse segments. The parser never recurses and looks at
 * no file system: ".." and absolute names pass through, the user of the entries decides (store/unpack.h).
 * Format: POSIX.1-2017 pax, and the chapters "Basic Tar Format" and "Sparse Formats" of the GNU tar manual.
 */
#ifndef DATA_TAR_H
#define DATA_TAR_H

#include "base/base.h"

enum tar_type {
	TAR_FILE,
	TAR_HARDLINK,
	TAR_SYMLINK,
	TAR_CHAR,
	TAR_BLOCK,
	TAR_DIR,
	TAR_FIFO,
};

struct tar_xattr {
	const char *name;
	const void *value;
	size_t len;
};

/* Strings and lists are valid during the entry callback only. */
struct tar_entry {
	enum tar_type type;
	const char *path; /* as it stands in the archive; not empty, no NUL inside */
	const char *link; /* of links, not empty; else NULL */
	uint64_t size;	  /* of the file when written out; 0 for everything that is no file */
	bool sparse;	  /* data comes in pieces with holes between them */
	uint32_t mode;	  /* 07777 */
	uint64_t uid, gid;
	struct timespec mtime;
	uint64_t major, minor; /* of devices */
	const struct tar_xattr *xattrs;
	size_t nxattrs;
	uint64_t
		data_offset; /* where in the stream the stored data starts (a plain file can be read there) */
	uint64_t
		stored_size; /* how many bytes of data follow in the stream, sparse maps included */
};

enum { TAR_SKIP = 1 };

struct tar_ops {
	/* 0: send the data and the end; TAR_SKIP: neither; negative errno with *e filled: stop. */
	int (*entry)(void *arg, const struct tar_entry *t, struct err *e);
	/* A piece of the file at offset; offsets only grow. */
	int (*data)(void *arg, uint64_t offset, const void *p, size_t n, struct err *e);
	int (*end)(void *arg, struct err *e);
};

struct tar;

struct tar *tar_new(const struct tar_ops *ops, void *arg);
void tar_free(struct tar *t); /* NULL is fine */

/* 0 or a negative errno; after an error the parser takes no more. */
int tar_feed(struct tar *t, const void *p, size_t n, struct err *e);
/* After the last piece: an error if the input ended inside an entry. */
int tar_finish(struct tar *t, struct err *e);

/* How many of the next bytes are skipped anyway (data after TAR_SKIP): who reads a seekable file may leave them out and say so. */
uint64_t tar_skippable(const struct tar *t);
void tar_skipped(struct tar *t, uint64_t n);
/* True once the end mark was seen: nothing that follows matters. */
bool tar_ended(const struct tar *t);

#endif
