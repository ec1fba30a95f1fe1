/*
 * tar_pax.h - the records of one pax extended header, and GNU's sparse maps in them. Only tar.c uses this.
 *
 * Everything points into the text, which pax_parse() cuts up in place (the newline behind each value becomes a NUL) and which must
 * stay until the entry was handled. Source: POSIX.1-2017, pax, "pax Extended Header"; GNU tar manual, "Storing Sparse Files".
 */
#ifndef DATA_TAR_PAX_H
#define DATA_TAR_PAX_H

#include "data/tar.h"

enum {
	TAR_MAX_PAX = 1 << 20,
	TAR_MAX_NAME = 4096,
	TAR_MAX_SEGMENTS = 65536,
	TAR_MAX_XATTRS = 1024
};

struct tar_segment {
	uint64_t offset, len;
};

struct tar_segments {
	struct tar_segment *v;
	size_t n, cap;
};
void tar_segments_free(struct tar_segments *s);
/* -E2BIG if there are too many. */
int tar_segments_add(struct tar_segments *s, uint64_t offset, uint64_t len);
/* True if the pieces are in order, inside a file of size bytes, and together stored bytes long. */
bool tar_segments_valid(const struct tar_segments *s, uint64_t size, uint64_t stored);

struct pax {
	bool present, has_size, has_uid, has_gid, has_mtime, sparse, has_realsize;
	const char *path, *link, *sparse_name;
	uint64_t size, uid, gid, realsize, sparse_major, sparse_minor;
	uint64_t pending_offset; /* of a 0.0 pair whose length has not come yet */
	bool has_pending;
	struct timespec mtime;
	struct tar_xattr *xattrs;
	size_t nxattrs, xattr_cap;
	struct tar_segments map; /* formats 0.0 and 0.1 */
};

/* Adds the records of text (n bytes, writable) to a zeroed p. ERR_ARCHIVE says which record is wrong. */
int pax_parse(struct pax *p, char *text, size_t n, struct err *e);
/* Forgets the entry, keeps the memory. */
void pax_reset(struct pax *p);
void pax_free(struct pax *p);

#endif
