/*
 * auth_store.h - writing credentials to where auth.h finds them: `login` and `logout`.
 *
 * They go where this registry's are kept already: the first file of the order that has an entry for it or names a helper program
 * for it. Else to the file that was named, or to $XDG_CONFIG_HOME/containers/auth.json, which a reboot leaves alone (the file of
 * $XDG_RUNTIME_DIR if that exists, because it is read first).
 *
 * A file is replaced as a whole, with mode 0600, under a lock of its directory; what hoy does not know in it stays. A helper that fails is an
 * error: a password never goes into a file instead.
 */
#ifndef REGISTRY_AUTH_STORE_H
#define REGISTRY_AUTH_STORE_H

#include "registry/auth.h"

/* Where the credentials of a registry are, or would go. */
struct auth_place {
	const char *file;
	const char *helper; /* docker-credential-NAME, as the file says; NULL: in the file itself */
	bool docker;	    /* a file of docker's, with its keys */
};

struct auth_where {
	const char *authfile; /* --authfile; NULL or "": the environment, then the order */
	const char *compat;   /* --compat-auth-file: a file in docker's form; NULL or "" */
	bool docker;	      /* docker's own file is the usual one */
};

/* key: "docker.io", "localhost:5000/team". Errors: ERR_AUTH_FILE, ERR_USAGE. */
int auth_place_find(struct arena *a, const struct auth_where *w, const char *key,
		    struct auth_place *ret, struct err *e);

/* Errors: ERR_AUTH_FILE, ERR_AUTH_HELPER. */
int auth_store(const struct auth_place *p, const char *key, const struct credentials *c,
	       struct err *e);

/* Takes the credentials of key away from everywhere that auth.h looks (or from the one file that was named), all there are with key NULL:
 * those of docker's own file only if where->docker says so, then. ret gets a line for people for each place. */
int auth_erase(struct arena *a, const struct auth_where *w, const char *key, struct strs *ret,
	       struct err *e);

/* The document with the credentials put in or (c NULL) taken out; 1 instead of 0 if nothing of that name was in it. For tests, too. */
int auth_edit(struct arena *a, struct json *doc, bool docker, const char *key,
	      const struct credentials *c);

#endif
