/*
 * template_func.h - the functions that templates know, and how values are printed. For template.c alone.
 *
 * The set is what docker and podman share (json split join title lower upper pad truncate) and Go's own len, index, print, println
 * and printf. A function takes and gives JSON values and keeps nothing; what it makes lives in the arena.
 */
#ifndef DATA_TEMPLATE_FUNC_H
#define DATA_TEMPLATE_FUNC_H

#include "data/template.h"

bool template_func_known(const char *name);
const char *template_func_names(void); /* separated by blanks */

/* Calls a function that is known. ERR_FORMAT if the number or the types of the arguments are wrong. */
int template_func(const char *name, const struct json **args, size_t n, struct arena *a,
		  const struct json **ret, struct err *e);

#endif
