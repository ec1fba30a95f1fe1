/*
 * certs.h - certificates for HTTPS: the system's CAs, those that the user added for a registry, and the user's own.
 */
#ifndef REGISTRY_CERTS_H
#define REGISTRY_CERTS_H

#include "base/base.h"

struct certs {
	char *file; /* the bundle of CAs: SSL_CERT_FILE, CURL_CA_BUNDLE, or all in one with those of the directory; NULL: libcurl's own */
	const char *dir; /* SSL_CERT_DIR; NULL: libcurl's own */
	char *hashed; /* instead of all CAs: a directory where OpenSSL finds them by name; NULL */
	int fd;	      /* of a bundle that was made here, in memory; -1 */
	char *cert, *key; /* paths of the user's own; NULL */
};

/* built_in: the bundle that libcurl was built with; NULL if it has none. cert_dir may be NULL. by_hash: libcurl's TLS library looks CAs up
 * in a directory, as OpenSSL does. */
int certs_find(struct certs *c, const char *cert_dir, const char *built_in, bool by_hash,
	       struct err *e);
void certs_free(struct certs *c);

/* The certificate directory of HOST[:PORT]: the first of ~/.config/containers/certs.d, /etc/containers/certs.d, ~/.config/docker/certs.d
 * and /etc/docker/certs.d that has one of that name; NULL if none has. In the arena. */
const char *certs_dir(struct arena *a, const char *registry);

#endif
