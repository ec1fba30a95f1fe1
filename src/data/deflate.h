/*
 * deflate.h - one stream of bytes compressed with gzip or zstd, the counterpart of inflate.h.
 *
 * The writer pushes: what deflate_add() takes comes out of the sink, compressed, in pieces of its own size. zlib and libzstd
 * are opened on first use. The same bytes give the same output on the same machine: no time, no name is written.
 */
#ifndef DATA_DEFLATE_H
#define DATA_DEFLATE_H

#include "data/inflate.h"

/* Where bytes go. write() takes all of them: 0, or a negative errno with *e filled. */
struct sink {
	int (*write)(void *arg, const void *p, size_t n, struct err *e);
	void *arg;
};

struct deflate;

/* kind: INFLATE_GZIP or INFLATE_ZSTD; level as the library counts it. sink is copied. ERR_LIBRARY where the library is missing. */
int deflate_open(struct deflate **ret, enum inflate_kind kind, int level, const struct sink *sink,
		 struct err *e);
int deflate_add(struct deflate *d, const void *p, size_t n, struct err *e);
/* Writes what is left and the end of the stream. */
int deflate_end(struct deflate *d, struct err *e);
void deflate_close(struct deflate *d); /* NULL is fine */

#endif
