#include "base/base.h"
#include "data/template_ast.h"

enum {
	MAX_CALLS = 64, /* of templates in templates */
	MAX_STEPS = 2000000,
	MAX_BYTES = 128 << 20,
};

enum flow { FLOW_ON = 0, FLOW_BREAK, FLOW_CONTINUE };

static int run_list(struct run *r, const struct node *n, struct val dot);
static int eval_pipeline(struct run *r, const struct pipeline *p, struct val dot, struct val *ret);
static int eval_arg(struct run *r, const struct arg *arg, struct val dot, struct val *ret);

/* ---- values ---- */

static int spend(struct run *r, struct pos pos, size_t bytes)
{
	r->bytes += bytes;
	if (++r->steps > MAX_STEPS || r->bytes > MAX_BYTES || r->out->len > MAX_BYTES)
		return template_fail(r->e, pos,
				     "the template makes too much output or runs too long");
	return 0;
}

int template_str(struct run *r, struct pos pos, const char *s, size_t n, struct val *ret)
{
	int err = spend(r, pos, n);
	if (err < 0)
		return err;
	struct json *j = json_new(r->a, JSON_STR);
	/* A NUL cannot come from JSON; what a function cut is kept up to it. */
	j->s = arena_strndup(r->a, s ? s : "", n);
	*ret = (struct val){j, false};
	return 0;
}

bool template_truth(struct val v)
{
	switch (v.j ? v.j->type : JSON_NULL) {
	case JSON_NULL:
		return false;
	case JSON_BOOL:
		return v.j->b;
	case JSON_INT:
		return v.j->i != 0;
	case JSON_DOUBLE:
		return v.j->d != 0;
	case JSON_STR:
		return v.j->s[0] != 0;
	case JSON_ARR:
		return v.j->arr.n > 0;
	case JSON_OBJ:
		return v.j->obj.n > 0;
	}
	return false;
}

static int by_key(const void *a, const void *b)
{
	const struct json_member *const *x = a, *const *y = b;

	return strcmp((*x)->key, (*y)->key);
}

const struct json_member **template_sorted(const struct json *obj)
{
	const struct json_member **v = xcalloc(obj->obj.n + 1, sizeof *v);

	for (size_t i = 0; i < obj->obj.n; i++)
		v[i] = &obj->obj.v[i];
	qsort(v, obj->obj.n, sizeof *v, by_key);
	return v;
}

/* ---- fields ---- */

/* Fields that hold Go maps in the types of docker and podman: what is inside is data. */
static bool is_map_field(const char *name)
{
	static const char *const names[] = {
		"Annotations", "Attributes",   "Data",	  "DriverOpts", "ExposedPorts",
		"GraphStatus", "GraphOptions", "Labels",  "LogOpts",	"Networks",
		"Options",     "PortBindings", "Ports",	  "Runtimes",	"StorageOpt",
		"Sysctls",     "Tmpfs",	       "Volumes", "labels",	"options",
	};

	for (size_t i = 0; i < countof(names); i++)
		if (!strcmp(name, names[i]))
			return true;
	return false;
}

int template_no_field(struct err *e, struct pos pos, const struct json *obj, const char *name)
{
	size_t best = SIZE_MAX, limit = strlen(name) / 3 + 1;
	const char *near = NULL;
	scoped(str) all = {0};

	template_fail(e, pos, "there is no field .%.60s", name);
	for (size_t i = 0; i < obj->obj.n; i++) {
		const char *key = obj->obj.v[i].key;
		size_t d = strcasecmp(name, key) ? str_distance(name, key) : 0;
		if (d <= limit && d < best) {
			best = d;
			near = key;
		}
		if (all.len + strlen(key) < 240)
			str_addf(&all, " .%s", key);
	}
	if (near)
		err_hint(e, "did you mean .%s? {{json .}} prints all there is", near);
	else if (obj->obj.n)
		err_hint(e, "fields are:%s", str_cstr(&all));
	return -EINVAL;
}

static const char *const *find_header(struct run *r, const char *name)
{
	for (const char *const *h = r->headers; h && h[0]; h += 2)
		if (!strcmp(h[0], name))
			return h;
	return NULL;
}

static bool upper(char c)
{
	return c >= 'A' && c <= 'Z';
}

static bool lower(char c)
{
	return c >= 'a' && c <= 'z';
}

/* CreatedAt: CREATED AT; CPUPerc: CPU PERC; IPv6: IPV6. */
static int headline_of(struct run *r, struct pos pos, const char *name, struct val *ret)
{
	const char *const *h = find_header(r, name);
	scoped(str) b = {0};

	if (h)
		return template_str(r, pos, h[1], strlen(h[1]), ret);
	for (size_t i = 0; name[i]; i++) {
		bool word = i && upper(name[i]) &&
			    (lower(name[i - 1]) ||
			     (upper(name[i - 1]) && lower(name[i + 1]) && lower(name[i + 2])));
		if (word)
			str_addc(&b, ' ');
		str_addc(&b, lower(name[i]) ? (char)(name[i] - 'a' + 'A') : name[i]);
	}
	return template_str(r, pos, str_cstr(&b), b.len, ret);
}

/* Go's CreatedBy is "created_by" in JSON, and lockNumber is LockNumber: the same letters, with or without underscores. */
static const struct json *go_name(const struct json *obj, const char *name)
{
	for (size_t i = 0; i < obj->obj.n && upper(name[0]); i++) {
		const char *k = obj->obj.v[i].key, *n = name;
		if (!lower(k[0]))
			continue;
		for (; *k && *n; k++) {
			if (*k == '_')
				continue;
			if ((*k | 0x20) != (*n | 0x20))
				break;
			n++;
		}
		if (!*k && !*n)
			return obj->obj.v[i].value;
	}
	return NULL;
}

static int get_field(struct run *r, struct pos pos, struct val from, const char *name,
		     struct val *ret)
{
	if (r->headline)
		return headline_of(r, pos, name, ret);
	if (!from.j) {
		*ret = (struct val){0};
		return 0;
	}
	if (from.j->type != JSON_OBJ)
		return template_fail(r->e, pos, "there is no field .%.60s in %s", name,
				     json_type_name(from.j->type));
	const struct json *j = json_get(from.j, name);
	if (!j && !from.map)
		j = go_name(from.j, name);
	if (!j && !from.map)
		return template_no_field(r->e, pos, from.j, name);
	*ret = (struct val){j, j && is_map_field(name)};
	return 0;
}

/* {{.Label "key"}}; in the first line of a table the last part of the key (docker's SubHeaderContext). */
static int call_method(struct run *r, struct pos pos, struct val from, const char *name,
		       const struct val *args, size_t n, struct val *ret)
{
	if (r->headline && n && args[0].j && args[0].j->type == JSON_STR) {
		const char *s = args[0].j->s, *dot = strrchr(s, '.');
		char *h = arena_strdup(r->a, dot ? dot + 1 : s);
		for (char *p = h; *p; p++)
			if (*p == '-' || *p == '_')
				*p = ' ';
		return template_str(r, pos, h, strlen(h), ret);
	}
	const struct json *map = json_get(from.j, name);
	scoped(str) plural = {0};
	str_addf(&plural, "%ss", name);
	if (!map || map->type != JSON_OBJ)
		map = json_get(from.j, str_cstr(&plural));
	if (n != 1 || !args[0].j || args[0].j->type != JSON_STR || !map || map->type != JSON_OBJ)
		return template_fail(r->e, pos, ".%.60s takes no arguments", name);
	const struct json *j = json_get(map, args[0].j->s);
	*ret = (struct val){j ? j : json_new_str(r->a, ""), false};
	return 0;
}

/* The fields behind a start value; the last one gets the arguments. */
static int eval_fields(struct run *r, const struct arg *arg, struct val from,
		       const struct val *args, size_t nargs, struct val *ret)
{
	for (size_t i = 0; i < arg->nfields; i++) {
		bool last = i + 1 == arg->nfields;
		int err = last && nargs
				  ? call_method(r, arg->pos, from, arg->fields[i], args, nargs, ret)
				  : get_field(r, arg->pos, from, arg->fields[i], ret);
		if (err < 0)
			return err;
		from = *ret;
	}
	*ret = from;
	return 0;
}

/* ---- operands and commands ---- */

static int get_var(struct run *r, const struct arg *arg, struct val *ret)
{
	if (!strcmp(arg->name, "$")) {
		*ret = r->root;
		return 0;
	}
	for (size_t i = r->nvars; i-- > 0;) {
		if (r->vars[i].name && !strcmp(r->vars[i].name, arg->name)) {
			*ret = r->vars[i].v;
			return 0;
		}
		if (!r->vars[i].name) /* the start of this template's own variables */
			break;
	}
	return template_fail(r->e, arg->pos, "the variable %.40s is not defined", arg->name);
}

static int call_func(struct run *r, const struct arg *arg, const struct val *args, size_t n,
		     struct val *ret)
{
	const struct template_func *f = arg->func;

	if (n < (size_t)f->min || (f->max >= 0 && n > (size_t)f->max))
		return template_fail(r->e, arg->pos, "%s does not take %zu argument%s", f->name, n,
				     n == 1 ? "" : "s");
	if (r->headline && f->keeps_headline && n) {
		*ret = args[0];
		return 0;
	}
	return f->fn(r, arg->pos, args, n, ret);
}

/* and, or: the first argument that decides; the rest is not looked at. */
static int eval_and_or(struct run *r, const struct command_node *cmd, struct val dot,
		       const struct val *final, struct val *ret)
{
	bool stop_at = cmd->args[0]->name[0] == 'o';
	size_t n = cmd->nargs - 1 + (final != NULL);

	if (!n)
		return template_fail(r->e, cmd->pos, "%s needs an argument", cmd->args[0]->name);
	for (size_t i = 0; i < n; i++) {
		if (i + 1 < cmd->nargs) {
			int err = eval_arg(r, cmd->args[i + 1], dot, ret);
			if (err < 0)
				return err;
		} else {
			*ret = *final;
		}
		if (template_truth(*ret) == stop_at)
			break;
	}
	return 0;
}

/* A start without its fields. */
static int eval_start(struct run *r, const struct arg *arg, struct val dot, struct val *ret)
{
	switch (arg->kind) {
	case ARG_LITERAL:
		*ret = (struct val){arg->lit, false};
		return 0;
	case ARG_VAR:
		return get_var(r, arg, ret);
	case ARG_PIPE:
		return eval_pipeline(r, arg->pipe, dot, ret);
	default:
		*ret = dot;
		return 0;
	}
}

/* An operand that is an argument: a function stands alone here. */
static int eval_arg(struct run *r, const struct arg *arg, struct val dot, struct val *ret)
{
	struct val start;
	int err;

	if (arg->kind == ARG_FUNC) {
		struct arg *args[] = {(struct arg *)arg};
		struct command_node cmd = {arg->pos, args, 1, NULL};
		struct pipeline pipe = {.pos = arg->pos, .cmds = &cmd};
		if (arg->func->min > 0)
			return call_func(r, arg, NULL, 0, ret);
		return eval_pipeline(r, &pipe, dot, ret);
	}
	if ((err = eval_start(r, arg, dot, &start)) < 0)
		return err;
	return eval_fields(r, arg, start, NULL, 0, ret);
}

static int eval_command(struct run *r, const struct command_node *cmd, struct val dot,
			const struct val *final, struct val *ret)
{
	const struct arg *first = cmd->args[0];
	size_t n = cmd->nargs - 1 + (final != NULL);
	struct val start;
	int err;

	if ((err = spend(r, cmd->pos, 0)) < 0)
		return err;
	if (first->kind == ARG_FUNC &&
	    (!strcmp(first->name, "and") || !strcmp(first->name, "or"))) {
		if ((err = eval_and_or(r, cmd, dot, final, &start)) < 0)
			return err;
		return eval_fields(r, first, start, NULL, 0, ret);
	}
	autofree struct val *args = xcalloc(n + 1, sizeof *args);
	for (size_t i = 1; i < cmd->nargs; i++)
		if ((err = eval_arg(r, cmd->args[i], dot, &args[i - 1])) < 0)
			return err;
	if (final)
		args[n - 1] = *final;
	if (first->kind == ARG_FUNC) {
		if ((err = call_func(r, first, args, n, &start)) < 0)
			return err;
		return eval_fields(r, first, start, NULL, 0, ret);
	}
	if (n && !first->nfields)
		return template_fail(r->e, first->pos,
				     "this is no function, it takes no arguments");
	if ((err = eval_start(r, first, dot, &start)) < 0)
		return err;
	return eval_fields(r, first, start, args, n, ret);
}

static void push_var(struct run *r, const char *name, struct val v)
{
	if (r->nvars == r->vars_cap) {
		r->vars_cap = r->vars_cap ? r->vars_cap * 2 : 16;
		r->vars = xrealloc(r->vars, r->vars_cap * sizeof *r->vars);
	}
	r->vars[r->nvars].name = name;
	r->vars[r->nvars++].v = v;
}

static void set_var(struct run *r, const char *name, struct val v)
{
	for (size_t i = r->nvars; i-- > 0 && r->vars[i].name;) {
		if (!strcmp(r->vars[i].name, name)) {
			r->vars[i].v = v;
			return;
		}
	}
}

static void bind_vars(struct run *r, const struct pipeline *p, struct val first, struct val second)
{
	struct val v[2] = {first, second};

	for (int i = 0; i < p->nvars; i++) {
		if (p->assign)
			set_var(r, p->vars[i], v[i]);
		else
			push_var(r, p->vars[i], v[i]);
	}
}

/* The value only; variables of range are bound per round. */
static int eval_commands(struct run *r, const struct pipeline *p, struct val dot, struct val *ret)
{
	struct val v = {0}, prev;

	for (const struct command_node *c = p->cmds; c; c = c->next) {
		prev = v;
		int err = eval_command(r, c, dot, c == p->cmds ? NULL : &prev, &v);
		if (err < 0)
			return err;
	}
	*ret = v;
	return 0;
}

static int eval_pipeline(struct run *r, const struct pipeline *p, struct val dot, struct val *ret)
{
	int err = eval_commands(r, p, dot, ret);

	if (err == 0)
		bind_vars(r, p, *ret, *ret);
	return err;
}

/* ---- nodes ---- */

/* One round of range. A break or continue ends here, the first as FLOW_BREAK. */
static int run_round(struct run *r, const struct node *n, struct val key, struct val elem)
{
	size_t vars = r->nvars;
	const struct pipeline *p = n->pipe;
	int err = spend(r, n->pos, 0);

	if (err < 0)
		return err;
	bind_vars(r, p, p->nvars == 2 ? key : elem, elem);
	err = run_list(r, n->body, elem);
	r->nvars = vars;
	return err == FLOW_CONTINUE ? FLOW_ON : err;
}

static struct val new_key(struct run *r, const char *key, int64_t i)
{
	return (struct val){key ? json_new_str(r->a, key) : json_new_int(r->a, i), false};
}

static int range_over(struct run *r, const struct node *n, struct val v)
{
	int err = 0;

	if (v.j->type == JSON_ARR) {
		for (size_t i = 0; i < v.j->arr.n && err == FLOW_ON; i++)
			err = run_round(r, n, new_key(r, NULL, (int64_t)i),
					(struct val){v.j->arr.v[i], false});
	} else if (v.j->type == JSON_OBJ) {
		autofree const struct json_member **m = template_sorted(v.j);
		for (size_t i = 0; i < v.j->obj.n && err == FLOW_ON; i++)
			err = run_round(r, n, new_key(r, m[i]->key, 0),
					(struct val){m[i]->value, false});
	} else if (v.j->type == JSON_INT) {
		for (int64_t i = 0; i < v.j->i && err == FLOW_ON; i++) {
			struct val num = new_key(r, NULL, i);
			err = spend(r, n->pos, sizeof *num.j);
			if (err == 0)
				err = run_round(r, n, num, num);
		}
	} else {
		return template_fail(r->e, n->pos, "range cannot go over %s",
				     json_type_name(v.j->type));
	}
	return err == FLOW_BREAK ? FLOW_ON : err;
}

static int run_range(struct run *r, const struct node *n, struct val dot)
{
	struct val v;
	int err = eval_commands(r, n->pipe, dot, &v);

	if (err < 0)
		return err;
	if (v.j && v.j->type == JSON_INT && n->pipe->nvars == 2)
		return template_fail(r->e, n->pos,
				     "range over a number gives one variable, not two");
	if (r->headline && v.j) /* the columns inside, once */
		return run_round(r, n, v, v) < 0 ? -EINVAL : FLOW_ON;
	bool none = !v.j || v.j->type == JSON_NULL || (v.j->type == JSON_INT && v.j->i <= 0) ||
		    ((v.j->type == JSON_ARR || v.j->type == JSON_OBJ) && !template_truth(v));
	return none ? run_list(r, n->otherwise, dot) : range_over(r, n, v);
}

static int run_if_with(struct run *r, const struct node *n, struct val dot)
{
	struct val v;
	int err = eval_pipeline(r, n->pipe, dot, &v);

	if (err < 0)
		return err;
	if (!template_truth(v))
		return run_list(r, n->otherwise, dot);
	return run_list(r, n->body, n->kind == NODE_WITH ? v : dot);
}

static int run_template(struct run *r, const struct node *n, struct val dot)
{
	const struct define *d = r->t->defines;
	struct val v = {0};
	int err;

	while (d && strcmp(d->name, n->text))
		d = d->next;
	if (!d)
		return template_fail(r->e, n->pos, "there is no template \"%.60s\"", n->text);
	if (r->depth >= MAX_CALLS)
		return template_fail(r->e, n->pos, "templates call each other too deeply");
	if (n->pipe && (err = eval_pipeline(r, n->pipe, dot, &v)) < 0)
		return err;
	struct val root = r->root;
	r->root = v;
	r->depth++;
	push_var(r, NULL, v);
	err = run_list(r, d->body, v);
	r->depth--;
	r->root = root;
	return err;
}

static int run_action(struct run *r, const struct node *n, struct val dot)
{
	struct val v;
	int err = eval_pipeline(r, n->pipe, dot, &v);

	if (err < 0 || n->pipe->nvars)
		return err;
	if (v.j)
		template_print(r->out, v.j);
	else
		str_add(r->out, "<no value>");
	return 0;
}

static int run_node(struct run *r, const struct node *n, struct val dot)
{
	switch (n->kind) {
	case NODE_TEXT:
		str_addn(r->out, n->text ? n->text : "", n->len);
		return 0;
	case NODE_ACTION:
		return run_action(r, n, dot);
	case NODE_IF:
	case NODE_WITH:
		return run_if_with(r, n, dot);
	case NODE_RANGE:
		return run_range(r, n, dot);
	case NODE_TEMPLATE:
		return run_template(r, n, dot);
	case NODE_BREAK:
		return FLOW_BREAK;
	case NODE_CONTINUE:
		return FLOW_CONTINUE;
	}
	return 0;
}

/* FLOW_ON, a jump, or a negative errno. Variables of an action live until the end of the list around it. */
static int run_list(struct run *r, const struct node *n, struct val dot)
{
	size_t vars = r->nvars;
	int err = 0;

	for (; n && err == FLOW_ON; n = n->next) {
		size_t before = r->nvars;
		err = spend(r, n->pos, 0);
		if (err == 0)
			err = run_node(r, n, dot);
		if (n->kind != NODE_ACTION)
			r->nvars = before;
	}
	r->nvars = vars;
	return err;
}

static int run_all(struct run *r)
{
	struct err own = {0}, *e = r->e;

	r->e = &own;
	int err = run_list(r, r->t->body, r->root);
	free(r->vars);
	r->e = e;
	if (err < 0 && e)
		*e = own;
	return err < 0 ? err : 0;
}

int template_run(const struct template *t, const struct json *value, struct arena *a,
		 struct str *out, struct err *e)
{
	struct run r = {.t = t, .a = a, .out = out, .e = e, .root = {value, false}};

	return run_all(&r);
}

int template_headline(const struct template *t, const char *const *headers, struct arena *a,
		      struct str *out, struct err *e)
{
	struct run r = {.t = t, .a = a, .out = out, .e = e, .headline = true, .headers = headers};

	r.root.j = json_new(a, JSON_OBJ);
	return run_all(&r);
}
