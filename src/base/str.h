/*
 * str.h - the one string builder, and small questions about strings.
 *
 * A zero-initialised struct str is the empty string; .s is NULL until something was added, str_cstr() is never NULL.
 * It may hold NUL bytes; a NUL always follows the last byte.
 */
#ifndef BASE_STR_H
#define BASE_STR_H

struct str {
	char *s;
	size_t len, cap;
};

void str_free(struct str *b);
void str_reset(struct str *b); /* empty, keeps the memory */
void str_reserve(struct str *b, size_t more);
void str_add(struct str *b, const char *s);
void str_addn(struct str *b, const void *p, size_t n);
void str_addc(struct str *b, char c);
void str_addf(struct str *b, const char *fmt, ...) printf_like(2, 3);
const char *str_cstr(const struct str *b);
char *str_steal(struct str *b); /* the caller frees it; the builder is empty afterwards */

/* Adds s with control bytes, DEL, C1 codes, invalid UTF-8 and bidi overrides written as \xNN or \u{NNNN}, so that no text
 * from outside reaches a terminal as an escape. Newlines and tabs are escaped too (\n, \t). */
void str_add_escaped(struct str *b, const char *s, size_t n);

/* Length of the UTF-8 sequence at s (n >= 1 bytes are there) and its code point; 0 if it is not valid. RFC 3629. */
size_t str_utf8_next(const char *s, size_t n, uint32_t *ret);

/* Width of n bytes on a terminal: combining marks count as 0, wide characters as 2. wcwidth(3) needs a locale, so the ranges of
 * Unicode annex 11 that matter are our own. */
size_t str_columns(const char *s, size_t n);

/* Adds a code point in UTF-8 (RFC 3629); U+FFFD for what is none. */
void str_add_utf8(struct str *b, uint32_t c);

bool str_starts(const char *s, const char *prefix);
bool str_ends(const char *s, const char *suffix);
bool str_eq(const char *a, const char *b); /* NULL equals only NULL */
bool str_is_empty(const char *s);	   /* NULL or "" */

/* Edit distance (insert, delete, replace, swap of neighbours), for "did you mean". */
size_t str_distance(const char *a, const char *b);

/* The distance from which on a name is no likely misspelling of what was typed: a suggestion that is wrong misleads. */
size_t str_too_far(const char *typed);

#endif
