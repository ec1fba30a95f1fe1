/*
 * help.h - the pieces of text that --help and the man pages have in common, so that they cannot differ.
 */
#ifndef CLI_HELP_H
#define CLI_HELP_H

#include "cli/command.h"

/* "hoy run [FLAGS] IMAGE [COMMAND [ARG...]]" */
void help_synopsis(struct str *out, const struct command *cmd);

/* "-e, --env KEY=VALUE" */
void help_spelling(struct str *out, const struct opt *o);

/* The help text of a row and, for a choice, its words: "When to pull (always, missing, never)". */
void help_meaning(struct str *out, const struct opt *o);

/* Is the row shown to people? */
bool help_shows(const struct opt *o);

/* The command's name below a group ("ls" for the group "image" and the command images), or NULL: its own name or an alias. *len
 * gets its length. */
const char *help_name_in_group(const struct command *cmd, const char *group, size_t *len);

/* Prints the page of `hoy help NAME` (a command, a group, an error id, "errors"), or the overview if name is NULL. */
int help_page(struct str *out, const char *name, struct err *e);

#endif
