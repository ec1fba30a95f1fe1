/*
 * names.h - names/<registry>/<repository>/:<tag>, links whose text is an image id ("@sha256:<hex>" for names by digest).
 *
 * An image may be had in several forms: one config, so one id, and manifests whose layers are packed differently (gzip, zstd). The link of the
 * image has one of them; a name that came with another has it behind the id: "sha256:<id> sha256:<manifest>". So what a name led to where it
 * was pulled from is what it leads to here, push and save send that, and a store without such images looks as it always did.
 *
 * Names are parts of a struct reference, whose grammar makes them safe as file names. Readers take no lock. Who writes holds
 * store_lock() (gc.h), because directories that have become empty are removed.
 */
#ifndef STORE_NAMES_H
#define STORE_NAMES_H

#include "oci/reference.h"
#include "state/tmp.h"

/* The id behind a full reference: its digest's link if it has a digest, else its tag's. ret and ret_manifest hold DIGEST_LEN + 1 bytes; the latter, which
 * may be NULL, gets the manifest that is the name's own, or "": the image's. 0 or -ENOENT. */
int names_get(const struct home *h, const struct reference *r, char *ret, char *ret_manifest);

/* Points the name at the id, by way of a link in the tmp directory that is renamed. manifest: the name's own, or NULL. */
int names_set(const struct home *h, const struct home_tmp *t, const struct reference *r,
	      const char *id, const char *manifest, struct err *e);

/* Takes the name away; -ENOENT (e untouched) if there is none. */
int names_drop(const struct home *h, const struct reference *r, struct err *e);

/* Calls fn for each name in no order: repository is "docker.io/library/busybox", last is ":1.36" or "@sha256:...". What is no
 * link to a valid id is passed with id NULL; manifest is the name's own, or NULL. Stops at the first result that is not 0 and returns it. */
int names_each(const struct home *h,
	       int (*fn)(void *arg, const char *repository, const char *last, const char *id,
			 const char *manifest),
	       void *arg, struct err *e);

/* The registries that have names: for short names. */
int names_registries(const struct home *h, struct strv *ret);

#endif
