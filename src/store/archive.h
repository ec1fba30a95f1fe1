/*
 * archive.h - the outer shell of an image archive: a directory or a tar file, as a flat set of named files.
 *
 * A plain tar in a seekable file is indexed where it lies. Everything else (pipes, and files compressed with gzip, zstd, xz or bzip2) is
 * unpacked once into a nameless file below tmp/ and indexed on the way. Layers are then read from that file by offset: nothing
 * of the outer tar ever becomes a file with a name, so its names cannot point anywhere. Symbolic and hard links between
 * entries (docker's old archives have them) are followed inside the index.
 *
 * Refused (ERR_ARCHIVE): what is no tar, ends early, has names with ".." or an absolute name, sparse entries where data is
 * wanted, more than 200,000 entries, or grows under decompression to more than 1 GiB and 100 times its size.
 */
#ifndef STORE_ARCHIVE_H
#define STORE_ARCHIVE_H

#include "data/inflate.h"
#include "state/tmp.h"

struct archive;

/* A file of the archive. For a directory the descriptor belongs to the caller, for a tar it is the archive's: archive_file_close. */
struct archive_file {
	int fd;
	uint64_t offset, size;
	bool own;
};

/* fd: a directory, a file or a pipe, read from its beginning or position; it stays the caller's and must stay open. what names it in errors. */
int archive_open(struct archive **ret, const struct home *h, int fd, const char *what,
		 struct err *e);
void archive_close(struct archive *ar); /* NULL is fine */
const char *archive_what(const struct archive *ar);

bool archive_has(const struct archive *ar, const char *name);
/* -ENOENT with ERR_ARCHIVE ("... lacks NAME"). */
int archive_find(const struct archive *ar, const char *name, struct archive_file *ret,
		 struct err *e);
void archive_file_free(struct archive_file *f); /* for scoped(archive_file) */

/* Reads a whole small file; ERR_ARCHIVE if it has more than max bytes. */
int archive_read(const struct archive *ar, const char *name, size_t max, struct str *out,
		 struct err *e);

#endif
