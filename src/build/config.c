#include "base/base.h"
#include "build/config.h"
#include "oci/config_edit.h"

/* An instruction at work. */
struct edit {
	struct image_doc *doc;
	struct image_config *c;
	const struct df_instr *i;
	struct scope *s;
};

static int bad(const struct df_instr *i, const char *why, struct err *e)
{
	return err_fail(e, ERR_DOCKERFILE, "%s: %s", df_kind_name(i->kind), why);
}

bool build_config_only(enum df_kind k)
{
	return k != DF_RUN && k != DF_COPY && k != DF_ADD && k != DF_WORKDIR;
}

void build_config_command(const struct image_config *c, const struct df_instr *i, struct arena *a,
			  struct strs *ret)
{
	if (!i->json) {
		config_shell_command(c, df_command(i), a, ret);
		return;
	}
	*ret = (struct strs){0};
	for (size_t k = 0; k < i->words.n; k++)
		strs_add(a, ret, i->words.v[k]);
}

static int do_arg(struct edit *d, struct err *e)
{
	return scope_declare(d->s, d->i, e);
}

static int do_cmd(struct edit *d, struct err *e)
{
	(void)e;
	build_config_command(d->c, d->i, d->s->a, &d->c->cmd);
	d->s->cmd_set = true;
	return 0;
}

/* The base image's CMD were words for another program. */
static int do_entrypoint(struct edit *d, struct err *e)
{
	(void)e;
	build_config_command(d->c, d->i, d->s->a, &d->c->entrypoint);
	if (!d->s->cmd_set)
		d->c->cmd = (struct strs){0};
	return 0;
}

static int do_env(struct edit *d, struct err *e)
{
	const struct df_pair *p = d->i->pairs.v;
	struct pairs set = {0};

	for (size_t k = 0; k < d->i->pairs.n; k++) {
		const char *name, *value;
		int r = scope_word(d->s, d->i, p[k].name, &name, e);
		if (r == 0)
			r = scope_word(d->s, d->i, p[k].value ? p[k].value : "", &value, e);
		if (r == 0 && (!*name || strchr(name, '=')))
			r = bad(d->i, "a name is empty", e);
		if (r < 0)
			return r;
		pairs_set(d->s->a, &set, name, value);
	}
	for (size_t k = 0; k < set.n; k++)
		env_set(d->s->a, &d->c->env, set.v[k].k, strlen(set.v[k].k), set.v[k].v);
	return 0;
}

static int do_label(struct edit *d, struct err *e)
{
	const struct df_pair *p = d->i->pairs.v;

	for (size_t k = 0; k < d->i->pairs.n; k++) {
		const char *name, *value;
		int r = scope_word(d->s, d->i, p[k].name, &name, e);
		if (r == 0)
			r = scope_word(d->s, d->i, p[k].value ? p[k].value : "", &value, e);
		if (r == 0 && !*name)
			r = bad(d->i, "a name is empty", e);
		if (r < 0)
			return r;
		pairs_set(d->s->a, &d->c->labels, name, value);
	}
	return 0;
}

static int do_maintainer(struct edit *d, struct err *e)
{
	return scope_word(d->s, d->i, d->i->rest, &d->doc->author, e);
}

/* All words of the instruction, expanded; a JSON list as it is, but for its variables. */
static int all_words(struct edit *d, struct strs *ret, struct err *e)
{
	for (size_t k = 0; k < d->i->words.n; k++) {
		const char *w = d->i->words.v[k];
		int r = d->i->json ? scope_text(d->s, d->i, w, &w, e)
				   : scope_words(d->s, d->i, w, ret, e);
		if (r < 0)
			return r;
		if (d->i->json)
			strs_add(d->s->a, ret, w);
	}
	return 0;
}

static int do_expose(struct edit *d, struct err *e)
{
	struct strs words = {0};
	int r = all_words(d, &words, e);

	for (size_t k = 0; r == 0 && k < words.n; k++) {
		/* HOST:CONTAINER, as BuildKit takes it: the host's port means nothing here. */
		const char *colon = strrchr(words.v[k], ':');
		const char *why = config_add_ports(d->c, colon ? colon + 1 : words.v[k], d->s->a);
		if (why) {
			err_fail(e, ERR_DOCKERFILE, "EXPOSE: \"%.60s\" is no port", words.v[k]);
			return err_hint(e, "as in EXPOSE 80 443/tcp 5353/udp 8000-8010");
		}
	}
	return r;
}

static int do_volume(struct edit *d, struct err *e)
{
	struct strs words = {0};
	int r = all_words(d, &words, e);

	for (size_t k = 0; r == 0 && k < words.n; k++) {
		const char *path = words.v[k];
		if (!*path)
			return bad(d->i, "a path is empty", e);
		if (*path != '/')
			path = arena_printf(d->s->a, "%s/%s",
					    d->c->working_dir ? d->c->working_dir : "", path);
		const char *why = config_add_volume(d->c, path, d->s->a);
		if (why)
			r = bad(d->i, why, e);
	}
	return r;
}

static int one_value(struct edit *d, const char **ret, struct err *e)
{
	int r = scope_word(d->s, d->i, d->i->rest, ret, e);

	return r == 0 && !**ret ? bad(d->i, "its value is empty", e) : r;
}

static int do_workdir(struct edit *d, struct err *e)
{
	const char *path;
	int r = one_value(d, &path, e);

	if (r == 0)
		config_set_workdir(d->c, path, d->s->a);
	return r;
}

static int do_user(struct edit *d, struct err *e)
{
	return one_value(d, &d->c->user, e);
}

static int do_stopsignal(struct edit *d, struct err *e)
{
	const char *text;
	int r = one_value(d, &text, e);
	const char *why = r == 0 ? config_set_stop_signal(d->c, text, d->s->a) : NULL;

	return why ? bad(d->i, why, e) : r;
}

static int do_shell(struct edit *d, struct err *e)
{
	if (!d->i->json || !d->i->words.n)
		return bad(d->i, "it takes a JSON list of words, as in [\"/bin/bash\", \"-c\"]", e);
	build_config_command(d->c, d->i, d->s->a, &d->c->shell);
	return 0;
}

static int do_onbuild(struct edit *d, struct err *e)
{
	const char *why = config_check_on_build(d->i->rest);

	if (why)
		return bad(d->i, why, e);
	strs_add(d->s->a, &d->c->on_build, d->i->sub->whole);
	return 0;
}

static int do_healthcheck(struct edit *d, struct err *e)
{
	struct image_health *h = arena_alloc(d->s->a, sizeof *h);
	const struct df_flag *f = d->i->flags.v;
	const char *rest = d->i->rest;

	for (size_t k = 0; k < d->i->flags.n; k++) {
		const char *why = config_health_flag(h, f[k].name, f[k].value ? f[k].value : "");
		if (why)
			return err_fail(e, ERR_DOCKERFILE, "HEALTHCHECK: --%.40s: %s", f[k].name,
					why);
	}
	d->c->health = h;
	if (!strcasecmp(rest, "NONE")) {
		strs_add(d->s->a, &h->test, "NONE");
		return 0;
	}
	/* The words behind CMD are read as CMD would be: json says whether they are a list. */
	if (strncasecmp(rest, "CMD", 3) != 0 || !strchr(" \t[", rest[3]))
		return bad(d->i, "it is neither NONE nor CMD COMMAND", e);
	rest += 3 + strspn(rest + 3, " \t");
	if (!*rest)
		return bad(d->i, "it has no command", e);
	strs_add(d->s->a, &h->test, d->i->json ? "CMD" : "CMD-SHELL");
	if (!d->i->json)
		strs_add(d->s->a, &h->test, rest);
	for (size_t k = 0; d->i->json && k < d->i->words.n; k++)
		strs_add(d->s->a, &h->test, d->i->words.v[k]);
	return 0;
}

int build_config_apply(struct image_doc *doc, const struct df_instr *i, struct scope *s,
		       struct err *e)
{
	static int (*const run[DF_KINDS])(struct edit * d, struct err * e) = {
		[DF_ARG] = do_arg,
		[DF_CMD] = do_cmd,
		[DF_ENTRYPOINT] = do_entrypoint,
		[DF_ENV] = do_env,
		[DF_EXPOSE] = do_expose,
		[DF_HEALTHCHECK] = do_healthcheck,
		[DF_LABEL] = do_label,
		[DF_MAINTAINER] = do_maintainer,
		[DF_ONBUILD] = do_onbuild,
		[DF_SHELL] = do_shell,
		[DF_STOPSIGNAL] = do_stopsignal,
		[DF_USER] = do_user,
		[DF_VOLUME] = do_volume,
		[DF_WORKDIR] = do_workdir,
	};
	struct edit d = {doc, &doc->config, i, s};

	return run[i->kind] ? run[i->kind](&d, e) : 0;
}
