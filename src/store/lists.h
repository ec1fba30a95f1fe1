/*
 * lists.h - manifest lists (indexes) that are being put together here: lists/<hex>, one file of JSON each.
 *
 * A list has a full name with a tag, of its own space: an image may have the same. Its members are images of this store or of registries, told by
 * descriptors, as the index will hold them. Nothing is kept for a list: whoever pushes it finds its images, or says which is gone.
 * The file name is the digest of the name; files are replaced, never edited. Who changes a list holds lists_lock().
 */
#ifndef STORE_LISTS_H
#define STORE_LISTS_H

#include "data/hash.h"
#include "oci/image_spec.h"
#include "oci/reference.h"
#include "state/home.h"

struct list_member {
	struct oci_descriptor d;
	const char *image; /* the id of the image here; NULL */
	const char *from;  /* the full name that it was added by, with a tag; NULL: by id */
};

struct manifest_list {
	const char *name;	  /* full, with a tag */
	struct bind_list members; /* struct list_member */
	struct pairs annotations;
};

/* A descriptor that holds the lock, or -errno. */
int lists_lock(const struct home *h, struct err *e);

/* Everything lives in the arena. -ENOENT (ERR_LIST_UNKNOWN) if there is none of that name. */
int list_read(const struct home *h, const struct reference *name, struct arena *a,
	      struct manifest_list *ret, struct err *e);
int list_write(const struct home *h, const struct manifest_list *l, struct err *e);
int list_remove(const struct home *h, const struct reference *name, struct err *e);

/* When it was changed last; 0: nobody knows. */
struct timespec list_changed(const struct home *h, const struct manifest_list *l);

/* The names of all lists, sorted. */
int lists_names(const struct home *h, struct strv *ret, struct err *e);

enum list_form { LIST_AS_MEMBERS, LIST_OCI, LIST_DOCKER };
/* The index as a registry gets it; *ret_type is its media type. As its members: docker's if all of them are and nothing has annotations. */
void list_index(const struct manifest_list *l, enum list_form form, struct arena *a,
		struct str *out, const char **ret_type);
/* The digest of its index as its members want it: what is printed as its id. ret: DIGEST_LEN + 1 bytes. */
int list_digest(const struct manifest_list *l, char *ret, struct err *e);

#endif
