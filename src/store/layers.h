/*
 * layers.h - extracted layers: layers/<diffID hex>.<form>/{diff,meta}, made once and shared by all images.
 *
 * A layer is unpacked below tmp/, verified (blob digest and size, diffID), and renamed into place, so that an existing name
 * is a whole layer. Two processes that want the same layer: one unpacks, the other waits (an OFD lock on one byte of layers/.lock
 * chosen by the diffID; the kernel drops it with its process, nothing can be left over).
 * Durability: layers_sync() makes everything added so far survive a power cut; until then a layer carries the boot id it was
 * made under and is not believed after another boot. Call it once per image, before the image is linked.
 *
 * layer_add() and layer_remove() touch files of other ids: call them inside U0 (u0_run). Reading needs no U0 and no lock.
 */
#ifndef STORE_LAYERS_H
#define STORE_LAYERS_H

#include "data/hash.h"
#include "data/inflate.h"
#include "state/home.h"
#include "state/u0.h"
#include "store/unpack.h"

/* Shared with the caller's progress display (mmap MAP_SHARED); may be NULL. */
struct layer_progress {
	uint64_t taken;	  /* bytes of the blob read so far */
	uint64_t written; /* bytes of the tar stream so far */
	bool waiting;	  /* another process is at it */
};

struct layer_job {
	struct source source; /* the blob: compressed or plain */
	const char *what;     /* for messages: "layer sha256:0123..." */
	struct digest blob;   /* expected; all zero: not known */
	int64_t blob_size;    /* expected; -1: not known */
	struct digest
		diffid; /* expected; all zero: not known (then two adders do not wait for each other) */
	bool check;	/* read the source and compare it even if the layer is there */
	bool keep_blob; /* write the bytes to blobs/sha256/<hex> while they pass */
	bool partial; /* they come from blobs/partial/<hex> (partial.h), which is read and checked in any case, and removed if it is wrong */
	struct unpack_limits limits;
	struct layer_progress *progress;
};

/* No pointers: may lie in memory shared with the caller of u0_run. */
struct layer_info {
	struct digest diffid,
		blob; /* blob all zero if the layer existed and nothing had to be read */
	uint64_t blob_size, tar_size;
	enum inflate_kind kind;
	bool existed; /* the layer was there */
	struct unpack_stats stats;
};

/* Adds a layer from job->source. What exists already is not unpacked again; the source is then read only if the blob is wanted
 * or has not been seen to give this diffID. Errors: ERR_ARCHIVE (broken input), ERR_DIGEST_MISMATCH, ERR_LAYER, ERR_LAYER_TOO_BIG,
 * ERR_ID_RANGE, ERR_DISK_FULL. On error nothing is left behind. */
int layer_add(const struct home *h, const struct u0_map *map, const struct layer_job *job,
	      struct layer_info *ret, struct err *e);

/* One syncfs; then everything added before is trusted after a power cut too. */
int layers_sync(const struct home *h, struct err *e);

/* The directory to mount (O_PATH; "../opaque" exists beside it if the layer hides all layers below, which the mount then leaves
 * out: overlayfs looks at no opaque mark on the root of a layer) or a negative errno; -ENOENT with ERR_LAYER_MISSING if it is not there in this form. */
int layer_open(const struct home *h, const struct digest *diffid, enum u0_form form, struct err *e);
bool layer_exists(const struct home *h, const struct digest *diffid, enum u0_form form);
/* The same of any form, by its name: one of u0_form_name(), or of a form for an id map (layer_map.h). */
int layer_open_as(const struct home *h, const struct digest *diffid, const char *form,
		  struct err *e);
bool layer_exists_as(const struct home *h, const struct digest *diffid, const char *form);
/* "layers/<hex>.<form>" relative to the store. */
char *layer_path(const struct digest *diffid, enum u0_form form, char *buf, size_t size);

/* Does layer i of the n layers (the bottom one first) lie higher up too? An overlay refuses a directory twice, and the upper one hides
 * the lower wholly. */
bool layer_lies_above(const struct strs *layers, size_t n, size_t i);

/* Calls fn for each layer of any form but those for id maps; stops at the first non-zero result and returns it. */
int layer_list(const struct home *h,
	       int (*fn)(void *arg, const struct digest *diffid, enum u0_form form), void *arg,
	       struct err *e);

/* A descriptor that holds the lock of this diffID, and of what is made of it in this form, until it is closed. waiting: set while another
 * has it; may be NULL. */
int layer_lock(const struct home *h, const struct digest *diffid, enum u0_form form, bool *waiting,
	       struct err *e);

/* tmp/<name>/layer becomes layers/<diffid>.<form>; one that is not believed makes room. *ret_existed: a whole one was there already. */
int layer_place(const struct home *h, int tmp, const struct digest *diffid, const char *form,
		bool *ret_existed, struct err *e);

/* Renames it away, then deletes; missing is fine. Inside U0. The caller makes sure that no image or container uses it. */
int layer_remove(const struct home *h, const struct digest *diffid, enum u0_form form,
		 struct err *e);

/* What is remembered of a layer; strings live in the arena. */
struct layer_meta {
	int64_t version; /* 1 */
	int64_t entries, size, tar_size;
	bool opaque_root;  /* the mount leaves out the layers below this one */
	struct strs blobs; /* "sha256:<hex>" of blobs that were seen to give this diffID */
	int64_t skipped_devices;
	int64_t max_id; /* of an owner, as in unpack.h; 0 in layers of earlier releases too */
};
int layer_meta_read(const struct home *h, const struct digest *diffid, enum u0_form form,
		    struct arena *a, struct layer_meta *ret, struct err *e);

/* The same by the name of its directory below layers/. */
int layer_meta_named(const struct home *h, const char *name, struct arena *a,
		     struct layer_meta *ret, struct err *e);
int layer_meta_write(int dir, const struct layer_meta *m);

/* The same from whatever form there is. */
int layer_meta_any(const struct home *h, const struct digest *diffid, struct arena *a,
		   struct layer_meta *ret, struct err *e);

/* True if blobs/sha256/<hex> is there with that size (-1: any). */
bool layer_blob_exists(const struct home *h, const struct digest *blob, int64_t size);

#endif
