/*
 * template_ast.h - the inside of the templates, for template_*.c only.
 *
 * template_lex.c cuts the text into tokens, template_parse.c makes the tree below of them, template_exec.c walks it,
 * template_func.c holds the functions and template_print.c Go's fmt. Everything lives in the arena of the parse; what
 * a run makes lives in the run's arena.
 */
#ifndef DATA_TEMPLATE_AST_H
#define DATA_TEMPLATE_AST_H

#include "data/template.h"

struct pos {
	int line, col;
};

/* ---- tokens ---- */

enum tok_kind {
	TOK_EOF,
	TOK_TEXT,    /* s, n: after trimming */
	TOK_LEFT,    /* {{ */
	TOK_RIGHT,   /* }} */
	TOK_SPACE,   /* blanks inside an action: they separate arguments */
	TOK_WORD,    /* s: keyword, function, true, false, nil */
	TOK_FIELD,   /* s: the name without its dot */
	TOK_VAR,     /* s: the name with its $ */
	TOK_DOT,     /* . */
	TOK_LITERAL, /* lit: a number, a character or a string */
	TOK_DECLARE, /* := */
	TOK_CHAR,    /* c: one of | ( ) , = */
};

struct tok {
	enum tok_kind kind;
	struct pos pos;
	char c;
	const char *s;
	size_t n;
	struct json *lit;
};

/* All tokens, ending in TOK_EOF; NULL and *e filled on failure. */
struct tok *template_lex(struct arena *a, const char *text, struct err *e);

/* "template:1:5: ..." with ERR_FORMAT. */
int template_fail(struct err *e, struct pos pos, const char *fmt, ...) printf_like(3, 4);

/* The same for a field that an object does not have; the hint says the nearest one, or all while there is room. */
int template_no_field(struct err *e, struct pos pos, const struct json *obj, const char *name);

/* ---- the tree ---- */

enum arg_kind { ARG_DOT, ARG_LITERAL, ARG_FIELD, ARG_VAR, ARG_FUNC, ARG_PIPE };

/* One operand: a start (the dot, a variable, a pipeline in parentheses ...) and the fields behind it. */
struct arg {
	enum arg_kind kind;
	struct pos pos;
	const char *name; /* ARG_VAR, ARG_FUNC */
	const struct template_func *func;
	struct json *lit;
	struct pipeline *pipe;
	const char **fields;
	size_t nfields;
};

struct command_node {
	struct pos pos;
	struct arg **args;
	size_t nargs;
	struct command_node *next;
};

struct pipeline {
	struct pos pos;
	const char *vars[2];
	int nvars;
	bool assign; /* = instead of := */
	struct command_node *cmds;
};

enum node_kind {
	NODE_TEXT,
	NODE_ACTION,
	NODE_IF,
	NODE_RANGE,
	NODE_WITH,
	NODE_TEMPLATE,
	NODE_BREAK,
	NODE_CONTINUE,
};

struct node {
	enum node_kind kind;
	struct pos pos;
	const char *text; /* NODE_TEXT; the name for NODE_TEMPLATE */
	size_t len;
	struct pipeline *pipe;
	struct node *body, *otherwise;
	struct node *next;
};

struct define {
	const char *name;
	struct node *body;
	struct define *next;
};

struct template
{
	struct node *body;
	struct define *defines;
};

/* ---- values ---- */

/* j NULL: no value (a key that a map does not have), which differs from a JSON null. */
struct val {
	const struct json *j;
	bool map; /* an object whose keys are data, not fields: a missing one is no error */
};

struct run {
	const struct template *t;
	struct arena *a;
	struct str *out;
	struct err *e;
	struct val root;
	struct {
		const char *name;
		struct val v;
	} * vars;
	size_t nvars, vars_cap;
	int depth;
	size_t steps, bytes; /* work and memory so far */
	bool headline;
	const char *const *headers;
};

struct template_func {
	const char *name;
	int min, max; /* number of arguments; max -1: any */
	int (*fn)(struct run *r, struct pos pos, const struct val *args, size_t n, struct val *ret);
	bool keeps_headline; /* gives its text back as it is in the first line of a table */
};

const struct template_func *template_func_find(const char *name);
const char *template_func_nearest(const char *name);

/* A new string value; fails when the run has made too much. */
int template_str(struct run *r, struct pos pos, const char *s, size_t n, struct val *ret);
bool template_truth(struct val v);
/* Members of an object in the order of their keys; the caller frees the list. */
const struct json_member **template_sorted(const struct json *obj);

/* Go's fmt: Sprint, Sprintln and Sprintf. */
void template_sprint(struct str *out, const struct val *args, size_t n, bool line);
void template_printf(struct str *out, const char *fmt, const struct val *args, size_t n);

#endif
