/*
 * recipe.h - what is needed besides an unpacked layer to make its tar again, byte for byte: layers/<x>/recipe.
 *
 * A tar is headers, padding and the contents of files. The contents lie in diff/ already; the recipe is everything else, with a
 * reference to a file wherever content stood. It is written while the layer is unpacked and compressed (zstd, else gzip), about a
 * hundredth of the layer. Files that a later entry of the same layer replaced are kept in layers/<x>/replaced/<number>.
 *
 * The text, inside of the compression: "hoy-recipe 1\n", then pieces. Numbers are base 128, low digits first, top bit "more":
 *   L n bytes          n bytes as they stood in the tar
 *   F n path           what follows is content of diff/path (n bytes, cleaned, no link in its directories)
 *   D n                the next n bytes of that file, from where the last piece ended (0 after F)
 *   S n                n bytes of it are left out first (holes of sparse entries)
 *   M k n path         what was at path until now lies in replaced/k from now on
 *   E n                the end; the tar had n bytes
 *
 * The reader takes the text for hostile: a bad one is ERR_LAYER_REBUILD, never a path that leaves the layer.
 */
#ifndef STORE_RECIPE_H
#define STORE_RECIPE_H

#include "data/deflate.h"

enum { RECIPE_PATH = 4096, RECIPE_MOVES = 65536, RECIPE_MOVES_BYTES = 8 << 20 };

/* Writing. All of it belongs to one stream, which is given in pieces. */
struct recipe_writer;
int recipe_new(struct recipe_writer **ret, int dir, struct err *e); /* makes dir/recipe */
void recipe_free(struct recipe_writer *w);			    /* NULL is fine */
/* The next piece of the tar. Until recipe_piece_end() its parts are told in order by the calls below; what is not told is kept as it is. */
void recipe_piece(struct recipe_writer *w, const void *p, size_t n);
int recipe_piece_end(struct recipe_writer *w, struct err *e);
/* Content told from now on is that of dir/name (dir "": the root). */
void recipe_file(struct recipe_writer *w, const char *dir, const char *name);
/* n bytes at p, which lie in the piece, are in the file at offset. Offsets of a file only grow. */
int recipe_content(struct recipe_writer *w, uint64_t offset, const void *p, size_t n,
		   struct err *e);
/* dir/name is about to be replaced: the number under which it has to be kept, or -ENOSPC if there were too many (there will be no
 * recipe then). */
int recipe_move(struct recipe_writer *w, const char *dir, const char *name);
/* The stream is complete: writes the rest. Removes the recipe again if it could not be kept. */
int recipe_end(struct recipe_writer *w, struct err *e);

/* Reading. */
enum recipe_kind { RECIPE_BYTES, RECIPE_CONTENT, RECIPE_MOVED, RECIPE_END };
struct recipe_op {
	enum recipe_kind kind;
	const char *path;     /* CONTENT, MOVED; valid until the next call */
	uint64_t offset, len; /* CONTENT; BYTES: len */
	const void *bytes;    /* BYTES */
	uint64_t number; /* MOVED: where it is kept; CONTENT: which file it is, counted from 0 */
	uint64_t files;	 /* MOVED: how many files were named before */
};
struct recipe_reader;
/* src gives the compressed text and must live as long. what names it in messages. */
int recipe_open(struct recipe_reader **ret, const struct source *src, const char *what,
		struct err *e);
void recipe_close(struct recipe_reader *r); /* NULL is fine */
/* ERR_LAYER_REBUILD, or what the decoder says. After RECIPE_END nothing more may be asked. */
int recipe_next(struct recipe_reader *r, struct recipe_op *ret, struct err *e);

#endif
