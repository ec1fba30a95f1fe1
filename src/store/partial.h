/*
 * partial.h - blobs/partial/<hex>: blobs on their way from a registry.
 *
 * They survive cuts and kills, so that the next pull goes on where the last one stopped. Who writes one, reads one or moves it
 * into its place holds its lock; the kernel drops that with the last process that has the descriptor. Nobody trusts what another left: a
 * blob is hashed whole before partial_place() makes it one of blobs/sha256/. What nobody has touched for a week goes away.
 */
#ifndef STORE_PARTIAL_H
#define STORE_PARTIAL_H

#include "data/hash.h"
#include "state/home.h"

/* Opens it, making it if it is missing, for reading and writing, and locks it; *ret_size bytes are there. -EAGAIN (e untouched) if another
 * process has it: then *ret is open all the same, and partial_wait() waits for that process. */
int partial_open(const struct home *h, const struct digest *blob, int *ret, uint64_t *ret_size,
		 struct err *e);

/* Blocks until the other process is done with it. */
int partial_wait(int fd, struct err *e);

/* Removes it; the lock is held. */
void partial_drop(const struct home *h, const struct digest *blob);

/* Makes it blobs/sha256/<hex>: it was verified, and the lock is held. */
int partial_place(const struct home *h, const struct digest *blob, struct err *e);

/* Removes what is old, and what came by another way meanwhile. One call when there is none. */
void partial_sweep(const struct home *h);

#endif
