/*
 * challenge.h - what a registry asks for: the WWW-Authenticate header.
 *
 * Sources: RFC 9110 section 11 (challenges), RFC 7617 (Basic), RFC 6750 (Bearer), the distribution project's token authentication. The text
 * is foreign: quoted strings with escapes, several challenges in one line, unknown schemes and parameters are read over; anything
 * that is no such list is refused. Parameters with control bytes never get out of here.
 */
#ifndef REGISTRY_CHALLENGE_H
#define REGISTRY_CHALLENGE_H

#include "base/base.h"

enum challenge_kind { CHALLENGE_NONE, CHALLENGE_BASIC, CHALLENGE_BEARER };

struct challenge {
	enum challenge_kind kind; /* Bearer wins where both are offered; NONE: neither is */
	const char *realm;	  /* Bearer: the URL that gives tokens; never NULL then */
	const char *service;	  /* NULL if absent */
};

/* text: all headers of that name, joined with commas. Returns 0, or -EINVAL with ERR_REGISTRY_ANSWER. Strings live in the arena. */
int challenge_parse(struct arena *a, const char *text, struct challenge *ret, struct err *e);

#endif
