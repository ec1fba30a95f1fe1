#include "base/base.h"
#include "build/scope.h"

bool scope_is_proxy(const char *name)
{
	static const char *const names[] = {"http_proxy", "https_proxy", "ftp_proxy", "no_proxy",
					    "all_proxy"};

	for (size_t i = 0; i < countof(names); i++)
		if (!strcasecmp(name, names[i]))
			return true;
	return false;
}

const char *scope_get(const struct scope *s, const char *name)
{
	const char *v = s->env ? env_get(s->env, name) : NULL;

	if (!v)
		v = pairs_get(&s->args, name);
	if (!v && scope_is_proxy(name))
		v = pairs_get(s->given, name);
	return v;
}

void scope_set(struct scope *s, const char *name, const char *value)
{
	const char *given = pairs_get(s->given, name);

	pairs_set(s->a, &s->args, name, given ? given : value);
}

static const char *get(void *arg, const char *name)
{
	return scope_get(arg, name);
}

static void undefined(void *arg, const char *name)
{
	struct scope *s = arg;

	if (s->undefined && !strs_has(&s->open, name))
		s->undefined(s->arg, s->at, name);
}

static struct df_vars vars_of(struct scope *s, const struct df_instr *i)
{
	s->at = i;
	return (struct df_vars){.get = get, .undefined = undefined, .arg = s, .escape = s->escape};
}

int scope_word(struct scope *s, const struct df_instr *i, const char *word, const char **ret,
	       struct err *e)
{
	struct df_vars v = vars_of(s, i);

	return df_expand(&v, word, s->a, ret, e);
}

int scope_words(struct scope *s, const struct df_instr *i, const char *word, struct strs *ret,
		struct err *e)
{
	struct df_vars v = vars_of(s, i);

	return df_expand_words(&v, word, s->a, ret, e);
}

int scope_text(struct scope *s, const struct df_instr *i, const char *text, const char **ret,
	       struct err *e)
{
	struct df_vars v = vars_of(s, i);

	return df_expand_raw(&v, text, s->a, ret, e);
}

static void note_used(struct scope *s, const char *name)
{
	if (s->used && pairs_get(s->given, name) && !strs_has(s->used, name))
		strs_add(s->a, s->used, name);
}

int scope_declare(struct scope *s, const struct df_instr *i, struct err *e)
{
	const struct df_pair *p = i->pairs.v;

	for (size_t k = 0; k < i->pairs.n; k++) {
		const char *name, *value = pairs_get(s->given, p[k].name);
		int r = scope_word(s, i, p[k].name, &name, e);
		if (r < 0)
			return r;
		note_used(s, name);
		if (!value && p[k].value) {
			r = scope_word(s, i, p[k].value, &value, e);
			if (r < 0)
				return r;
		}
		if (!value && s->global)
			value = pairs_get(&s->global->args, name);
		if (value)
			pairs_set(s->a, &s->args, name, value);
		else if (!strs_has(&s->open, name))
			strs_add(s->a, &s->open, name);
	}
	return 0;
}

void scope_environment(const struct scope *s, bool proxies, struct arena *a, struct strs *ret)
{
	for (size_t i = 0; proxies && i < s->given->n; i++)
		if (scope_is_proxy(s->given->v[i].k))
			env_set(a, ret, s->given->v[i].k, strlen(s->given->v[i].k),
				s->given->v[i].v);
	for (size_t i = 0; i < s->args.n; i++)
		if (!s->env || !env_get(s->env, s->args.v[i].k))
			env_set(a, ret, s->args.v[i].k, strlen(s->args.v[i].k), s->args.v[i].v);
}
