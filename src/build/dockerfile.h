/*
 * dockerfile.h - a Dockerfile as a list of instructions, with the place of each; nothing is expanded or executed here.
 *
 * What is taken is what BuildKit's and buildah's parsers take: directives (syntax, escape, check), continuation lines with comments and empty
 * lines between them, flags, exec and shell forms, here-documents. The text is hostile: bounded in length, instructions and stages, and what is not
 * understood is ERR_DOCKERFILE with line and column, the line itself, and the nearest instruction where a word is unknown.
 * Bytes that are no UTF-8 may stand in comments and here-documents, NUL nowhere. Time and memory are linear in the text. Everything lives in the arena.
 * dockerfile_lex.h makes lines of bytes; here are instructions. Source: Dockerfile reference (docs.docker.com), moby/buildkit's parser.
 */
#ifndef BUILD_DOCKERFILE_H
#define BUILD_DOCKERFILE_H

#include "data/bind.h"

enum df_kind {
	DF_ADD,
	DF_ARG,
	DF_CMD,
	DF_COPY,
	DF_ENTRYPOINT,
	DF_ENV,
	DF_EXPOSE,
	DF_FROM,
	DF_HEALTHCHECK,
	DF_LABEL,
	DF_MAINTAINER,
	DF_ONBUILD,
	DF_RUN,
	DF_SHELL,
	DF_STOPSIGNAL,
	DF_USER,
	DF_VOLUME,
	DF_WORKDIR,
	DF_KINDS
};
const char *df_kind_name(enum df_kind k); /* "ADD" */

enum {
	DF_MAX_BYTES = 16 << 20, /* of the file */
	DF_MAX_LINE = 1 << 20,	 /* of one instruction, here-documents not counted */
	DF_MAX_INSTRUCTIONS = 100000,
	DF_MAX_WORDS = 10000, /* of one instruction */
	DF_MAX_PAIRS = 20000, /* in the file: who adds them to a config looks for each among all */
};

struct df_flag {
	const char *name;  /* "from", without dashes */
	const char *value; /* quotes removed, variables still in it; NULL: --name alone */
	int line, column;
};

struct df_heredoc {
	const char *name;
	const char *text; /* as it stands, tabs stripped where <<- says so; ends with a newline */
	size_t len;
	bool expand; /* the word was not quoted */
};

/* Of ENV, LABEL and ARG. Quotes and variables are still in both. */
struct df_pair {
	const char *name;
	const char *value; /* NULL: ARG NAME */
	bool old;	   /* ENV NAME VALUE, without "=" */
};

struct df_instr {
	enum df_kind kind;
	const char *word;    /* the instruction as it was typed: "run" */
	int line, last_line; /* counted from 1 */
	int column;	     /* of the first argument behind the flags */
	const char *
		text; /* instruction, flags and arguments in one line, as typed: for progress and keys */
	const char *rest; /* a part of it: arguments without flags */
	const char *
		whole; /* text and behind it the here-documents: what ONBUILD keeps, and dockerfile_parse_one() reads */
	const char *comment; /* the last line of the comment right before it, or NULL: for lint */
	bool gap;	     /* an empty line stands within it: for lint */
	struct bind_list
		flags; /* of struct df_flag, in order; known to the instruction, and with a value where one is needed */
	bool json; /* exec form: words are its strings, final. HEALTHCHECK: of what stands behind CMD */
	/* In another form, of ADD, COPY, EXPOSE, FROM and VOLUME: split at blanks outside of quotes; quotes and variables are still there, words for
	 * here-documents are not. Other instructions have rest. */
	struct strs words;
	struct bind_list pairs;	   /* of struct df_pair */
	struct bind_list heredocs; /* of struct df_heredoc, in the order of their words */
	bool only_heredoc; /* RUN <<EOF and nothing else: the here-document is the command, or with "#!" a program */
	const struct df_instr *sub; /* of ONBUILD: the instruction that is kept */
};

struct df_stage {
	const char *name;     /* AS name, in lower case; NULL: none */
	const char *base;     /* as typed: variables are still in it */
	const char *platform; /* --platform as typed, or NULL */
	size_t from;	      /* its FROM in instrs */
	size_t first, n;      /* the instructions behind FROM */
};

struct dockerfile {
	const char *name; /* for messages: "Dockerfile", "web/Containerfile", "stdin" */
	const char *text; /* the file, for messages that show where (dockerfile_excerpt) */
	size_t len;
	char escape;	    /* '\\' or '`' */
	const char *syntax; /* # syntax=..., or NULL: taken note of, nothing is fetched for it */
	struct strs check_skip;	 /* # check=skip=A,B (or "all") */
	struct strs check_more;	 /* # check=experimental=A,B (or "all") */
	bool check_error;	 /* # check=error=true */
	struct bind_list instrs; /* of struct df_instr */
	struct bind_list stages; /* of struct df_stage */
	size_t n_global;	 /* instructions before the first FROM: ARGs */
};

/* Reads all of it. name stands in messages. ERR_DOCKERFILE. */
int dockerfile_parse(const char *text, size_t len, const char *name, struct arena *a,
		     struct dockerfile *ret, struct err *e);

/* One instruction without a file, with its here-documents behind it: ONBUILD of a base image. what stands in messages. */
int dockerfile_parse_one(const char *text, const char *what, struct arena *a, struct df_instr *ret,
			 struct err *e);

/* RUN, CMD, ENTRYPOINT in shell form: what the shell gets, here-documents included (but see only_heredoc). */
const char *df_command(const struct df_instr *i);

/* The value of a flag, "" for one without; NULL: it is not there. The last one counts. */
const char *df_flag(const struct df_instr *i, const char *name);
/* Of --link, --parents, --keep-git-dir, --unpack: 1 or 0, -1: it is not there. */
int df_flag_bool(const struct df_instr *i, const char *name);

/* The lines around first..last, with numbers and a mark before those meant, for people: goes to the end of out, escaped, and ends with a newline. */
void dockerfile_excerpt(const struct dockerfile *d, int first, int last, struct str *out);

#endif
