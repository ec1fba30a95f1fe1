/*
 * dockerfile_instr.h - from a logical line to one instruction: its word, flags, arguments and here-documents.
 */
#ifndef BUILD_DOCKERFILE_INSTR_H
#define BUILD_DOCKERFILE_INSTR_H

#include "build/dockerfile_lex.h"

/* Reads the here-documents of the line from r, too. ERR_DOCKERFILE. */
int df_instr_read(struct df_reader *r, struct df_line *l, struct df_instr *ret, struct err *e);

#endif
