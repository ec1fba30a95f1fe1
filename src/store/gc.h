/*
 * gc.h - who may change the store, and what becomes of that which nothing needs any more.
 *
 * Names, image links and the removal of layers are guarded by one short exclusive lock, images/.lock. Adding an image takes long
 * (layers are unpacked first, linked last), so an adder does not hold that lock but a flocked mark images/.add-<hex>: while
 * one lives, nothing is collected, and one whose owner died says that layers may lie about that no image has. Collecting marks what
 * images and containers use and renames the rest away to tmp/, under the lock; deleting comes after it.
 */
#ifndef STORE_GC_H
#define STORE_GC_H

#include "state/tmp.h"

/* Takes the lock, waiting for it: a descriptor to close, or -errno. */
int store_lock(const struct home *h, struct err *e);

struct store_adding {
	char name[40]; /* "images/.add-<hex>" */
	int fd;
};
/* Says that layers are being added that no image has yet. Ends with the process, or with store_adding_end(). */
int store_adding_begin(const struct home *h, struct store_adding *ret, struct err *e);
void store_adding_end(const struct home *h, struct store_adding *a);
/* The adding failed: the mark stays without an owner, so that the next store_sweep() collects what was added for no image. */
void store_adding_failed(struct store_adding *a);
/* Leaves a mark that has no owner: the next store_sweep() will collect. */
void store_collect_later(const struct home *h);

/* What was taken out of the store and only has to be deleted: one directory below tmp/, locked as long as it is open. */
struct store_trash {
	struct home_tmp t;
	int64_t bytes; /* the room it took (room.h) */
};
#define STORE_TRASH_NONE ((struct store_trash){.t = {.fd = -1}})

/* With the lock held: moves all layers and blobs that no image, container or record of the build cache uses into the trash. Returns how many; -EBUSY if an
 * adder lives (then a mark is left). A broken image stops it: nothing is removed on a guess. Works on a full disk. */
int store_collect_locked(const struct home *h, struct store_trash *trash, struct err *e);

/* Deletes what was moved away, and other garbage below tmp/. It is done in a process of its own, which is waited for wait_ms milliseconds
 * and then left to itself (deleting a large image takes long); negative: until it is done, without a process. */
void store_trash_empty(const struct home *h, struct store_trash *trash, int wait_ms);

/* What every command that writes images does first: collects after an adder that died, and removes garbage below tmp/ and old pieces of blobs
 * (partial.h). Two readdir calls when there is nothing to do. Never fails. */
void store_sweep(const struct home *h);

/* What is in use, for collecting and checking: digests, sorted. */
struct store_used {
	struct strv layers; /* hex of diffIDs */
	struct strv blobs;  /* hex */
};
void store_used_free(struct store_used *u);
/* Calls bad (may be NULL: then the first fault ends it with its error) for images whose documents cannot be read. */
int store_used_find(const struct home *h, struct store_used *ret,
		    void (*bad)(void *arg, const char *id, const struct err *why), void *arg,
		    struct err *e);
/* The same without what only the build cache keeps; a damaged image is an error. */
int store_used_by_images(const struct home *h, struct store_used *ret, struct err *e);
bool store_used_has(const struct strv *sorted, const char *hex);

/* The room (room.h) of what only these images (ids) and containers need, and of what nothing needs: what would become free without
 * them. The build cache keeps what it has. 0 where nothing would be collected, because an image is damaged. */
int64_t store_room_without(const struct home *h, const struct strv *images,
			   const struct strs *containers);

#endif
