/*
 * inflate.h - one stream of plain bytes out of plain, gzip, zstd, xz or bzip2 input, told apart by their magic numbers.
 *
 * The reader pulls: inflate_next() gives the next block, which stays valid until the next call, so nothing is copied. Gzip
 * members and zstd frames may be concatenated. Truncated or corrupt input is an error (ERR_ARCHIVE), never a short
 * success: the end is reported only after the format's own end was seen. A zstd window over 128 MiB is refused. zlib (or
 * isa-l where it is installed), libzstd and libarchive (for xz and bzip2) are opened on first use. Memory does not depend
 * on the input, apart from the window that xz and zstd headers ask for.
 */
#ifndef DATA_INFLATE_H
#define DATA_INFLATE_H

#include "base/base.h"

/* Where bytes come from. read() gives up to n bytes: the count, 0 at the end, or a negative errno with *e filled. */
struct source {
	ssize_t (*read)(void *arg, void *buf, size_t n, struct err *e);
	void *arg;
};

/* A source over a descriptor: from its position (pipes too), or a piece of a file (an entry of a plain tar) by pread(2). */
struct source_fd {
	int fd;
	const char *name; /* for messages */
	int64_t offset;	  /* -1: read(2) from the position */
	uint64_t
		left; /* bytes to give; UINT64_MAX: to the end of the file. If the file ends earlier: ERR_ARCHIVE */
};
struct source source_from_fd(struct source_fd *s);

enum inflate_kind { INFLATE_PLAIN, INFLATE_GZIP, INFLATE_ZSTD, INFLATE_XZ, INFLATE_BZIP2 };
const char *inflate_kind_name(enum inflate_kind k); /* "gzip" */

/* Tells the kind from the first bytes; n may be less than the 6 that are needed at most. */
enum inflate_kind inflate_sniff(const void *p, size_t n);

struct inflate;

/* Reads the first bytes and prepares. what names the input in messages and is copied; src->arg must live as long as the stream. */
int inflate_open(struct inflate **ret, const struct source *src, const char *what, struct err *e);
enum inflate_kind inflate_kind(const struct inflate *z);
/* The next block; *ret_n = 0 at the end. 0 or a negative errno. */
int inflate_next(struct inflate *z, const void **ret_p, size_t *ret_n, struct err *e);
/* Bytes taken from the source so far. */
uint64_t inflate_taken(const struct inflate *z);
void inflate_close(struct inflate *z); /* NULL is fine */

/* For tests: true leaves isa-l alone. */
void inflate_test_no_isal(bool on);

#endif
