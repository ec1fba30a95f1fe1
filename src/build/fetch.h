/*
 * fetch.h - a file from the web: ADD of a URL, contexts that are one. In a child, since libcurl may start threads; http.h has the rules (certificates, redirects, only HTTP).
 */
#ifndef BUILD_FETCH_H
#define BUILD_FETCH_H

#include "data/hash.h"

/* "http://" or "https://", in whatever case. */
bool fetch_is_url(const char *text);

/* The content into fd, an empty file; *ret is its digest. want: what it must be; not known: anything. ERR_CONTEXT_FETCH, ERR_DIGEST_MISMATCH. */
int fetch_url(const char *url, int fd, const struct digest *want, struct digest *ret,
	      struct err *e);

/* The last part of the URL's path, unescaped; "__unnamed__" where there is none or it is no name. The caller frees it. */
char *fetch_name(const char *url);

/* n bytes with %XX replaced; NULL where a "%" has no two digits behind it, or for %00. Lives in the arena. */
char *fetch_unescape(struct arena *a, const char *s, size_t n);

#endif
