/*
 * dockerfile_lex.h - from the bytes of a Dockerfile to its logical lines: an instruction each, with the place of every byte.
 *
 * Directives are read here, since they stand before everything else and one of them changes how lines end. Comments and empty lines go, continuation lines are
 * joined. The bytes stay where they are; a logical line is a copy that says from where.
 */
#ifndef BUILD_DOCKERFILE_LEX_H
#define BUILD_DOCKERFILE_LEX_H

#include "build/dockerfile.h"

struct df_reader {
	struct dockerfile *d; /* gets the directives */
	struct arena *a;
	const char *at, *end;
	int line;	/* the last one that was read; 0 at first */
	bool past_head; /* no directive can follow */
	size_t comment,
		comment_len; /* the last comment, where it begins in the text; no length: none */
};

/* A part of a logical line that stood in one line of the file. */
struct df_piece {
	size_t at;	   /* where it begins in the logical line */
	const char *begin; /* its line of the file */
	size_t skipped;	   /* bytes of that before it */
	int line;
};

struct df_line {
	struct str text; /* without blanks at both ends */
	struct df_piece *pieces;
	size_t n_pieces, cap;
	int line, last_line;
	bool gap;	     /* an empty line within */
	const char *comment; /* in the arena; NULL: none */
};
void df_line_free(struct df_line *l);

/* The next instruction: 1, 0 at the end. ERR_DOCKERFILE. */
int df_read(struct df_reader *r, struct df_line *ret, struct err *e);

/* The next line of the file as it stands, with its newline; false at the end. */
bool df_read_raw(struct df_reader *r, const char **ret, size_t *ret_len);

/* Where a byte of a logical line stood; columns count characters from 1. */
void df_place(const struct df_line *l, size_t at, int *ret_line, int *ret_column);

/* The next word at *at (blanks before it are skipped) up to a blank outside of quotes: its length, 0: there is none. *at is where it begins. */
size_t df_word(const char *s, size_t len, char escape, size_t *at);

bool df_is_blank(char c); /* what stands between words: not a newline */

#endif
