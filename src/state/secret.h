/*
 * secret.h - secrets: small pieces of data that containers get as files or variables, and that no image, config or list holds.
 *
 * secrets/<name> (mode 0600) is one line of JSON, the record, and behind it the data as it is; it is replaced as a whole. A container gets a
 * copy when it is made (engine/secret_opts.h): what becomes of the secret later does not change it.
 */
#ifndef STATE_SECRET_H
#define STATE_SECRET_H

#include "data/bind.h"
#include "state/home.h"

enum { SECRET_NAME_MAX = 253, SECRET_DATA_MAX = 512000 }; /* as podman and docker have it */

struct secret {
	const char *id; /* 25 hexadecimal digits */
	const char *name;
	const char *created, *updated; /* RFC 3339 */
	const char *driver;	       /* "file" */
	struct pairs labels;
};

/* [a-zA-Z0-9][a-zA-Z0-9_.-]*, at most SECRET_NAME_MAX bytes; else ERR_NAME. */
int secret_check_name(const char *name, struct err *e);

/* Writes it; id and times are filled in. replace: one that is there is replaced, and keeps the time of its making. ERR_SECRET_EXISTS. */
int secret_write(const struct home *h, struct secret *s, const void *data, size_t n, bool replace,
		 struct arena *a, struct err *e);

/* By name, id, or a unique beginning of its id. data may be NULL. ERR_SECRET_UNKNOWN with the nearest name. */
int secret_find(const struct home *h, const char *text, struct secret *ret, struct str *data,
		struct arena *a, struct err *e);

/* All of them (struct secret), sorted by name. One that is damaged is left out and counted. */
int secrets_list(const struct home *h, struct bind_list *ret, size_t *ret_broken, struct arena *a,
		 struct err *e);
int secret_names(const struct home *h, struct strv *ret, struct err *e);

int secret_remove(const struct home *h, const struct secret *s, struct err *e);

#endif
