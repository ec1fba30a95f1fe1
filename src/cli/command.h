/*
 * command.h - what a command is, and how the words of the command line find it.
 *
 * Each command is one `const struct command cmd_NAME` in a file of its own (cli/NAME.c), which also holds its option rows and its
 * struct of options. commands.c lists them all. Adding one = the file, a line in commands.c, a line in meson.build.
 *
 *   static int stop_run(struct cli *c, void *opts, struct err *e)
 *   {
 *           struct stop_opts *o = opts;
 *           for (size_t i = 0; i < c->nargs; i++) {
 *                   struct err one = {0};
 *                   if (stop_it(c->root, c->args[i], o, &one) < 0)
 *                           cli_report(c, &one);                     goes on; the exit code is remembered
 *                   else
 *                           out_printf(&c->out, "%s\n", c->args[i]);
 *           }
 *           return 0;
 *   }
 *   const struct command cmd_stop = {
 *           .name = "stop", .aliases = "container stop", .group = "Containers",
 *           .args = "CONTAINER...", .summary = "Stop running containers", .description = ..., .examples = ...,
 *           .opts = stop_rows, .opts_size = sizeof(struct stop_opts), .run = stop_run,
 *           .complete = COMPLETE_RUNNING,
 *   };
 *
 * A command prints its result through c->out only, and returns its error; main prints that.
 */
#ifndef CLI_COMMAND_H
#define CLI_COMMAND_H

#include "cli/opt.h"
#include "cli/output.h"
#include "data/bind.h"

struct json;
struct oci_place;

/* The name by which hoy was called: a link named docker makes commands print docker's shapes. */
enum called { CALLED_HOY, CALLED_PODMAN, CALLED_DOCKER };

struct cli {
	enum called called;
	const char *root;  /* --root, or NULL: home_open() knows the rule */
	const char *level; /* --log-level */
	bool debug, version, help;
	bool level_typed; /* --log-level was */
	bool progress;	  /* hoy.conf does not say that there is to be none */
	const char *
		runtime; /* `hoy oci`: as what we were called; args are still to be read by cli/oci.h */
	struct oci_place *oci; /* what it has read */
	const struct command *cmd;
	void *opts;  /* of cmd; in the arena */
	char **args; /* the operands, NULL-terminated */
	size_t nargs;
	struct opt_found found;
	struct arena arena;	/* lives as long as the command */
	struct out out;		/* standard output */
	int exit;		/* the highest code of the errors reported so far */
	struct bind_list conf;	/* of struct conf_file: hoy.conf, as it was read (cli/defaults.h) */
	struct pairs defaulted; /* options whose value came from there: name and place */
	int argc;		/* the whole command line, for __complete */
	char **argv;
};

struct command {
	const char *name;    /* "run"; with a group: "image ls" */
	const char *aliases; /* other names, separated by commas: "container ls,container ps" */
	const char *group;   /* headline under which help lists it; NULL: not listed */
	const char *
		args; /* operands for the synopsis: "IMAGE [COMMAND [ARG...]]"; says how many there must be */
	const char *summary; /* one line, imperative, no final stop */
	const char *
		description; /* paragraphs, separated by an empty line; words are wrapped by help and man */
	const char *
		examples; /* lines of "hoy ..."; a line that starts with '#' explains the next one */
	const char *exits; /* EXIT STATUS, where it is more than 0 and 125; lines "CODE text" */
	const struct opt *opts; /* NULL: none */
	const struct opt
		*podman_opts; /* instead of opts when called podman, where a letter means something
					  else there; NULL: the same */
	size_t opts_size;
	const void *defaults; /* a struct of opts_size, or NULL: all zero */
	bool stop_at_operand; /* run, create, exec: what follows belongs to the container's command */
	enum complete complete; /* of the first operand */
	enum complete
		complete_rest; /* of the others; COMPLETE_NONE: like the first if args says "..." */

	const char *words; /* what COMPLETE_WORDS of an operand means */

	/* An object with the fields that --format may ask for, for the completion; NULL: none are offered. */
	struct json *(*sample)(struct cli *c);

	/* Returns the exit code, or a negative errno with *e filled. NULL: a group of commands (image, container). */
	int (*run)(struct cli *c, void *opts, struct err *e);
};

/* All commands, NULL-terminated (commands.c). */
extern const struct command *const cli_commands[];

/* Finds the command by its whole name or an alias, words separated by one blank; NULL if there is none. */
const struct command *command_find(const char *name);

/* The name, or NULL, of the command nearest to a mistyped one. */
const char *command_nearest(const char *name);

/* The rows of the options that stand before the command (their struct is struct cli). */
extern const struct opt cli_global_rows[];

/* Reads the whole command line: global flags, the command's name, its options and operands, into *c. `CMD --help` becomes
 * `help CMD`. Errors are ERR_USAGE. */
int cli_parse(struct cli *c, int argc, char **argv, struct err *e);
void cli_free(struct cli *c);
/* The two ends of that: words that begin with the command's name; `help NAME`. For cli/oci.c. */
int cli_parse_command(struct cli *c, size_t nargs, char **args, struct err *e);
int cli_ask_help(struct cli *c, const char *name);

/* Was this option typed? By long name. */
bool cli_given(const struct cli *c, const char *name);

/* Adds to an error what only we can find out, outside of all namespaces: who has a port that is taken. */
void cli_explain(const struct cli *c, struct err *e);

/* Prints the error of one object among several and remembers its exit code, which the command then ends with. Returns 0. */
int cli_report(struct cli *c, const struct err *e);

/* "hoy: note: ..." (levels info and below) and "hoy: warning: ..." (warn and below) on stderr, for things that do not fail. */
void cli_note(const struct cli *c, const char *fmt, ...) printf_like(2, 3);
void cli_warn(const struct cli *c, const char *fmt, ...) printf_like(2, 3);

/* "hoy: debug: ..." with --debug or --log-level debug: what was decided, for whoever looks for the cause of something. */
void cli_debug(const struct cli *c, const char *fmt, ...) printf_like(2, 3);

#endif
