/*
 * names.h - names/<registry>/<repository>/:<tag>, links whose text is an image id ("@sha256:<hex>" for names by digest).
 *
 * Names are parts of a struct reference, whose grammar makes them safe as file names. Readers take no lock. Who writes holds
 * store_lock() (gc.h), because directories that have become empty are removed.
 */
#ifndef STORE_NAMES_H
#define STORE_NAMES_H

#include "oci/reference.h"
#include "state/tmp.h"

/* The id behind a full reference: its digest's link if it has a digest, else its tag's. ret holds DIGEST_LEN + 1 bytes. 0 or -ENOENT. */
int names_get(const struct home *h, const struct reference *r, char *ret);

/* Points the name at the id, by way of a link in the tmp directory that is renamed. */
int names_set(const struct home *h, const struct home_tmp *t, const struct reference *r,
	      const char *id, struct err *e);

/* Takes the name away; -ENOENT (e untouched) if there is none. */
int names_drop(const struct home *h, const struct reference *r, struct err *e);

/* Calls fn for each name in no order: repository is "docker.io/library/busybox", last is ":1.36" or "@sha256:...". What is no
 * link to a valid id is passed with id NULL. Stops at the first result that is not 0 and returns it. */
int names_each(const struct home *h,
	       int (*fn)(void *arg, const char *repository, const char *last, const char *id),
	       void *arg, struct err *e);

/* The registries that have names: for short names. */
int names_registries(const struct home *h, struct strv *ret);

#endif
