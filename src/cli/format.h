/*
 * format.h - how lists and objects are printed: tables, --format json, templates, and the shapes of docker.
 *
 * A list command fills two JSON arrays of the same length: `fields` are the display values (strings such as "3 minutes ago"),
 * under the names of docker and podman both, which tables and templates use; `objects` are the facts in their own
 * types, which --format json prints as one array. Called through a link named docker, --format json prints the fields as one
 * object per line instead.
 */
#ifndef CLI_FORMAT_H
#define CLI_FORMAT_H

#include "cli/command.h"
#include "data/json.h"

struct format_list {
	const char *columns;	    /* the table without --format: "{{.ID}}\t{{.Image}}" */
	const char *const *headers; /* field, headline, field, headline, ..., NULL */
	const char *json_fields;    /* fields of docker's JSON, separated by blanks; NULL: all */
};

/* Prints a list. format is the value of --format:
 *   NULL, "" or "table"    the default table
 *   "table TEMPLATE"       a table of these columns, separated by \t (or, if not called docker, by a blank)
 *   "json"                 objects as one array; fields as one object a line when called docker
 *   "{{json .}}"           the same, one object a line
 *   "{{range .}}..."       the template once, on the list of all fields
 *   TEMPLATE               the template once per item, each on a line
 * Cells of tables are escaped, templates without a table are not. heading false leaves the first line of a table out. objects may
 * be NULL if fields are the facts. sample is an item whose values do not matter, made by the function that makes the others: a template that
 * asks for a field that it does not have is refused, even when the list is empty. Nothing is printed on failure. */
int format_list(struct cli *c, const struct format_list *f, const char *format, bool heading,
		const struct json *sample, const struct json *fields, const struct json *objects,
		struct err *e);

/* Will format_list print objects (and not look at fields), given this --format? So only one of them needs to be made. */
bool format_wants_facts(const struct cli *c, const char *format);

/* Prints an inspected object or a list of them. format NULL, "" or "json": an indented array of all (one object if list is no array);
 * else the template once per object, each on a line. */
int format_objects(struct cli *c, const char *format, const struct json *list, struct err *e);

#endif
