/*
 * copied.h - a container's root file system as a copy of its image, for where the kernel gives no overlay (ERR_NO_OVERLAY).
 *
 * It lies in the container's directory as rootfs/, and upper/ is gone then: that is how such a container is told. It stays one, also where overlays
 * can be had later. The copy is made as copying/ and renamed, so that there is a whole one or none. What the container had written
 * in an upper directory before is laid on top.
 *
 * What has changed since is found by comparing with the layers: an entry whose attributes are the same can still have other content (a
 * program may put the time back), but not without its ctime being later than the copy: that is written down in the file copied. Where it is later, contents are
 * compared, so a store that was moved by copying is right as well, and only slower.
 */
#ifndef STORE_COPIED_H
#define STORE_COPIED_H

#include "store/layers.h"

#define COPIED_ROOT "rootfs"

/* Is this the directory (a descriptor) of a container with a copy? */
bool copied_is(int container_dir);

/* Inside U0: makes the copy, in a child process. container_dir: the container's, opened for reading. Nobody else uses it. ERR_DISK_FULL, and what
 * layer_stack_open() says; then the container is as it was. */
int copied_make(const struct home *h, const char *form, const struct strs *layers,
		int container_dir, struct err *e);

/* Is it worth telling that copies are made here? True once after each boot of the machine. */
bool copied_tell(const struct home *h);

/* When the copy was whole; 0 if that is not known. */
struct timespec copied_when(int container_dir);
/* An entry that is no directory, in a directory of the copy (its stat now) and under the same name in what the layers show (its stat was): are attributes,
 * owner, xattrs and content the same? */
bool copied_unchanged(int dir, int old_dir, const char *name, const struct stat *now,
		      const struct stat *was, struct timespec when);

#endif
