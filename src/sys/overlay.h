/*
 * overlay.h - mounting overlayfs without privilege (Linux 5.11 and later: userxattr).
 *
 * Directories are given as descriptors and named to the kernel as /proc/self/fd/N: no length limit bites, no colon,
 * comma or blank in a path needs escaping, and 127 layers fit even into the one page of options of mount(2), which is used where
 * the kernel does not know "lowerdir+" (before 6.5). Source: Documentation/filesystems/overlayfs.rst.
 */
#ifndef SYS_OVERLAY_H
#define SYS_OVERLAY_H

#include "base/base.h"

struct overlay {
	const int *lower; /* the top layer first */
	size_t nlower;
	int upper, work; /* -1: read-only overlay without them */
	bool no_sync; /* "volatile": the upper layer is thrown away with the container, so syncing is useless */
	int target_dir; /* the old call mounts onto target_dir/target at once */
	const char *target;
	const char *source; /* its name in mountinfo; NULL: "overlay" */
};

/* A descriptor of the new mount's root, detached unless *ret_attached. All descriptors must belong to mounts of this mount
 * namespace. The proc file system of the host must be there. ERR_NO_OVERLAY: this kernel, or the file system that the directories lie on, has no
 * overlays for us; copying (copy_tree.h) is the other way. That goes for file systems without user xattrs too: there the kernel mounts one that
 * fails later, with EIO, when a directory is removed and made again. */
int overlay_mount(const struct overlay *o, bool *ret_attached, struct err *e);

/* For tests: true makes overlay_mount() use mount(2), as on a kernel without "lowerdir+". */
void overlay_test_old_call(bool on);

#endif
