/*
 * unpack_impl.h - what the files of the unpacker share: unpack.c (entries), unpack_dir.c (where an entry goes), unpack_attr.c
 * (owners, modes, xattrs).
 *
 * Directories are kept open as a stack: the root, and one level for each component of the current directory. An archive goes through
 * a tree in order, so most entries find their directory on top, and every name is used relative to a descriptor
 * with O_NOFOLLOW. When a level is left, the time that the directory had or was given is put back.
 */
#ifndef STORE_UNPACK_IMPL_H
#define STORE_UNPACK_IMPL_H

#include "data/tar.h"
#include "store/recipe.h"
#include "store/unpack.h"

enum { UNPACK_MAX_DEPTH = 400, UNPACK_NAME = 4096 };

struct level {
	int fd;
	size_t end; /* of the component in u->cur */
	struct timespec mtime;
	bool has_mtime, dirty;
	bool sgid; /* what is made in it inherits its group */
	int mode;  /* it gets when it is left; -1: it has it */
};

/* What a file gets when it is complete. */
struct unpack_attr {
	uint64_t uid, gid;
	uint32_t mode;
	struct timespec mtime;
	uint8_t cap[24]; /* security.capability */
	size_t cap_len;
};

struct unpack {
	struct tar *tar;
	char *what;
	int dir, side;
	struct u0_map map;
	struct unpack_limits lim;
	struct unpack_stats stats;
	uint64_t fed;

	struct level levels[UNPACK_MAX_DEPTH + 1];
	size_t n;
	char cur[UNPACK_NAME + 1];	 /* the directory on top, "" is the root */
	char path[UNPACK_NAME + 1];	 /* the entry, cleaned */
	char root_path[UNPACK_NAME + 1]; /* of dir, for resolving links; read when first needed */

	int fd; /* the file being written, or -1 */
	struct unpack_attr attr;
	uint64_t size, at; /* of that file; where its last byte was written */
	struct str owners; /* for the side file */
	bool xattr_whiteouts;
	struct recipe_writer *recipe; /* NULL: none is wanted */
	int replaced;		      /* side/replaced, or -1 */
	bool begun;
	bool plain; /* no layer: */
	struct unpack_plain how;
};

/* unpack_dir.c */
/* An error that names the entry: ERR_LAYER, or ERR_ARCHIVE where it is none. */
int unpack_refuse(const struct unpack *u, const char *name, const char *why, struct err *e);
/* Puts u->how.as in the place of the first part. */
int unpack_rename(const struct unpack *u, char *path, struct err *e);
static inline struct level *unpack_top(struct unpack *u)
{
	return &u->levels[u->n - 1];
}
/* Makes the directory path[0..len) (cleaned) the top; missing ones are made with mode 0755. Links in it are resolved inside the root. */
int unpack_enter(struct unpack *u, const char *path, size_t len, struct err *e);
/* Puts the child name, which is a directory, on top. 0 or -errno; unpack_push_failed() makes an error of that. */
int unpack_push(struct unpack *u, const char *name, size_t n);
int unpack_push_failed(struct unpack *u, int r, struct err *e);
void unpack_leave_all(struct unpack *u);
/* Removes name in the top directory, whatever it is; *ret_whiteout says if it was a whiteout. */
int unpack_remove(struct unpack *u, const char *name, bool *ret_whiteout, struct err *e);
bool unpack_is_whiteout(struct unpack *u, const char *name);
int unpack_set_opaque(struct unpack *u, const char *value, struct err *e); /* the top */
/* The cleaned form of an archive's name. ERR_LAYER if it leaves the root or is too deep. */
int unpack_clean(struct unpack *u, const char *name, char *to, struct err *e);
/* The directory of a cleaned path, resolved inside the root, without making anything: a descriptor the caller closes. */
int unpack_open_parent(struct unpack *u, const char *path, const char **ret_base);

/* unpack_attr.c */
/* Refuses entries whose owner or xattrs cannot be accepted, before anything is made of them. */
int unpack_check_attr(struct unpack *u, const struct tar_entry *t, struct err *e);
/* The permission bits to create it with. */
mode_t unpack_mode(const struct unpack *u, mode_t mode, bool dir);
/* Sets user.* xattrs at once and notes the rest for unpack_set_attr(). */
int unpack_set_xattrs(struct unpack *u, int fd, const struct tar_entry *t, struct err *e);
/* Owner, mode, capability, in the order in which the kernel does not take them away again. made: it was created with
 * unpack_mode() just now. */
int unpack_set_attr(struct unpack *u, int fd, bool dir, bool made, struct err *e);
/* The owner of something that has no descriptor (links, FIFOs, nodes). */
int unpack_set_owner_at(struct unpack *u, const char *name, const struct tar_entry *t,
			struct err *e);
int unpack_flush_owners(struct unpack *u, struct err *e);

#endif
