/*
 * mounted.h - what `image mount` and `mount` have in common: the directory mounts/ as one `hoy unshare` sees it.
 *
 * Each mount lies at mounts/<id>, in the mount namespace of that unshare only. Nothing is written down: what is mounted is what the kernel says, and the
 * kernel takes it away with the last process in there.
 */
#ifndef ENGINE_MOUNTED_H
#define ENGINE_MOUNTED_H

#include "state/home.h"
#include "state/u0.h"

#define MOUNTED_EMPTY "none" /* a directory in there that stays empty */

/* ERR_NOT_UNSHARED outside of one. what: "images" or "containers". */
int mounted_need_unshare(const char *what, struct u0_map *ret, struct err *e);
/* The directory, as the present mount namespace shows it. */
int mounted_dir(const struct home *h, struct err *e);
/* Is something mounted right at dir/name? */
bool mounted_at(int dir, const char *name);
/* force: also while somebody uses it. */
int mounted_end(const struct home *h, int dir, const char *name, bool force, struct err *e);

#endif
