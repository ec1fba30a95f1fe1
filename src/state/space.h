/*
 * space.h - room on the disk: how much is kept free, and what is about to become free.
 *
 * What takes much room (layers that are unpacked, blobs, copies of images) stops before the disk is full and removes what it wrote. The reserve is 64 MiB, or a
 * hundredth of a disk that has less than 6.4 GB: room for the records, logs and small writes of everything that runs meanwhile, which
 * have no way to go back. Small writes of hoy itself take from it.
 *
 * A container or image that was removed a moment ago may still be on its way (tmp/rm-*): that is waited for before anything is said to be full.
 */
#ifndef STATE_SPACE_H
#define STATE_SPACE_H

#include "state/home.h"

enum { SPACE_STEP = 1 << 20 }; /* look after so many bytes; what is smaller need not */

/* Bytes that may be written; UINT64_MAX where the file system does not say. One call. */
uint64_t space_left(const struct home *h);

/* Waits, some seconds at most, for what is being removed, and removes what nobody removes any more. Whoever met a full disk tries once more then, also
 * when there was nothing to wait for: it may have ended in between. */
void space_wait(const struct home *h);

/* May need bytes more be written (0: some, it is not known how many)? what names who wants to. ERR_DISK_FULL says what it needs and what there is. */
int space_need(const struct home *h, uint64_t need, const char *what, struct err *e);

#endif
