/*
 * output.h - what the command line prints: results on standard output, words for people on standard error.
 *
 * Results go through struct out, which collects and writes in large pieces and keeps the first failure (full disk, closed
 * pipe) until the end, where main turns it into an exit code. Text that comes from images, names or labels is written with
 * out_escaped(), so that no terminal escape passes.
 */
#ifndef CLI_OUTPUT_H
#define CLI_OUTPUT_H

#include "base/base.h"

struct out {
	int fd;
	int failed; /* errno of the first failed write; everything after it is dropped */
	struct str buf;
};

void out_init(struct out *o, int fd);
void out_free(struct out *o); /* does not write */
void out_text(struct out *o, const char *s);
void out_bytes(struct out *o, const void *p, size_t n);
void out_escaped(struct out *o, const char *s); /* one line, harmless on a terminal */
void out_printf(struct out *o, const char *fmt, ...) printf_like(2, 3);
/* Writes what was collected. A closed pipe gives -EPIPE with exit code 141 and no message: nobody is there to read one. */
int out_flush(struct out *o, struct err *e);

/* "hoy: error: MSG (E-ID)" and "  hint: HINT", escaped, in one write; broken between words only on a terminal that is too narrow. Without a hint, it says where the id is explained. An error without message prints nothing. */
void output_error(const struct err *e);
void output_line(const char *kind, const char *text); /* "hoy: KIND: TEXT" */

/* Adds text in lines of at most width columns, each after indent blanks. Empty lines separate paragraphs; a line that starts with
 * a blank is kept as it is. */
void output_wrap(struct str *out, const char *text, size_t indent, size_t width);

/* Width of s on a terminal: code points, not bytes; combining marks and wide characters count as 0 and 2 (wcwidth's
 * tables need a locale, so the ranges of UAX 11 that matter are our own). */
size_t output_columns(const char *s);

#endif
