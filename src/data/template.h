/*
 * template.h - Go templates over a JSON tree, as --format takes them.
 *
 * Text with actions between {{ and }}: fields (.State.Status, $), pipelines (.Name | upper), literals, parentheses and the functions that
 * docker and podman have in common (json split join title lower upper pad truncate) with Go's len, index, print, println and
 * printf. A template is parsed once into an arena and run on any number of values. A field that the value does not have is
 * an error that names the nearest one. The template comes from the command line, the values may come from anywhere: the
 * result is not escaped, because it is data for programs.
 */
#ifndef DATA_TEMPLATE_H
#define DATA_TEMPLATE_H

#include "data/json.h"

struct template;

/* Parses text into the arena; NULL and *e filled (ERR_FORMAT, with the column) if it is not a template. The two characters \t and \n
 * stand for tab and newline, since shells hand them over so. */
struct template *template_parse(struct arena *a, const char *text, struct err *e);

/* Appends the expansion for one value. Results of functions live in the arena. */
int template_run(const struct template *t, const struct json *value, struct arena *a,
		 struct str *out, struct err *e);

/* The same, with every plain field replaced by its headline: the first line of a table. headers is a list of field,
 * headline, ..., NULL; a field that is not in it gets its name in capitals. */
int template_headline(const struct template *t, const char *const *headers, struct arena *a,
		      struct str *out, struct err *e);

/* Appends a value as a template prints it: texts as they are, lists as [a b], maps as map[k:v], nothing as <nil>. */
void template_print(struct str *out, const struct json *v);

#endif
