/*
 * growing.h - a file that one process appends to while another reads it.
 *
 * The state lies in memory that both share; the reader sleeps (futex) until enough has arrived to be worth the waking. A reader never learns that
 * the writer failed: whoever started both ends it then.
 */
#ifndef PULL_GROWING_H
#define PULL_GROWING_H

#include "data/inflate.h"

/* In shared memory. Zero, with size and arrived set, is ready. */
struct growing {
	uint64_t size;	  /* when it is whole */
	uint64_t arrived; /* bytes that are in the file */
	uint64_t wanted;  /* the reader sleeps until so many are there */
	uint32_t calls;	  /* what it sleeps on */
	bool sleeping;
};

/* The writer: n more bytes are in the file. */
void growing_add(struct growing *g, uint64_t n);

/* The reader: a source that ends after size bytes. Not shared: each reader has its own. */
struct growing_source {
	struct growing *g;
	int fd;
	uint64_t pos;
	const char *name; /* for messages */
};
struct source source_from_growing(struct growing_source *s);

#endif
