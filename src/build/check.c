#include "base/base.h"
#include "build/check.h"
#include "build/config.h"
#include "build/ignore.h"

/* The config that FROM gives, as far as it is known here: false if it is not. */
static bool base_config(struct stage *s, const char *name)
{
	struct build *b = s->b;
	size_t other = build_stage_find(b, name, s->index);
	struct image im = {0};

	if (!strcmp(name, "scratch"))
		return true;
	if (other != SIZE_MAX) {
		const struct stage *from = build_stage(b, other, s->target);
		stage_take_doc(s, &from->doc);
		return !from->missed;
	}
	if (build_named_context(b, name) || image_find(b->h, name, &im, NULL) < 0)
		return false;
	for (size_t i = 0; i < im.doc.config.env.n; i++)
		strs_add(b->a, &s->doc.config.env, im.doc.config.env.v[i]);
	s->doc.config.working_dir = arena_strdup(b->a, im.doc.config.working_dir);
	image_free(&im);
	return true;
}

static void check_sources(struct build *b, const struct df_instr *i, const struct strs *words)
{
	for (size_t k = 0; k + 1 < words->n; k++) {
		const char *p = words->v[k] + strspn(words->v[k], "/");
		if (strpbrk(p, "*?[") || strstr(p, "://") || !*p)
			continue;
		autofree char *clean = path_clean(p);
		const char *rel = clean + strspn(clean, "/");
		if (*rel && strcmp(rel, ".") != 0 && ignore_matches(b->main.ignore, rel))
			lint_add(&b->file, &b->lint, LINT_COPY_IGNORED_FILE, i->line, i->last_line,
				 "%s leaves out %.200s", b->main.ignore_name, rel);
	}
}

static int check_instr(struct stage *s, const struct df_instr *i, struct err *e)
{
	struct strs words = {0};
	int r = 0;

	if (build_config_only(i->kind) || i->kind == DF_WORKDIR)
		return build_config_apply(&s->doc, i, &s->scope, e);
	if (i->kind == DF_RUN)
		return 0;
	for (size_t k = 0; k < i->words.n && r == 0; k++)
		r = i->json ? 0 : scope_words(&s->scope, i, i->words.v[k], &words, e);
	if (r == 0 && !df_flag(i, "from"))
		check_sources(s->b, i, i->json ? &i->words : &words);
	return r;
}

/* FROM as it is when nobody gives a build argument. */
static void check_default(struct stage *s, const struct df_instr *from)
{
	struct build *b = s->b;
	static const struct pairs none;
	struct scope plain = s->scope;
	const char *name = "";
	const struct df_instr *v = b->file.instrs.v;
	struct reference ref;

	plain.given = &none;
	plain.args = (struct pairs){0};
	plain.undefined = NULL;
	for (size_t i = 0; i < b->file.n_global; i++)
		if (scope_declare(&plain, &v[i], NULL) < 0)
			return;
	for (size_t i = 0; i < s->scope.args.n; i++) /* those of platforms are always there */
		if (strstr(s->scope.args.v[i].k, "PLATFORM") ||
		    str_ends(s->scope.args.v[i].k, "ARCH") || str_ends(s->scope.args.v[i].k, "OS"))
			pairs_set(b->a, &plain.args, s->scope.args.v[i].k, s->scope.args.v[i].v);
	if (scope_word(&plain, from, s->st->base, &name, NULL) < 0 || !*name ||
	    ref_parse(b->a, name, &ref, NULL) < 0)
		lint_add(&b->file, &b->lint, LINT_INVALID_DEFAULT_ARG_IN_FROM, from->line,
			 from->last_line,
			 "without --build-arg it means \"%.100s\", which is no image", name);
}

static int check_stage(struct stage *s, struct err *e)
{
	struct build *b = s->b;
	const struct df_instr *v = b->file.instrs.v, *from = &v[s->st->from];
	struct scope *global = arena_alloc(b->a, sizeof *global);
	const char *name;
	int r = scope_word(&s->scope, from, s->st->base, &name, e);

	if (r < 0)
		return err_context(e, "%s:%d", b->file.name, from->line);
	check_default(s, from);
	*global = s->scope;
	s->missed = !base_config(s, name);
	s->scope.args = (struct pairs){0};
	s->scope.global = global;
	s->scope.env = &s->doc.config.env;
	if (s->missed)
		s->scope.undefined = NULL;
	for (size_t i = 0; i < s->st->n && r == 0; i++) {
		const struct df_instr *at = &v[s->st->first + i];
		r = check_instr(s, at, e);
		if (r < 0)
			err_context(e, "%s:%d", b->file.name, at->line);
	}
	return r;
}

int build_check(struct build *b, struct err *e)
{
	int r = 0;

	/* In the order of the file, so that a stage comes after that of its FROM. */
	for (size_t at = 0; at < b->file.stages.n && r == 0; at++)
		for (size_t i = 0; i < b->nstages && r == 0; i++)
			if (b->stages[i]->index == at)
				r = check_stage(b->stages[i], e);
	return r;
}
