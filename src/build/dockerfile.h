/*
 * dockerfile.h - a Dockerfile as a list of instructions, with the place of each; nothing is expanded or executed here.
 *
 * What is taken is what BuildKit's and buildah's parsers take: directives (syntax, escape, check), continuation lines with comments and empty
 * lines between them, flags, exec and shell forms, here-documents. The text is hostile: bounded in length, instructions and stages, and what is not
 * understood is ERR_DOCKERFILE with line and column, the line itself, and the nearest instruction where a word is unknown.
 * Everything lives in the arena. Source: Dockerfile reference (docs.docker.com), containers/buildah's and moby/buildkit's parsers.
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
	DF_MAX_BYTES = 64 << 20, /* of the file */
	DF_MAX_LINE = 1 << 20,	 /* of one instruction, here-documents not counted */
	DF_MAX_INSTRUCTIONS = 100000,
};

struct df_flag {
	const char *name;  /* "from", without dashes */
	const char *value; /* NULL: --name alone */
	int line, column;
};

struct df_heredoc {
	const char *name;
	const char *text; /* as it stands, tabs stripped where <<- says so */
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
	const char *rest;	/* arguments without flags, continuation joined, as typed */
	struct bind_list flags; /* of struct df_flag, in order */
	bool json;		/* exec form: words are its strings, final */
	struct strs
		words; /* else split at blanks outside of quotes; quotes and variables are still there */
	struct bind_list pairs;	   /* of struct df_pair */
	struct bind_list heredocs; /* of struct df_heredoc, in the order of their words */
	const struct df_instr
		*sub; /* of ONBUILD: what is kept (word, text, line ... as if it stood alone) */
};

struct df_stage {
	const char *name;     /* AS name, in lower case; NULL: none */
	const char *base;     /* as typed: variables are still in it */
	const char *platform; /* --platform as typed, or NULL */
	size_t from;	      /* its FROM in instrs */
	size_t first, n;      /* the instructions behind FROM */
};

struct dockerfile {
	const char *name;   /* for messages: "Dockerfile", "web/Containerfile", "stdin" */
	struct strs lines;  /* of the text, for messages that show where (dockerfile_excerpt) */
	char escape;	    /* '\\' or '`' */
	const char *syntax; /* # syntax=..., or NULL: taken note of, nothing is fetched for it */
	struct strs check_skip;	 /* # check=skip=A;B (or "all") */
	bool check_error;	 /* # check=error=true */
	struct bind_list instrs; /* of struct df_instr */
	struct bind_list stages; /* of struct df_stage */
	size_t n_global;	 /* instructions before the first FROM: ARGs */
};

/* Reads all of it. name stands in messages. ERR_DOCKERFILE. */
int dockerfile_parse(const char *text, size_t len, const char *name, struct arena *a,
		     struct dockerfile *ret, struct err *e);

/* One instruction without a file: of --change, ONBUILD of a base image. what stands in messages. */
int dockerfile_parse_one(const char *text, const char *what, struct arena *a, struct df_instr *ret,
			 struct err *e);

/* The value of a flag, "" for one without; NULL: it is not there. The last one counts. */
const char *df_flag(const struct df_instr *i, const char *name);

/* The lines around first..last, with numbers and a mark before those meant, for people: goes to the end of out. */
void dockerfile_excerpt(const struct dockerfile *d, int first, int last, struct str *out);

#endif
