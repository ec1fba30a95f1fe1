/* Which fields of the value a template asks for, found without running it. */
#include "base/base.h"
#include "data/template_ast.h"

struct check {
	const char *const *fields;
	struct err *e;
};

static int check_list(struct check *c, const struct node *n, bool at_root);
static int check_pipeline(struct check *c, const struct pipeline *p, bool at_root);

static int check_field(struct check *c, const struct arg *arg)
{
	const char *name = arg->fields[0], *near = NULL;
	size_t best = strlen(name) / 3 + 2;

	for (const char *const *f = c->fields; *f; f++) {
		if (!strcmp(*f, name))
			return 0;
		size_t d = strcasecmp(*f, name) ? str_distance(name, *f) : 0;
		if (d < best) {
			best = d;
			near = *f;
		}
	}
	template_fail(c->e, arg->pos, "there is no field .%.60s", name);
	if (near)
		return err_hint(c->e, "did you mean .%s? {{json .}} prints all there is", near);
	scoped(str) all = {0};
	for (const char *const *f = c->fields; *f && all.len < 240; f++)
		str_addf(&all, " .%s", *f);
	return err_hint(c->e, "fields are:%s", str_cstr(&all));
}

static int check_arg(struct check *c, const struct arg *arg, bool at_root)
{
	bool root = (arg->kind == ARG_FIELD && at_root) ||
		    (arg->kind == ARG_VAR && !strcmp(arg->name, "$"));

	if (arg->kind == ARG_PIPE)
		return check_pipeline(c, arg->pipe, at_root);
	return root && arg->nfields ? check_field(c, arg) : 0;
}

static int check_pipeline(struct check *c, const struct pipeline *p, bool at_root)
{
	for (const struct command_node *cmd = p ? p->cmds : NULL; cmd; cmd = cmd->next) {
		for (size_t i = 0; i < cmd->nargs; i++) {
			bool call = i == 0 && (cmd->nargs > 1 || cmd != p->cmds);
			if (call && cmd->args[0]->nfields == 1) /* a method: {{.Label "key"}} */
				continue;
			int r = check_arg(c, cmd->args[i], at_root);
			if (r < 0)
				return r;
		}
	}
	return 0;
}

static int check_list(struct check *c, const struct node *n, bool at_root)
{
	for (; n; n = n->next) {
		bool moved = n->kind == NODE_RANGE || n->kind == NODE_WITH;
		int r = check_pipeline(c, n->pipe, at_root);
		if (r == 0)
			r = check_list(c, n->body, at_root && !moved);
		if (r == 0)
			r = check_list(c, n->otherwise, at_root);
		if (r < 0)
			return r;
	}
	return 0;
}

/* Bodies of {{define}} are left out: their dot and $ depend on the call. */
int template_check(const struct template *t, const char *const *fields, struct err *e)
{
	struct err own = {0};
	struct check c = {fields, e ? e : &own};

	return check_list(&c, t->body, true);
}
