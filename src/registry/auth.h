/*
 * auth.h - where credentials for registries are kept, and reading them. They are found for one repository at a time and only read
 * here; auth_store.h writes them.
 *
 * The order, as podman has it: --creds; the file of --authfile or $REGISTRY_AUTH_FILE alone; else $XDG_RUNTIME_DIR/containers/auth.json
 * (/run/containers/UID/auth.json without it), $XDG_CONFIG_HOME/containers/auth.json, $DOCKER_CONFIG/config.json (~/.docker). In each file the helper
 * program of credHelpers comes first, then "auths" (the most specific of HOST/NAMESPACE/REPOSITORY ... HOST wins), then credsStore.
 *
 * A file that cannot be read, or a helper that fails, is an error: nobody else's credentials are tried then, and nobody is asked
 * without any. Only "not found" goes on. Passwords go to helpers and registries, never into messages, logs or command lines.
 */
#ifndef REGISTRY_AUTH_H
#define REGISTRY_AUTH_H

#include "base/base.h"

struct json;

struct credentials {
	const char *user; /* NULL: none were found */
	const char *password;
	const char *
		identity; /* an identity token (OAuth 2 refresh token) instead of a password; NULL */
	const char *from; /* for messages: a file, a helper, "--creds" */
};

struct auth_opts {
	const char *authfile; /* --authfile; NULL or "": the order above */
	const char *creds;    /* --creds USER:PASSWORD; NULL */
};

/* registry: "docker.io", "localhost:5000"; repository: "library/busybox". 0 with ret->user NULL where nobody knows any.
 * Errors: ERR_AUTH_FILE, ERR_AUTH_HELPER, ERR_USAGE. */
int auth_find(struct arena *a, const struct auth_opts *o, const char *registry,
	      const char *repository, struct credentials *ret, struct err *e);

/* A file that was named must be there: ERR_AUTH_FILE otherwise. Looks only. */
int auth_check(const struct auth_opts *o, struct err *e);

/* What one document says: credentials, or *ret_helper, the name of a helper program to be asked ("pass": docker-credential-pass), or
 * neither. what names it in errors. */
int auth_document(struct arena *a, const char *text, size_t len, const char *what,
		  const char *registry, const char *repository, struct credentials *ret,
		  const char **ret_helper, struct err *e);

/* ---- for auth_store.c, too */

enum { AUTH_MAX_FILE = 1 << 20 };
/* docker keeps docker.io under the URL of its first index, in files and in helpers. */
#define AUTH_HUB_URL "https://index.docker.io/v1/"

/* The usual files in their order, as paths; NULL where there is no home. */
enum { AUTH_RUN, AUTH_CONFIG, AUTH_DOCKER, AUTH_FILES };
void auth_files(struct arena *a, const char *v[AUTH_FILES]);
/* The file that was named instead of them, by --authfile or the environment; NULL if none was. */
const char *auth_named_file(const struct auth_opts *o);
/* The document of a file: an object, else ERR_AUTH_FILE. */
int auth_json(struct arena *a, const char *text, size_t len, const char *what, struct json **ret,
	      struct err *e);
/* The registry under which a key of "auths" stands, without what docker's older forms have around it ("https://index.docker.io/v1/"). */
const char *auth_key(struct arena *a, const char *key);
int auth_bad_file(struct err *e, const char *what, const char *fmt, ...) printf_like(3, 4);

/* Asks docker-credential-NAME of PATH for a server; ret->user is NULL if it knows none. At most 30 s and 64 KiB. */
int auth_helper_get(struct arena *a, const char *name, const char *server, struct credentials *ret,
		    struct err *e);
/* The same for a registry: docker.io has two names. */
int auth_helper_find(struct arena *a, const char *name, const char *registry,
		     struct credentials *ret, struct err *e);
/* Gives credentials to it, and takes them away; 1 instead of 0: it knew none. */
int auth_helper_store(const char *name, const char *server, const struct credentials *c,
		      struct err *e);
int auth_helper_erase(const char *name, const char *server, struct err *e);
/* The servers that it knows. */
int auth_helper_list(struct arena *a, const char *name, struct strs *ret, struct err *e);

/* Another bound than 30 s, for tests. */
void auth_helper_patience(int ms);

#endif
