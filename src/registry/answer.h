/*
 * answer.h - what a registry says when it says no: the short reason in the body of an error.
 *
 * Bodies are foreign: JSON of the distribution specification ({"errors": [{"code", "message"}]}), of OAuth 2 ({"error",
 * "error_description"}), of docker's token server ({"details"}), or anything else, which is not shown.
 */
#ifndef REGISTRY_ANSWER_H
#define REGISTRY_ANSWER_H

#include "base/base.h"

enum { ANSWER_REASON = 240 };

/* Writes the reason into buf, "" if there is none. It may hold any bytes but NUL: whoever prints escapes. Returns buf. */
const char *answer_reason(const char *body, size_t n, char buf[static ANSWER_REASON]);

/* True if the body is a page for people: somebody else answered than a registry. */
bool answer_is_html(const char *type, const char *body, size_t n);

#endif
