#include "base/base.h"
#include "data/template_ast.h"

enum { MAX_DEPTH = 100, MAX_VARS = 200 };

struct parser {
	struct arena *a;
	struct template *t;
	struct tok *tok; /* the next one */
	int depth;	 /* of parentheses and blocks */
	int ranges;	 /* around the current node */
	const char *vars[MAX_VARS];
	int nvars;
	struct err *e;
};

/* What ended a list of nodes. */
enum list_end { END_EOF, END_END, END_ELSE };

static struct pipeline *parse_pipeline(struct parser *p, bool parens, bool range);
static struct node *parse_list(struct parser *p, enum list_end *ret_end);

/* ---- tokens ---- */

static void *fail(struct parser *p, struct pos pos, const char *what)
{
	template_fail(p->e, pos, "%s", what);
	return NULL;
}

static const char *tok_name(struct parser *p, const struct tok *t)
{
	switch (t->kind) {
	case TOK_EOF:
		return "the end of the template";
	case TOK_RIGHT:
		return "}}";
	case TOK_FIELD:
		return arena_printf(p->a, ".%.40s", t->s);
	case TOK_WORD:
	case TOK_VAR:
		return arena_printf(p->a, "%.40s", t->s);
	case TOK_DOT:
		return "a dot";
	case TOK_LITERAL:
		return "a literal";
	case TOK_DECLARE:
		return ":=";
	case TOK_CHAR:
		return arena_printf(p->a, "%c", t->c);
	default:
		return "text";
	}
}

static void *unexpected(struct parser *p, const char *where)
{
	template_fail(p->e, p->tok->pos, "unexpected %s in %s", tok_name(p, p->tok), where);
	return NULL;
}

static void skip_space(struct parser *p)
{
	while (p->tok->kind == TOK_SPACE)
		p->tok++;
}

static bool is_char(const struct tok *t, char c)
{
	return t->kind == TOK_CHAR && t->c == c;
}

static bool is_keyword(const struct tok *t, const char *word)
{
	return t->kind == TOK_WORD && !strcmp(t->s, word);
}

/* Takes the }} that ends an action. */
static bool take_right(struct parser *p, const char *where)
{
	skip_space(p);
	if (p->tok->kind != TOK_RIGHT) {
		unexpected(p, where);
		return false;
	}
	p->tok++;
	return true;
}

static bool deeper(struct parser *p)
{
	if (++p->depth <= MAX_DEPTH)
		return true;
	fail(p, p->tok->pos, "nested too deeply");
	return false;
}

/* ---- operands ---- */

static bool var_known(const struct parser *p, const char *name)
{
	for (int i = 0; i < p->nvars; i++)
		if (!strcmp(p->vars[i], name))
			return true;
	return false;
}

static bool parse_word(struct parser *p, struct arg *arg)
{
	const char *s = p->tok->s;

	arg->kind = ARG_LITERAL;
	if (!strcmp(s, "true") || !strcmp(s, "false")) {
		arg->lit = json_new_bool(p->a, s[0] == 't');
		return true;
	}
	if (!strcmp(s, "nil")) {
		arg->lit = json_new(p->a, JSON_NULL);
		return true;
	}
	arg->kind = ARG_FUNC;
	arg->name = s;
	arg->func = template_func_find(s);
	if (arg->func)
		return true;
	template_fail(p->e, p->tok->pos, "there is no function %.40s", s);
	if (p->tok[1].kind == TOK_RIGHT)
		err_hint(p->e, "a field starts with a dot: {{.%.40s}}", s);
	else if (template_func_nearest(s))
		err_hint(p->e, "did you mean %s?", template_func_nearest(s));
	return false;
}

static bool parse_term(struct parser *p, struct arg *arg)
{
	struct tok *t = p->tok;

	switch (t->kind) {
	case TOK_WORD:
		if (!parse_word(p, arg))
			return false;
		break;
	case TOK_DOT:
		arg->kind = ARG_DOT;
		break;
	case TOK_LITERAL:
		arg->kind = ARG_LITERAL;
		arg->lit = t->lit;
		break;
	case TOK_FIELD:
		arg->kind = ARG_FIELD;
		return true; /* taken with the fields behind it */
	case TOK_VAR:
		arg->kind = ARG_VAR;
		arg->name = t->s;
		if (!var_known(p, t->s)) {
			template_fail(p->e, t->pos, "the variable %.40s is not defined", t->s);
			return false;
		}
		break;
	default:
		if (!is_char(t, '(')) {
			unexpected(p, "an action");
			return false;
		}
		p->tok++;
		arg->kind = ARG_PIPE;
		if (!deeper(p) || !(arg->pipe = parse_pipeline(p, true, false)))
			return false;
		p->depth--;
		return true;
	}
	p->tok++;
	return true;
}

/* term[.Field[.Field ...]] */
static struct arg *parse_operand(struct parser *p)
{
	struct arg *arg = arena_alloc(p->a, sizeof *arg);
	size_t n = 0;

	arg->pos = p->tok->pos;
	if (!parse_term(p, arg))
		return NULL;
	while (p->tok[n].kind == TOK_FIELD)
		n++;
	if (n && (arg->kind == ARG_LITERAL || arg->kind == ARG_DOT))
		return unexpected(p, "an action: what stands before it has no fields");
	arg->fields = arena_alloc(p->a, (n + 1) * sizeof *arg->fields);
	for (; arg->nfields < n; p->tok++)
		arg->fields[arg->nfields++] = p->tok->s;
	return arg;
}

static struct command_node *parse_command(struct parser *p)
{
	struct command_node *cmd = arena_alloc(p->a, sizeof *cmd);
	size_t cap = 0;

	skip_space(p);
	cmd->pos = p->tok->pos;
	for (;;) {
		struct arg *arg = parse_operand(p);
		if (!arg)
			return NULL;
		if (cmd->nargs == cap) {
			cap = cap ? cap * 2 : 4;
			cmd->args = arena_grow(p->a, cmd->args, cmd->nargs * sizeof *cmd->args,
					       cap * sizeof *cmd->args);
		}
		cmd->args[cmd->nargs++] = arg;
		bool space = p->tok->kind == TOK_SPACE;
		skip_space(p);
		if (p->tok->kind == TOK_RIGHT || is_char(p->tok, '|') || is_char(p->tok, ')'))
			return cmd;
		if (!space)
			return unexpected(p, "an action");
	}
}

static bool executable(const struct command_node *cmd)
{
	const struct arg *first = cmd->args[0];

	return first->kind == ARG_FUNC || first->kind == ARG_PIPE || first->nfields ||
	       first->kind == ARG_VAR;
}

/* ---- pipelines ---- */

static bool declare(struct parser *p, const char *name)
{
	if (p->nvars == MAX_VARS) {
		fail(p, p->tok->pos, "too many variables");
		return false;
	}
	p->vars[p->nvars++] = name;
	return true;
}

/* "$x :=", "$x =", and for range "$i, $x :=". Leaves everything alone if it is none of them. */
static bool parse_declaration(struct parser *p, struct pipeline *pipe, bool range)
{
	struct tok *t = p->tok;
	const char *vars[2] = {t->s};
	int n = 1;

	if (t->kind != TOK_VAR)
		return true;
	for (t++; t->kind == TOK_SPACE; t++)
		;
	if (range && is_char(t, ',')) {
		for (t++; t->kind == TOK_SPACE; t++)
			;
		if (t->kind != TOK_VAR) {
			p->tok = t;
			unexpected(p, "range");
			return false;
		}
		vars[n++] = t->s;
		for (t++; t->kind == TOK_SPACE; t++)
			;
	}
	if (t->kind != TOK_DECLARE && !is_char(t, '=')) {
		if (n == 1)
			return true;
		p->tok = t;
		unexpected(p, "range");
		return false;
	}
	pipe->assign = t->kind != TOK_DECLARE;
	pipe->nvars = n;
	for (int i = 0; i < n; i++) {
		pipe->vars[i] = vars[i];
		if (pipe->assign && !var_known(p, vars[i])) {
			template_fail(p->e, t->pos, "the variable %.40s is not defined", vars[i]);
			return false;
		}
	}
	p->tok = t + 1;
	return true;
}

static struct pipeline *parse_pipeline(struct parser *p, bool parens, bool range)
{
	struct pipeline *pipe = arena_alloc(p->a, sizeof *pipe);
	struct command_node **end = &pipe->cmds;

	skip_space(p);
	pipe->pos = p->tok->pos;
	if (!parse_declaration(p, pipe, range))
		return NULL;
	skip_space(p);
	if (p->tok->kind == TOK_RIGHT || is_char(p->tok, ')'))
		return fail(p, p->tok->pos, "a value is missing here");
	for (;;) {
		*end = parse_command(p);
		if (!*end)
			return NULL;
		const struct arg *first = (*end)->args[0];
		if (first->kind == ARG_LITERAL && first->lit->type == JSON_NULL)
			return fail(p, first->pos, "nil is no command");
		if (end != &pipe->cmds && !executable(*end))
			return fail(p, (*end)->pos,
				    "a value cannot stand behind |, only a function");
		end = &(*end)->next;
		if (!is_char(p->tok, '|'))
			break;
		p->tok++;
	}
	if (is_char(p->tok, ')') != parens)
		return unexpected(p, "an action");
	p->tok++;
	for (int i = 0; i < pipe->nvars && !pipe->assign; i++)
		if (!declare(p, pipe->vars[i]))
			return NULL;
	return pipe;
}

/* ---- nodes ---- */

static struct node *new_node(struct parser *p, enum node_kind kind, struct pos pos)
{
	struct node *n = arena_alloc(p->a, sizeof *n);

	n->kind = kind;
	n->pos = pos;
	return n;
}

/* if, range, with: pipeline, body, and what follows {{else}}. p->tok stands behind the keyword. */
static struct node *parse_control(struct parser *p, enum node_kind kind, struct pos pos)
{
	struct node *n = new_node(p, kind, pos);
	int vars = p->nvars;
	enum list_end end;

	if (!deeper(p) || !(n->pipe = parse_pipeline(p, false, kind == NODE_RANGE)))
		return NULL;
	int outer = p->nvars;
	p->ranges += kind == NODE_RANGE;
	n->body = parse_list(p, &end);
	p->ranges -= kind == NODE_RANGE;
	p->nvars = outer;
	if (p->e->code)
		return NULL;
	if (end == END_ELSE) {
		skip_space(p);
		struct pos here = p->tok->pos;
		bool chain = (kind == NODE_IF && is_keyword(p->tok, "if")) ||
			     (kind == NODE_WITH && is_keyword(p->tok, "with"));
		if (chain) { /* {{else if X}}: the inner node takes the one {{end}} */
			p->tok++;
			if (!(n->otherwise = parse_control(p, kind, here)))
				return NULL;
			end = END_END;
		} else {
			if (!take_right(p, "else"))
				return NULL;
			n->otherwise = parse_list(p, &end);
			if (p->e->code)
				return NULL;
			if (end == END_ELSE)
				return fail(p, p->tok[-1].pos, "a second {{else}}");
		}
	}
	if (end == END_EOF)
		return fail(p, pos, "a block without {{end}}");
	p->nvars = vars;
	p->depth--;
	return n;
}

static const char *parse_name(struct parser *p, const char *where)
{
	skip_space(p);
	if (p->tok->kind != TOK_LITERAL || p->tok->lit->type != JSON_STR)
		return unexpected(p, where);
	return p->tok++->lit->s;
}

/* The body of define and block, up to its {{end}}. Variables outside are not seen inside. */
static bool parse_define(struct parser *p, const char *name, struct pos pos)
{
	struct define *d = arena_alloc(p->a, sizeof *d);
	struct parser saved = *p;
	enum list_end end;

	if (!deeper(p))
		return false;
	p->nvars = 1;
	p->ranges = 0;
	d->name = name;
	d->body = parse_list(p, &end);
	if (p->e->code)
		return false;
	if (end != END_END) {
		fail(p, pos,
		     end == END_ELSE ? "an {{else}} that belongs to nothing"
				     : "a block without {{end}}");
		return false;
	}
	for (const struct define *o = p->t->defines; o; o = o->next) {
		if (strcmp(o->name, name) || !o->body || !d->body)
			continue;
		template_fail(p->e, pos, "the template \"%.60s\" is defined twice", name);
		return false;
	}
	d->next = p->t->defines;
	p->t->defines = d;
	p->nvars = saved.nvars;
	p->ranges = saved.ranges;
	p->depth = saved.depth;
	memcpy(p->vars, saved.vars, sizeof p->vars);
	return true;
}

/* {{template "name" pipeline}} and {{block "name" pipeline}} body {{end}} */
static struct node *parse_template(struct parser *p, struct pos pos, bool block)
{
	struct node *n = new_node(p, NODE_TEMPLATE, pos);

	if (!(n->text = parse_name(p, block ? "block" : "template")))
		return NULL;
	skip_space(p);
	if (p->tok->kind == TOK_RIGHT && !block) {
		p->tok++;
		return n;
	}
	if (!(n->pipe = parse_pipeline(p, false, false)))
		return NULL;
	return !block || parse_define(p, n->text, pos) ? n : NULL;
}

static struct node *parse_jump(struct parser *p, enum node_kind kind, struct pos pos)
{
	if (!p->ranges)
		return fail(p, pos, "{{break}} and {{continue}} belong inside {{range}}");
	return take_right(p, "an action") ? new_node(p, kind, pos) : NULL;
}

/* One action that is no end of a list. {{define}} gives an empty text. */
static struct node *parse_action(struct parser *p, struct pos pos)
{
	static const struct {
		const char *word;
		enum node_kind kind;
	} controls[] = {{"if", NODE_IF}, {"range", NODE_RANGE}, {"with", NODE_WITH}};

	for (size_t i = 0; i < countof(controls); i++) {
		if (is_keyword(p->tok, controls[i].word)) {
			p->tok++;
			return parse_control(p, controls[i].kind, pos);
		}
	}
	struct tok *t = p->tok;
	bool block = is_keyword(t, "block");
	if (block || is_keyword(t, "template")) {
		p->tok++;
		return parse_template(p, pos, block);
	}
	if (is_keyword(t, "break") || is_keyword(t, "continue")) {
		p->tok++;
		return parse_jump(p, t->s[0] == 'b' ? NODE_BREAK : NODE_CONTINUE, pos);
	}
	if (is_keyword(t, "define")) {
		if (p->depth)
			return fail(p, pos, "{{define}} inside of a block");
		p->tok++;
		const char *name = parse_name(p, "define");
		if (!name || !take_right(p, "define") || !parse_define(p, name, pos))
			return NULL;
		return new_node(p, NODE_TEXT, pos);
	}
	struct node *n = new_node(p, NODE_ACTION, pos);
	n->pipe = parse_pipeline(p, false, false);
	return n->pipe ? n : NULL;
}

/* Nodes up to {{end}}, {{else}} (whose rest is left) or the end. Failed if p->e->code is set. */
static struct node *parse_list(struct parser *p, enum list_end *ret_end)
{
	struct node *list = NULL, **end = &list;

	for (;;) {
		struct tok *t = p->tok;
		*ret_end = END_EOF;
		if (t->kind == TOK_EOF)
			return list;
		if (t->kind == TOK_TEXT) {
			*end = new_node(p, NODE_TEXT, t->pos);
			(*end)->text = t->s;
			(*end)->len = t->n;
			p->tok++;
		} else {
			p->tok++;
			skip_space(p);
			bool is_end = is_keyword(p->tok, "end");
			if (is_end || is_keyword(p->tok, "else")) {
				p->tok++;
				*ret_end = is_end ? END_END : END_ELSE;
				if (is_end)
					take_right(p, "end");
				return list;
			}
			*end = parse_action(p, t->pos);
			if (!*end)
				return NULL;
		}
		end = &(*end)->next;
	}
}

struct template *template_parse(struct arena *a, const char *text, struct err *e)
{
	struct template *t = arena_alloc(a, sizeof *t);
	struct err own = {0};
	struct parser p = {.a = a, .t = t, .vars = {"$"}, .nvars = 1, .e = &own};
	enum list_end end = END_EOF;

	p.tok = template_lex(a, text, &own);
	while (p.tok && !own.code) {
		struct pos pos = p.tok->pos;
		t->body = parse_list(&p, &end);
		if (own.code || end == END_EOF)
			break;
		fail(&p, pos,
		     end == END_END ? "an {{end}} that ends nothing"
				    : "an {{else}} that belongs to nothing");
	}
	if (own.code && e)
		*e = own;
	return own.code ? NULL : t;
}
