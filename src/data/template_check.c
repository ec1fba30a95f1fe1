/* Which fields of the value a template asks for, found without running it. */
#include "base/base.h"
#include "data/template_ast.h"

/* What the dot is. */
enum dot { DOT_OTHER, DOT_ITEM, DOT_LIST };

struct check {
	const struct json *sample;
	enum dot root;
	struct err *e;
};

static int check_list(struct check *c, const struct node *n, enum dot dot);
static int check_pipeline(struct check *c, const struct pipeline *p, enum dot dot);

static int check_field(struct check *c, const struct arg *arg)
{
	const char *name = arg->fields[0];

	if (json_get(c->sample, name))
		return 0;
	return template_no_field(c->e, arg->pos, c->sample, name);
}

static int check_arg(struct check *c, const struct arg *arg, enum dot dot)
{
	bool dollar = arg->kind == ARG_VAR && !strcmp(arg->name, "$");
	enum dot from = dollar ? c->root : arg->kind == ARG_FIELD ? dot : DOT_OTHER;

	if (arg->kind == ARG_PIPE)
		return check_pipeline(c, arg->pipe, dot);
	if (from == DOT_LIST && arg->nfields)
		return template_fail(c->e, arg->pos, "there is no field .%.60s in a list",
				     arg->fields[0]);
	return from == DOT_ITEM && arg->nfields ? check_field(c, arg) : 0;
}

static int check_pipeline(struct check *c, const struct pipeline *p, enum dot dot)
{
	for (const struct command_node *cmd = p ? p->cmds : NULL; cmd; cmd = cmd->next) {
		for (size_t i = 0; i < cmd->nargs; i++) {
			bool call = i == 0 && (cmd->nargs > 1 || cmd != p->cmds);
			if (call && cmd->args[0]->nfields == 1) /* a method: {{.Label "key"}} */
				continue;
			int r = check_arg(c, cmd->args[i], dot);
			if (r < 0)
				return r;
		}
	}
	return 0;
}

/* {{range .}} and {{range $}} over the list of all, and with $x := before them. */
static bool over_list(const struct check *c, const struct node *n, enum dot dot)
{
	const struct command_node *cmd = n->kind == NODE_RANGE && n->pipe ? n->pipe->cmds : NULL;

	if (!cmd || cmd->next || cmd->nargs != 1 || cmd->args[0]->nfields)
		return false;
	if (cmd->args[0]->kind == ARG_DOT)
		return dot == DOT_LIST;
	return cmd->args[0]->kind == ARG_VAR && !strcmp(cmd->args[0]->name, "$") &&
	       c->root == DOT_LIST;
}

static int check_list(struct check *c, const struct node *n, enum dot dot)
{
	for (; n; n = n->next) {
		bool moved = n->kind == NODE_RANGE || n->kind == NODE_WITH;
		enum dot inside = over_list(c, n, dot) ? DOT_ITEM : moved ? DOT_OTHER : dot;
		int r = check_pipeline(c, n->pipe, dot);
		if (r == 0)
			r = check_list(c, n->body, inside);
		if (r == 0)
			r = check_list(c, n->otherwise, dot);
		if (r < 0)
			return r;
	}
	return 0;
}

/* Bodies of {{define}} are left out: their dot and $ depend on the call. */
int template_check(const struct template *t, const struct json *sample, struct err *e)
{
	struct err own = {0};
	bool list = sample->type == JSON_ARR;
	struct check c = {.sample = list ? sample->arr.v[0] : sample,
			  .root = list ? DOT_LIST : DOT_ITEM,
			  .e = e ? e : &own};

	return check_list(&c, t->body, c.root);
}
