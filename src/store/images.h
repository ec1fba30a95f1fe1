/*
 * images.h - the images of the store: finding, listing, naming, adding and removing them.
 *
 * An image is its config document; its id is that document's digest. images/<hex> is a link whose text is the manifest's digest,
 * names/<registry>/<repository>/:<tag> a link whose text is the id ("@<digest>" beside it for a name by digest), and perhaps a manifest of
 * its own (names.h). Both are made by
 * symlink(2) and rename(2), so readers take no lock: a name that exists leads to an image that is whole. Adding writes, in this
 * order: layers, config, manifest, image link, names; removing goes the other way. Writers hold the lock "images/.lock".
 *
 * image_find() is on the way of `hoy run`: for an exact name it is one readlink, one open and one parse.
 */
#ifndef STORE_IMAGES_H
#define STORE_IMAGES_H

#include "data/hash.h"
#include "oci/image_spec.h"
#include "oci/reference.h"
#include "state/home.h"

struct image {
	struct arena arena;
	const char *id;	   /* "sha256:<64 hex>" */
	const char *found; /* the full name it was found by; NULL if by id */
	const char
		*form; /* the manifest that this name has for itself (names.h); NULL: the image's */
	struct image_doc doc;
	struct timespec created; /* 0 if the image does not say */
	/* filled by image_more(): */
	const char *manifest_digest;
	const char *own_manifest; /* of the image itself, whatever the form */
	struct oci_manifest manifest;
	struct strs names; /* full names with tags, sorted */
	struct strs
		repo_digests; /* "name@sha256:...", of the manifest and of what it was pulled by */
	int64_t size;	      /* bytes of all layers unpacked, plus the config */
};
void image_free(struct image *im);

/* Finds an image by name (tag "latest" unless given), name@digest, manifest digest or id prefix. A short name is the local image of that name in
 * localhost/, then docker.io/, then any other registry if only one has it, then what it is an alias for (state/registries_conf.h). ERR_IMAGE_UNKNOWN with the nearest name as its hint,
 * ERR_IMAGE_AMBIGUOUS with the candidates. *ret is zeroed first; the caller calls image_free (scoped(image)). */
int image_find(const struct home *h, const char *text, struct image *ret, struct err *e);
/* The same without the built-in hello image; and only who it is, without reading it (works for damaged images too; *ret_name is NULL if
 * it was found by id). */
int image_lookup(const struct home *h, const char *text, struct image *ret, struct err *e);
int image_find_id(const struct home *h, const char *text, struct arena *a, const char **ret_id,
		  const char **ret_name, struct err *e);
/* The same by full id, without any search. */
int image_open(const struct home *h, const char *id, struct image *ret, struct err *e);
/* Fills the second half of struct image; the manifest is that of the form. */
int image_more(const struct home *h, struct image *im, struct err *e);

/* How many device nodes outside of /dev were left out when the image's layers were unpacked (unpack.h); 0 if nobody knows. */
uint64_t image_skipped_devices(const struct home *h, const char *id);

/* All images, the newest first, each with its names. A damaged image has broken set, and only id, manifest and names. */
struct image_entry {
	const char *id;
	const char *manifest_digest;
	struct strs names;	  /* full names with tags, sorted */
	struct strs repo_digests; /* "name@sha256:..." */
	struct pairs forms;	  /* names that have a manifest of their own, and which */
	struct strs manifests;	  /* these manifests */
	struct timespec created;  /* 0: not said */
	int64_t size;
	const char *os, *architecture;
	struct pairs labels;
	bool broken;
	bool list; /* no image: a manifest list that is put together here */
};
struct image_list {
	struct arena arena;
	struct image_entry *v;
	size_t n;
};
void image_list_free(struct image_list *l);
int images_list(const struct home *h, struct image_list *ret, struct err *e);
/* Full names with tags, sorted: for completion and hints. Reads names/ only. */
int images_names(const struct home *h, struct strv *ret, struct err *e);

/* What is to become an image: layers are in the store already. */
struct image_new {
	const char *config;
	size_t config_len;
	const char *manifest;
	size_t manifest_len;
	const char *config_digest, *manifest_digest; /* of these texts; verified by the caller */
	struct strs names; /* full names with a tag or a digest, may be empty */
	const struct digest *
		partial; /* blobs that become the image's now (partial.h): verified, locked by the caller */
	size_t npartial;
};
/* Writes config, manifest, link and names in that order, synced. An existing image just gets the names. If it has another manifest that other names
 * rely on, it keeps that, and the new names get theirs for themselves. */
int image_add(const struct home *h, const struct image_new *n, struct err *e);

/* An image of layers (struct oci_descriptor, the bottom one first) that are in the store: makes the manifest, OCI's or docker's, with annotations (NULL: none), and adds both. ret_id
 * gets the image's. */
int image_add_made(const struct home *h, const struct str *config, bool docker,
		   const struct pairs *annotations, const struct bind_list *layers,
		   const struct strs *names, char ret_id[static DIGEST_LEN + 1], struct err *e);

/* How a manifest says a layer as its plain tar, which the store can always make. */
struct oci_descriptor image_plain_layer(bool docker, const char *diffid, int64_t tar_size);
/* The same for the layers of an image (diffIDs) that another one is built upon: as its manifest has them, if that is of the wanted kind, else plain. im: image_more() was
 * called; NULL: there is no such image. Appended to *ret (struct oci_descriptor). */
int image_describe_layers(const struct home *h, const struct image *im, const struct strs *layers,
			  bool docker, struct arena *a, struct bind_list *ret, struct err *e);

/* An image of one layer that is stored plain: makes the manifest and adds both. The layer is in the store; ret_id gets the image's. */
int image_add_one(const struct home *h, const struct str *config, const char *diffid,
		  int64_t tar_size, const struct strs *names, char ret_id[static DIGEST_LEN + 1],
		  struct err *e);

/* Gives an image another name (moves it from the image that had it). name is full, with a tag. manifest: the form it leads to, which has to be in the store;
 * NULL: the image's. */
int image_tag(const struct home *h, const char *id, const char *manifest,
	      const struct reference *name, struct err *e);
/* Takes a name away; -ENOENT if there is none. The image stays. */
int image_untag(const struct home *h, const struct reference *name, struct err *e);

/* An image that is to go. */
struct image_leaving {
	const char *id;
	bool force;	/* although containers use it: they keep its layers */
	bool unnamed;	/* only if nobody has given it a name meanwhile */
	struct err why; /* .code is not 0: it stays, and why (ERR_IMAGE_IN_USE names a container) */
};
/* Removes images with all their names, then the layers and blobs that nothing else uses, under one lock. *ret_bytes is the room that
 * these took (room.h), to which it is added; deleting them may take longer than this call, and is finished by another command if it is
 * killed. Needs no space on the disk. Fails only if nothing could be done. */
int images_remove(const struct home *h, struct image_leaving *v, size_t n, int64_t *ret_bytes,
		  struct err *e);
/* The same for one. */
int image_remove(const struct home *h, const char *id, bool force, struct err *e);

/* The containers made from an image: their ids. */
int image_users(const struct home *h, const char *id, struct strv *ret, struct err *e);

#endif
