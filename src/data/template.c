/*
 * A template is a list of nodes, text or action. An action is a pipeline: calls joined by "|", where the result of each becomes the
 * last argument of the next. A call is a list of operands, the first of which may be the name of a function:
 *
 *   {{json .State}} {{.Name | upper}} {{index .Labels "a b"}} {{(index .Mounts 0).Source}} {{printf "%-10s" .Name}}
 *
 * Parsing is by recursive descent over the text itself; nothing is copied but string literals. The functions are in
 * template_func.c.
 */
#include <ctype.h>

#include "base/base.h"
#include "data/template_func.h"

enum { MAX_DEPTH = 32 };

enum operand_kind {
	OPERAND_FIELD,	 /* .A.B: path applied to the value; "." alone is an empty path */
	OPERAND_LITERAL, /* a string, number, true, false, nil */
	OPERAND_FUNC,
	OPERAND_PIPE, /* ( ... ), and a path applied to the result */
};

struct operand {
	enum operand_kind kind;
	struct strs path;
	const struct json *literal;
	const char *name;
	struct pipe *pipe;
};

struct call {
	struct operand *v;
	size_t n;
};

struct pipe {
	struct call *v;
	size_t n;
};

struct node {
	struct node *next;
	const char *text; /* NULL: an action */
	size_t len;
	struct pipe *pipe;
};

struct template
{
	struct node *first;
};

struct parser {
	struct arena *a;
	const char *start, *s, *end; /* end: of the action */
	int depth;
	struct err *e;
};

static int bad(struct parser *p, const char *what)
{
	err_fail(p->e, ERR_FORMAT, "template, column %d: %s", (int)(p->s - p->start) + 1, what);
	return err_hint(p->e, "a template is text with fields such as {{.ID}}, or the word json");
}

static void skip_blanks(struct parser *p)
{
	while (p->s < p->end && isspace((unsigned char)*p->s))
		p->s++;
}

static size_t word_length(const struct parser *p)
{
	size_t n = 0;

	while (p->s + n < p->end && (isalnum((unsigned char)p->s[n]) || p->s[n] == '_'))
		n++;
	return n;
}

/* A chain of .Name, up to the first character that belongs to no name. */
static int parse_path(struct parser *p, struct strs *path)
{
	while (p->s < p->end && *p->s == '.') {
		p->s++;
		size_t n = word_length(p);
		if (!n)
			return path->n ? bad(p, "a field name is missing after the dot") : 0;
		strs_add(p->a, path, arena_strndup(p->a, p->s, n));
		p->s += n;
	}
	return 0;
}

/* "..." with the escapes of Go that matter, or `...` without any. */
static int parse_string(struct parser *p, struct operand *o)
{
	scoped(str) b = {0};
	char quote = *p->s++;

	for (; p->s < p->end && *p->s != quote; p->s++) {
		if (quote == '"' && *p->s == '\\' && p->s + 1 < p->end) {
			static const char from[] = "nt\"\\", to[] = "\n\t\"\\";
			const char *k = strchr(from, *++p->s);
			if (!k)
				return bad(p, "this escape is not known");
			str_addc(&b, to[k - from]);
		} else {
			str_addc(&b, *p->s);
		}
	}
	if (p->s == p->end)
		return bad(p, "a string is not closed");
	p->s++;
	o->kind = OPERAND_LITERAL;
	o->literal = json_new_str(p->a, str_cstr(&b));
	return 0;
}

static int parse_number(struct parser *p, struct operand *o)
{
	char *end;

	errno = 0;
	long long v = strtoll(p->s, &end, 10);
	if (errno || end == p->s || end > p->end || isalnum((unsigned char)*end) || *end == '.')
		return bad(p, "this is not a whole number");
	p->s = end;
	o->kind = OPERAND_LITERAL;
	o->literal = json_new_int(p->a, v);
	return 0;
}

static int parse_word(struct parser *p, struct operand *o)
{
	size_t n = word_length(p);
	const char *w = arena_strndup(p->a, p->s, n);

	o->kind = OPERAND_LITERAL;
	if (!strcmp(w, "true") || !strcmp(w, "false")) {
		o->literal = json_new_bool(p->a, *w == 't');
	} else if (!strcmp(w, "nil")) {
		o->literal = json_new(p->a, JSON_NULL);
	} else {
		o->kind = OPERAND_FUNC;
		o->name = w;
		if (!template_func_known(w)) {
			bad(p, arena_printf(p->a, "there is no function \"%s\"", w));
			return err_hint(p->e, "the functions are: %s", template_func_names());
		}
	}
	p->s += n;
	return 0;
}

static int parse_pipe(struct parser *p, struct pipe **ret, char stop);

static int parse_operand(struct parser *p, struct operand *o)
{
	int r;

	*o = (struct operand){0};
	if (*p->s == '$') {
		p->s++;
		return parse_path(p, &o->path);
	}
	if (*p->s == '.')
		return parse_path(p, &o->path);
	if (*p->s == '"' || *p->s == '`')
		return parse_string(p, o);
	if (isdigit((unsigned char)*p->s) || *p->s == '-')
		return parse_number(p, o);
	if (isalpha((unsigned char)*p->s))
		return parse_word(p, o);
	if (*p->s != '(')
		return bad(p, arena_printf(p->a, "'%c' is unexpected", *p->s));
	p->s++;
	if (++p->depth > MAX_DEPTH)
		return bad(p, "too many parentheses");
	o->kind = OPERAND_PIPE;
	r = parse_pipe(p, &o->pipe, ')');
	p->depth--;
	if (r < 0)
		return r;
	p->s++;
	return parse_path(p, &o->path);
}

static int parse_call(struct parser *p, struct call *c, char stop)
{
	for (;;) {
		struct operand o;
		skip_blanks(p);
		if (p->s == p->end || *p->s == '|' || *p->s == stop)
			break;
		if (parse_operand(p, &o) < 0)
			return -EINVAL;
		c->v = arena_grow(p->a, c->v, c->n * sizeof o, (c->n + 1) * sizeof o);
		c->v[c->n++] = o;
	}
	return c->n ? 0 : bad(p, "a field or function is missing");
}

/* Up to stop, which is not consumed; 0 stands for the end of the action. */
static int parse_pipe(struct parser *p, struct pipe **ret, char stop)
{
	struct pipe *pipe = arena_alloc(p->a, sizeof *pipe);

	*ret = pipe;
	for (;;) {
		struct call c = {0};
		if (parse_call(p, &c, stop) < 0)
			return -EINVAL;
		pipe->v = arena_grow(p->a, pipe->v, pipe->n * sizeof c, (pipe->n + 1) * sizeof c);
		pipe->v[pipe->n++] = c;
		if (p->s == p->end)
			return stop ? bad(p, "a parenthesis is not closed") : 0;
		if (*p->s == stop)
			return 0;
		p->s++; /* the bar */
	}
}

/* Shells hand over "\t" and "\n" as two characters each. */
static const char *unescape(struct arena *a, const char *s)
{
	char *out = arena_alloc(a, strlen(s) + 1), *o = out;
	bool action = false;

	for (; *s; s++) {
		if (str_starts(s, "{{"))
			action = true;
		else if (str_starts(s, "}}"))
			action = false;
		if (!action && *s == '\\' && (s[1] == 't' || s[1] == 'n'))
			*o++ = *++s == 't' ? '\t' : '\n';
		else
			*o++ = *s;
	}
	return out;
}

static struct node *add_node(struct parser *p, struct node ***tail)
{
	struct node *n = arena_alloc(p->a, sizeof *n);

	**tail = n;
	*tail = &n->next;
	return n;
}

/* The inside of {{ }}: trims, comments, a pipeline. p->s stands behind the braces. */
static int parse_action(struct parser *p, struct node ***tail, bool *ret_trim)
{
	const char *close = strstr(p->s, "}}");

	if (!close)
		return bad(p, "{{ is not closed by }}");
	p->end = close;
	*ret_trim = close > p->s + 1 && close[-1] == '-' && isspace((unsigned char)close[-2]);
	if (*ret_trim)
		p->end--;
	skip_blanks(p);
	if (str_starts(p->s, "/*")) {
		const char *end = strstr(p->s + 2, "*/");
		p->s = close + 2;
		return end && end < close ? 0 : bad(p, "a comment is not closed");
	}
	struct node *n = add_node(p, tail);
	if (parse_pipe(p, &n->pipe, 0) < 0)
		return -EINVAL;
	p->s = close + 2;
	return 0;
}

struct template *template_parse(struct arena *a, const char *text, struct err *e)
{
	struct template *t = arena_alloc(a, sizeof *t);
	const char *s = unescape(a, text);
	struct parser p = {.a = a, .start = s, .s = s, .e = e};
	struct node **tail = &t->first;

	for (bool trim = false; *p.s;) {
		const char *open = strstr(p.s, "{{"), *from = p.s;
		const char *to = open ? open : p.s + strlen(p.s);
		while (trim && from < to && isspace((unsigned char)*from))
			from++;
		bool back = open && open[2] == '-' && isspace((unsigned char)open[3]);
		while (back && to > from && isspace((unsigned char)to[-1]))
			to--;
		if (to > from) {
			struct node *n = add_node(&p, &tail);
			n->text = from;
			n->len = (size_t)(to - from);
		}
		if (!open)
			break;
		p.s = open + 2 + back;
		if (parse_action(&p, &tail, &trim) < 0)
			return NULL;
	}
	return t;
}

/* What an expansion carries along. headers is set when the headline is made. */
struct run {
	const struct json *dot;
	struct arena *a;
	struct err *e;
};

static int no_field(struct run *r, const struct json *in, const char *name)
{
	const char *best = NULL;
	size_t least = strlen(name) / 3 + 2;

	if (in->type != JSON_OBJ) {
		err_fail(r->e, ERR_FORMAT, "no field .%s: what stands before it is %s", name,
			 json_type_name(in->type));
		return err_hint(r->e, "{{json .}} prints all there is");
	}
	for (size_t i = 0; i < in->obj.n; i++) {
		size_t d = str_distance(name, in->obj.v[i].key);
		if (d < least) {
			least = d;
			best = in->obj.v[i].key;
		}
	}
	err_fail(r->e, ERR_FORMAT, "there is no field .%s", name);
	return best ? err_hint(r->e, "did you mean .%s? {{json .}} prints all there is", best)
		    : err_hint(r->e, "{{json .}} prints all there is");
}

static int follow(struct run *r, const struct json *from, const struct strs *path,
		  const struct json **ret)
{
	for (size_t i = 0; i < path->n; i++) {
		const struct json *next = json_get(from, path->v[i]);
		if (!next)
			return no_field(r, from, path->v[i]);
		from = next;
	}
	*ret = from;
	return 0;
}

static int run_pipe(struct run *r, const struct pipe *p, const struct json **ret);

static int run_operand(struct run *r, const struct operand *o, const struct json **ret)
{
	const struct json *v = r->dot;

	switch (o->kind) {
	case OPERAND_LITERAL:
		*ret = o->literal;
		return 0;
	case OPERAND_FUNC:
		return template_func(o->name, NULL, 0, r->a, ret, r->e);
	case OPERAND_PIPE:
		if (run_pipe(r, o->pipe, &v) < 0)
			return -EINVAL;
		break;
	case OPERAND_FIELD:
		break;
	}
	return follow(r, v, &o->path, ret);
}

/* extra is the result of the call before, or NULL. */
static int run_call(struct run *r, const struct call *c, const struct json *extra,
		    const struct json **ret)
{
	const struct json **args = arena_alloc(r->a, (c->n + 1) * sizeof *args);
	bool func = c->v[0].kind == OPERAND_FUNC;
	size_t n = 0;

	for (size_t i = func; i < c->n; i++)
		if (run_operand(r, &c->v[i], &args[n++]) < 0)
			return -EINVAL;
	if (extra)
		args[n++] = extra;
	if (func)
		return template_func(c->v[0].name, args, n, r->a, ret, r->e);
	*ret = args[0];
	if (n == 1)
		return 0;
	/* a method with an argument, {{.Label "key"}}: the field is a map */
	const struct json *hit = args[1]->type == JSON_STR ? json_get(args[0], args[1]->s) : NULL;
	if (n > 2 || args[0]->type != JSON_OBJ)
		return err_fail(r->e, ERR_FORMAT, "only functions take arguments in a template");
	*ret = hit ? hit : json_new_str(r->a, "");
	return 0;
}

static int run_pipe(struct run *r, const struct pipe *p, const struct json **ret)
{
	const struct json *v = NULL;

	for (size_t i = 0; i < p->n; i++)
		if (run_call(r, &p->v[i], v, &v) < 0)
			return -EINVAL;
	*ret = v;
	return 0;
}

int template_run(const struct template *t, const struct json *value, struct arena *a,
		 struct str *out, struct err *e)
{
	struct run r = {value, a, e};

	for (const struct node *n = t->first; n; n = n->next) {
		const struct json *v;
		if (n->text) {
			str_addn(out, n->text, n->len);
			continue;
		}
		if (run_pipe(&r, n->pipe, &v) < 0)
			return -EINVAL;
		template_print(out, v);
	}
	return 0;
}

/* The last name of the first field in a pipeline, or NULL. */
static const char *field_of(const struct pipe *p)
{
	for (size_t i = 0; i < p->n; i++) {
		for (size_t k = 0; k < p->v[i].n; k++) {
			const struct operand *o = &p->v[i].v[k];
			const char *inner = o->kind == OPERAND_PIPE ? field_of(o->pipe) : NULL;
			if (o->path.n)
				return o->path.v[o->path.n - 1];
			if (inner)
				return inner;
		}
	}
	return NULL;
}

int template_headline(const struct template *t, const char *const *headers, struct arena *a,
		      struct str *out, struct err *e)
{
	for (const struct node *n = t->first; n; n = n->next) {
		const char *field = n->text ? NULL : field_of(n->pipe);
		size_t i = 0;
		if (n->text)
			str_addn(out, n->text, n->len);
		if (!field)
			continue;
		while (headers && headers[i] && strcmp(headers[i], field))
			i += 2;
		if (headers && headers[i])
			str_add(out, headers[i + 1]);
		else
			for (const char *c = field; *c; c++)
				str_addc(out, (char)toupper((unsigned char)*c));
	}
	return 0;
}
