/*
 * base64.h - bytes as base64 text and back (RFC 4648 section 4).
 */
#ifndef DATA_BASE64_H
#define DATA_BASE64_H

#include "base/base.h"

void base64_add(struct str *out, const void *p, size_t n); /* with the "=" that belong to it */

/* In place, with or without the final "="; the new length, or -1 if s is no base64. Adds no NUL. */
ssize_t base64_decode(char *s, size_t n);

#endif
