/*
 * mounts.h - the mount API by descriptors (fsopen, fsmount, open_tree, move_mount, mount_setattr; Linux 5.12 and later).
 *
 * A mount is made detached and then attached to a directory or file that was opened before, so no path is resolved twice and no
 * link can be slipped in between. No policy: what a container gets is decided in runtime/.
 */
#ifndef SYS_MOUNTS_H
#define SYS_MOUNTS_H

#include "base/base.h"

/* Attributes for mount_attr() and mount_new(), the kernel's MOUNT_ATTR_*. */
enum {
	MOUNT_RO = 0x1,
	MOUNT_NOSUID = 0x2,
	MOUNT_NODEV = 0x4,
	MOUNT_NOEXEC = 0x8,
	MOUNT_NOATIME = 0x10,
	MOUNT_STRICTATIME = 0x20,
	MOUNT_NODIRATIME = 0x80,
	MOUNT_ATIME = 0x70, /* the bits that say one thing about access times */
};

/* A new file system instance, detached. opts: "key=value" or "flag", NULL-terminated, may be NULL. A descriptor or -errno; the
 * error quotes the kernel's own words where it gives any. */
int mount_new(const char *fstype, const char *const *opts, unsigned attrs, struct err *e);
/* The same of something: a block device, a name. */
int mount_new_of(const char *fstype, const char *source, const char *const *opts, unsigned attrs,
		 struct err *e);

/* A detached copy of what is at dir/path (path "" is dir itself), with everything mounted below if recursive. Descriptor or -errno. */
int mount_clone(int dir, const char *path, bool recursive);

/* Attaches a detached mount (or moves an attached one) onto target, an O_PATH descriptor. 0 or -errno. */
int mount_attach(int mnt, int target);

/* Sets and clears attributes of a mount, and of all below it if recursive. 0 or -errno. */
int mount_attr(int mnt, unsigned set, unsigned clear, bool recursive);

/* Gives a detached mount (all of it, if recursive) the id map of a user namespace (a descriptor). 0 or -errno. */
int mount_idmap(int mnt, int userns, bool recursive);

/* Changes propagation of the mount at an open descriptor: MS_PRIVATE, MS_SLAVE, MS_SHARED, MS_UNBINDABLE. 0 or -errno. */
int mount_propagation(int mnt, unsigned long flag, bool recursive);

/* Makes root (a descriptor of a mount's root) the root of this process's mount namespace and drops the old one. */
int mount_pivot(int root, struct err *e);

#endif
