/*
 * copy_impl.h - what the files of COPY and ADD share: copy.c (resolving, the digest), copy_find.c (which files a
 * word means), copy_walk.c (all below one), copy_do.c (putting them there), copy_place.c (where).
 *
 * A plan is a list of items, one for each thing that a source comes to (a file, a directory, a text, an archive), and the files of all items in one array, in the order of a
 * walk: a directory, then what is in it, names by their bytes. Paths are what they are after links were followed, relative to the item's root, so that who opens
 * them later follows none.
 */
#ifndef BUILD_COPY_IMPL_H
#define BUILD_COPY_IMPL_H

#include "build/copy.h"
#include "build/git.h"
#include "build/stat_cache.h"

enum { COPY_MAX_DEPTH = 400, COPY_MAX_ENTRIES = 4000000, COPY_MAX_LINKS = 40 };

struct copy_entry {
	const char *path; /* "" is the root itself */
	const char *text; /* of a symbolic link */
	uint64_t dev, ino;
	int64_t size;
	struct timespec mtime, ctime;
	uint32_t mode, uid, gid;
	uint32_t same; /* 1 + the entry that it is another name of; 0: none */
	uint8_t sha[STAT_SHA];
	bool weak;   /* a directory on the way (--parents): left alone where it exists */
	bool hashed; /* sha is known */
	bool racy;   /* it may change without its times showing it */
	bool xattrs; /* there are such, or it is not known */
};

enum copy_kind { COPY_FILES, COPY_TEXT, COPY_FETCH, COPY_GIT };

struct copy_item {
	enum copy_kind kind;
	const char *name; /* under which it goes into a directory */
	const char *word; /* the source as it was given */
	bool dir;	  /* what is in it is copied */
	int root;	  /* entries are relative to this; not owned */
	size_t strip;	  /* bytes of each path that do not go along */
	size_t first, n;  /* entries */
	int unpack;	  /* 1: it must be an archive; -1: if it is one; 0: it stays as it is */
	const struct copy_heredoc *text;
	/* fetched: */
	int fd;		      /* the file, without a name; -1: not yet */
	struct digest digest; /* of its content; not known: any */
	struct git_ref *git;
	struct home_tmp tmp;
	struct copy_plan *below; /* COPY_GIT: what was checked out; NULL: not yet */
};

struct copy_plan {
	struct copy_item *items;
	size_t nitems;
	struct copy_entry *v;
	size_t n, cap;
	struct arena arena; /* paths */
};

/* Where files are looked for. */
struct copy_find {
	const struct copy_job *job;
	struct copy_plan *plan;
	int root;
	const struct ignore *ignore, *exclude; /* NULL: nothing is left out */
	const char *ignore_name;
	struct stat_cache *cache; /* NULL: none */
	bool context;		  /* FIFOs and devices are refused, digests are made */
	struct timespec now;
	struct copy_known *known[256]; /* files of the present item with several names */
};

/* copy_find.c: adds the items of one source word. ERR_COPY_SOURCE. */
int copy_find(struct copy_find *f, const char *word, struct err *e);
struct copy_item *copy_add_item(struct copy_plan *p);

/* copy_walk.c */
/* Is it left out by the ignore file? */
bool copy_ignored(const struct copy_find *f, const char *path, bool dir);
/* Begins an item: files met before are forgotten. */
void copy_walk_begin(struct copy_find *f);
/* One entry, without what is below it: name in dir, whose path in the root this is. st is what it is now. 0, 1 if it is none (a socket of an image). */
int copy_walk_add(struct copy_find *f, int dir, const char *name, const char *path,
		  const struct stat *st, struct err *e);
/* All below the directory path, which is open. Files that are left out by f->ignore or, by path + strip, by f->exclude are not there. */
int copy_walk(struct copy_find *f, int fd, const char *path, size_t strip, unsigned depth,
	      struct err *e);

struct copy_names {
	char *block;
	const char **v;
	size_t n;
};
/* The names in a directory (open for reading), sorted by their bytes. 0 or -errno. */
int copy_names_read(int fd, struct copy_names *ret);
void copy_names_free(struct copy_names *n);

/* The digest of a file's content and of the extended attributes that are copied. 0 or -errno. */
int copy_sha(int fd, uint8_t ret[static STAT_SHA], bool *ret_xattrs);
/* Is this extended attribute copied? */
bool copy_wants_xattr(const char *name);

/* copy_place.c: directories of the image. */
struct copy_owner {
	bool set; /* false: 0:0, or the source's */
	uint32_t uid, gid;
};
struct copy_place {
	int root;
	enum u0_form form;
	struct timespec time;
	struct copy_owner owner; /* of directories that are made */
};
/* Opens a directory of the image, following links inside of it; what is missing is made. */
int copy_place_dir(const struct copy_place *p, const char *path, struct err *e);
/* path with every link in it followed, also the last one; parts that are not there stay as they are. Absolute. The caller frees it. */
int copy_place_resolve(int root, const char *path, char **ret, struct err *e);
/* Owner and mode of a file (open) in the form on disk; dir: it is a directory. sgid: the directory around it hands its group on. */
int copy_place_attr(const struct copy_place *p, int fd, bool dir, bool sgid, uint32_t uid,
		    uint32_t gid, uint32_t mode);

#endif
