/*
 * certs.h - certificates for HTTPS: the system's CAs, those that the user added for a registry, and the user's own.
 */
#ifndef REGISTRY_CERTS_H
#define REGISTRY_CERTS_H

#include "base/base.h"

struct certs {
	const char
		*file;	 /* the bundle to use: SSL_CERT_FILE, CURL_CA_BUNDLE; NULL: libcurl's own */
	const char *dir; /* SSL_CERT_DIR; NULL: libcurl's own */
	struct str
		bundle; /* with a certificate directory: all CAs in one text, instead of file; else empty */
	char *cert, *key; /* paths of the user's own; NULL */
};

/* built_in: the bundle that libcurl was built with; NULL if it has none. cert_dir may be NULL. */
int certs_find(struct certs *c, const char *cert_dir, const char *built_in, struct err *e);
void certs_free(struct certs *c);

/* The certificate directory of HOST[:PORT]: the first of ~/.config/containers/certs.d, /etc/containers/certs.d, ~/.config/docker/certs.d
 * and /etc/docker/certs.d that has one of that name; NULL if none has. In the arena. */
const char *certs_dir(struct arena *a, const char *registry);

#endif
