/*
 * opt.h - the options of a command, described as rows of a table.
 *
 * A command owns a plain struct and one table whose rows say where in that struct a value goes. The rows are the only source: the
 * parser, --help, the man page and the completion all read them, so none of the four can say something else than the others.
 *
 *   struct stop_opts { bool all; int64_t time; };
 *   #define TO(kind, field) OPT_TO(kind, struct stop_opts, field)
 *   static const struct opt stop_rows[] = {
 *           {"all", 'a', TO(OPT_BOOL, all), NULL, "Stop all running containers"},
 *           {"time", 't', TO(OPT_INT, time), "SECONDS", "Kill after this time", .aliases = "timeout"},
 *           {0},
 *   };
 *
 * OPT_TO refuses at compile time a field whose type does not fit the kind. Values live in the arena or in argv, so nothing has to be
 * freed one by one. What is understood: -itd, -e VALUE, -eVALUE, -e=VALUE, --flag VALUE, --flag=VALUE, --flag=false for switches, --flag alone where the
 * row says what that means, "--".
 * A value given again replaces the first one; lists and pairs grow.
 */
#ifndef CLI_OPT_H
#define CLI_OPT_H

#include "base/base.h"

enum opt_kind {
	OPT_BOOL = 1, /* a switch; --flag=false turns it off */
	OPT_STR,      /* the text as it is */
	OPT_STRS,     /* repeatable, each text as it is */
	OPT_CSV,      /* repeatable, and commas separate */
	OPT_PAIRS,    /* repeatable KEY=VALUE; KEY alone has the value "" */
	OPT_INT,
	OPT_UINT,
	OPT_SIZE,     /* bytes: 64, 10k, 1.5m, 2g */
	OPT_DURATION, /* nanoseconds: 1m30s, 300ms */
	OPT_SIGNAL,   /* TERM, SIGTERM, 15 */
	OPT_CHOICE,   /* one of .words, pointing into the table's own copy of it or argv */
	OPT_TABLE,    /* not an option: the rows of .sub, whose struct lies at offset */
};

#define OPT_BOOL_TYPE	  bool
#define OPT_STR_TYPE	  const char *
#define OPT_STRS_TYPE	  struct strs
#define OPT_CSV_TYPE	  struct strs
#define OPT_PAIRS_TYPE	  struct pairs
#define OPT_INT_TYPE	  int64_t
#define OPT_UINT_TYPE	  uint64_t
#define OPT_SIZE_TYPE	  uint64_t
#define OPT_DURATION_TYPE int64_t
#define OPT_SIGNAL_TYPE	  int
#define OPT_CHOICE_TYPE	  const char *

/* The kind and the offset of a field: two columns of a row. */
#define OPT_TO(kind, T, field) kind, OPT_OFFSET(kind##_TYPE, T, field)
#define OPT_OFFSET(type, T, field)                                                                 \
	(offsetof(T, field) +                                                                      \
	 0 * sizeof(char[__builtin_types_compatible_p(type, __typeof__(((T *)0)->field)) ? 1       \
											 : -1]))

/* What the shell completion offers for a value or an operand. */
enum complete {
	COMPLETE_NONE,
	COMPLETE_FILE,
	COMPLETE_DIR,
	COMPLETE_CONTAINER, /* all containers, with their state as the description */
	COMPLETE_RUNNING,   /* running containers */
	COMPLETE_STOPPED,   /* those that do not run */
	COMPLETE_OBJECT,    /* containers and images */
	COMPLETE_COPY,	    /* files here, and "NAME:" of containers */
	COMPLETE_IMAGE,
	COMPLETE_NETWORK,
	COMPLETE_VOLUME,
	COMPLETE_SECRET,
	COMPLETE_SIGNAL,
	COMPLETE_COMMAND, /* the commands of hoy */
	COMPLETE_FORMAT,  /* a template: the fields that the command's .sample has */
	COMPLETE_WORDS,	  /* the row's .words; a choice needs not say so */
};

enum {
	OPT_HIDDEN = 1, /* works, but help, man page and completion do not show it (old names) */
	OPT_IGNORED =
		2, /* taken and not looked at, because scripts for other engines pass it; needs no field */
};

/* Each process of hoy has a copy of all rows, for they hold pointers: so they are packed. */
struct opt {
	const char *name; /* long name without dashes */
	char letter;	  /* short name, or 0 */
	enum opt_kind kind : 8;
	uint32_t offset;
	const char *value; /* name of the value in help texts ("KEY=VALUE"); NULL for switches */
	const char *help;  /* one line, no final stop */
	enum complete complete;
	const char *
		words; /* allowed or offered words, separated by blanks. In those that are only offered, <...> at the end
				* of a word is what follows it: words separated by |, or one of :container, :running, :image, :network, :volume, :file,
				* :dir; a comma before all of them says that commas separate several */
	const char *aliases; /* other long names, separated by blanks; never shown */
	const char *
		lone; /* the value of the flag alone; another one stands behind "=" then. NULL: it needs one */
	const struct opt *sub; /* OPT_TABLE */
	unsigned flags;
};

/* Walks all rows, those of included tables too. o->name is NULL at the end.
 *   for (struct opt_walk w = opt_first(rows); w.row; opt_next(&w)) */
struct opt_walk {
	const struct opt *row;
	size_t base;		/* add to row->offset */
	unsigned index;		/* counts rows from 0; below OPT_MAX */
	const struct opt *back; /* where to go on after an included table */
};
enum { OPT_MAX = 256 };
struct opt_walk opt_first(const struct opt *rows);
void opt_next(struct opt_walk *w);

/* What parsing found besides the values. */
struct opt_found {
	char **args; /* the operands, NULL-terminated */
	size_t nargs;
	bool help;		      /* --help, or -h where no row has that letter */
	uint64_t given[OPT_MAX / 64]; /* which rows were used, by index */
};

struct opt_rules {
	const struct opt *rows; /* may be NULL: no options */
	const char *command;	/* for messages: "run", "image ls"; NULL: before any command */
	bool stop_at_operand;	/* everything from the first operand on is an operand */
	/* Asked about a flag that no row has; true with the error filled if it knows better than "unknown" (cli/absent.h). May be NULL. */
	bool (*absent)(const char *command, const char *name, size_t n, struct err *e);
};

/* Parses argv[0..argc) (without the command's name) into *out, which holds the defaults. The operands are collected in the arena.
 * Errors are ERR_USAGE, with the nearest flag as the hint. */
int opt_parse(const struct opt_rules *rules, int argc, char **argv, void *out, struct arena *a,
	      struct opt_found *ret, struct err *e);

/* Was the row of this long name (or alias) used? */
bool opt_given(const struct opt *rows, const struct opt_found *f, const char *name);

/* From now on it counts as used. */
void opt_mark(const struct opt *rows, struct opt_found *f, const char *name);

/* Stores one value of a row, as the parser does: -EINVAL, -ERANGE. A list grows. */
int opt_store(const struct opt *o, void *to, const char *value, struct arena *a);
/* What a value of this kind looks like, for the error of a bad one; NULL: anything. */
const char *opt_form(const struct opt *o);

/* Does s stand in a list of words separated by blanks? */
bool opt_word_in(const char *words, const char *s, size_t n);

/* How many operands a synopsis like "IMAGE [COMMAND [ARG...]]" asks for; *ret_max is SIZE_MAX where it says "...". */
void opt_count_operands(const char *synopsis, size_t *ret_min, size_t *ret_max);

#endif
