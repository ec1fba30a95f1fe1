/*
 * template.h - Go templates over a JSON tree, as --format takes them.
 *
 * The whole language of Go's text/template: fields (.State.Status), variables, pipelines, parentheses, literals, if, range, with,
 * define, template, block, break, continue, comments and trimming; its functions (and or not, eq ne lt le gt ge, len index
 * slice, print printf println, html js urlquery call) and the eight that docker and podman add (json split join title lower upper
 * pad truncate). A template is parsed once into an arena and run on any number of values.
 *
 * A field that an object does not have is an error that names the nearest one. Only inside objects that are maps for docker and
 * podman (Labels, Networks ...) a missing key is "<no value>", as in Go. The template comes from the command line, the values may
 * come from anywhere: the result is not escaped, because it is data for programs. Work and memory of a run are bounded.
 *
 * A field with an argument, {{.Label "key"}}, gives the value of that key in the object Label, or in Labels; "" if there is none.
 *
 * References: https://pkg.go.dev/text/template, https://pkg.go.dev/fmt, docker/cli templates/templates.go.
 */
#ifndef DATA_TEMPLATE_H
#define DATA_TEMPLATE_H

#include "data/json.h"

struct template;

/* Parses text into the arena; NULL and *e filled (ERR_FORMAT, with line:column) if it is not a template. Outside of actions the two
 * characters \t and \n stand for tab and newline, since shells hand them over so. text may go away afterwards. */
struct template *template_parse(struct arena *a, const char *text, struct err *e);

/* Fails if the template asks the value itself for a field that the sample does not have, even where no value is there to run it on.
 * A sample that is an array (of one object) stands for a list of all, which {{range .}} goes over. Fields of other objects are only
 * known at run time. */
int template_check(const struct template *t, const struct json *sample, struct err *e);

/* Appends the expansion for one value. Results of functions live in the arena. On failure out holds what was made so far. */
int template_run(const struct template *t, const struct json *value, struct arena *a,
		 struct str *out, struct err *e);

/* The same, with every field replaced by its headline: the first line of a table. headers is a list of field,
 * headline, ..., NULL, or NULL; a field that is not in it gets its name in capitals (CreatedAt: CREATED AT). */
int template_headline(const struct template *t, const char *const *headers, struct arena *a,
		      struct str *out, struct err *e);

/* Appends a value as {{.}} prints it: texts as they are, lists as [a b], maps as map[k:v], nothing as <nil>. */
void template_print(struct str *out, const struct json *v);

#endif
