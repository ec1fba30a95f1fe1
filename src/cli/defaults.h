/*
 * defaults.h - hoy.conf: values that options have when nobody types them.
 *
 * A key of the file stands for an option of some commands, and has its name, its meaning and its type. So there is no second way to set
 * anything: what a key says is stored as if it had been typed, before what was really typed. One table says which options those
 * are; the files' checks, the manual page hoy.conf(5) and the message about an unknown key all read it. Where the files
 * lie: state/conf.h. The rule is: flags count more than the environment, that more than the user's file, that more than the system's.
 *
 * A file that is broken is an error of every command but those that explain (help, version, completion); an unknown key is a warning, because
 * a newer hoy may know it.
 */
#ifndef CLI_DEFAULTS_H
#define CLI_DEFAULTS_H

#include "cli/command.h"

enum {
	DEFAULT_REPLACED = 1, /* what is typed replaces the list; other lists grow */
	DEFAULT_OWN = 2,      /* no option: a row of defaults.c */
	DEFAULT_ON_HOST =
		4, /* --network host does not silence it, while none and those of others do */
};

struct default_key {
	const char *section; /* "run"; NULL: stands above all sections */
	const char *key;     /* the option's long name, unless flag says another */
	const char *flag;
	const char *
		commands; /* that have the option, separated by commas; NULL: it is one of hoy itself */
	const char *
		unless; /* options, separated by blanks, that say something else about the same: typed, they silence the key; "network" only if the container has none of its own then */
	const char *help; /* one line, no final stop; NULL: what the option says */
	const char *example;
	unsigned flags;
};
extern const struct default_key default_keys[]; /* ends with key NULL; sections in one piece */

/* The option's row, the first command's; never NULL for a row of the table. */
const struct opt *default_row(const struct default_key *k);

/* Reads the files and checks them whole. Warnings are printed, unless the command is one for programs. */
int defaults_read(struct cli *c, struct err *e);
/* Stores what they say about the options of c->cmd (c->opts is filled by what was typed), and about hoy's own. */
int defaults_apply(struct cli *c, struct err *e);

#endif
