/*
 * overlay_marks.h - what files on disk carry besides themselves: the marks that overlayfs (option userxattr) and the unpacker write, that
 * something below is deleted, and owners that only one uid cannot have.
 */
#ifndef SYS_OVERLAY_MARKS_H
#define SYS_OVERLAY_MARKS_H

#include <sys/stat.h>

#include "base/base.h"

/* Is dir/name, whose stat is given, a whiteout? */
bool overlay_is_whiteout(int dir, const char *name, const struct stat *st);
/* In a directory of a layer on a file system without user xattrs: it is opaque. Overlays do not know this mark, and are not used there (overlay.h).
 * No entry of a layer can have this name. */
#define OVERLAY_OPAQUE_FILE ".wh..wh..opq"
/* Does this directory (a descriptor) hide what layers below have in it? */
bool overlay_is_opaque(int dir);

/* The owner of a file or directory (a descriptor that can be read) in form one: user.hoy.owner, "UID:GID" or "UID:GID:MODE" (octal). False, and
 * *ret as it was, if there is none that can be understood: containers can write it too. Without a mode, that is as it was as well. */
struct owner_kept {
	uint32_t uid, gid, mode;
};
bool owner_kept_read(int fd, struct owner_kept *ret);
/* Keeps one, without a mode. 0 or -errno. */
int owner_kept_write(int fd, uint32_t uid, uint32_t gid);

#endif
