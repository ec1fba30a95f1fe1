#include "base/base.h"
#include "base/parse.h"
#include "build/check.h"
#include "build/finish.h"
#include "build/run.h"
#include "build/solve.h"
#include "engine/container.h"
#include "store/gc.h"

void build_result_free(struct build_result *r)
{
	arena_free(&r->arena);
}

static int find_target(const struct build *b, size_t *ret, struct err *e)
{
	const struct df_stage *v = b->file.stages.v;
	size_t n = b->file.stages.n;
	struct strv names = {0};

	if (!n)
		return err_fail(e, ERR_DOCKERFILE, "%s has no FROM", b->file.name);
	*ret = n - 1;
	if (str_is_empty(b->o->target))
		return 0;
	*ret = build_stage_find(b, b->o->target, n);
	if (*ret != SIZE_MAX)
		return 0;
	err_fail(e, ERR_DOCKERFILE, "%s has no stage \"%.80s\"", b->file.name, b->o->target);
	for (size_t i = 0; i < n; i++)
		if (v[i].name)
			strv_add(&names, v[i].name);
	const char *near = strv_nearest(&names, b->o->target);
	int r = near ? err_hint(e, "did you mean %s?", near) : -e->code;
	strv_free(&names);
	return r;
}

static void warn_unused(struct build *b)
{
	for (size_t i = 0; i < b->o->args.n; i++) {
		const char *name = b->o->args.v[i].k;
		if (!strs_has(&b->used_args, name) && !scope_is_proxy(name) &&
		    !str_starts(name, "BUILDKIT_") && strcmp(name, "SOURCE_DATE_EPOCH") != 0)
			build_say(b, BUILD_WARNING,
				  arena_printf(b->a, "no ARG of %s takes --build-arg %s",
					       b->file.name, name));
	}
}

static int check_findings(struct build *b, struct build_result *ret, struct err *e)
{
	const struct lint_finding *f = b->lint.found.v;

	for (size_t i = 0; i < b->lint.found.n; i++)
		strs_add(&ret->arena, &ret->warnings,
			 arena_printf(b->a, "%s:%d: %s: %s; %s", b->file.name, f[i].line,
				      lint_name(f[i].rule), f[i].text, lint_advice(f[i].rule)));
	if (!b->file.check_error || !b->lint.found.n)
		return 0;
	err_fail(e, ERR_BUILD_CHECK, "%s", ret->warnings.v[0]);
	return err_hint(e, "# check=error=true in the file makes a failure of it");
}

static int run_all(struct build *b, struct build_result *ret, struct err *e)
{
	struct stage **targets;
	size_t target = 0;
	int r = build_read(b, e);

	if (r == 0)
		r = find_target(b, &target, e);
	if (r == 0)
		r = build_plan(b, target, e);
	if (r < 0)
		return r;
	const struct platform_want *p = b->platforms.v;
	targets = arena_alloc(b->a, b->platforms.n * sizeof *targets);
	for (size_t i = 0; i < b->platforms.n; i++)
		targets[i] = build_stage(b, target, &p[i]);
	/* what is seen before anything runs is told before anything runs */
	if (b->file.check_error && (r = check_findings(b, ret, e)) < 0)
		return r;
	build_say(b, BUILD_PLAN, NULL);
	r = b->o->check_only ? build_check(b, e) : solve(b, targets, b->platforms.n, e);
	ret->steps = b->counted;
	ret->cached = b->cached;
	for (size_t i = 0; i < b->keys.n; i++)
		strs_add(&ret->arena, &ret->keys, b->keys.v[i]);
	if (r == 0)
		r = check_findings(b, ret, e);
	if (r < 0 || b->o->check_only || b->o->dry)
		return r;
	warn_unused(b);
	for (size_t i = 0; i < b->platforms.n && r == 0; i++) {
		struct build_output *out = bind_append(&ret->arena, &ret->outputs, sizeof *out);
		r = finish_target(targets[i], &ret->arena, out, e);
		if (i == 0)
			ret->id = out->id;
	}
	return r;
}

int build_run(const struct home *h, const struct build_opts *o, struct build_result *ret,
	      struct err *e)
{
	scoped(arena) a = {0};
	struct build b = {.h = h, .o = o, .a = &a, .main = CONTEXT_NONE, .jobs = o->jobs};
	struct store_adding mark;

	*ret = (struct build_result){0};
	b.has_epoch = o->has_epoch;
	b.epoch = o->epoch;
	const char *given = pairs_get(&o->args, "SOURCE_DATE_EPOCH");
	if (!b.has_epoch && !str_is_empty(given)) {
		if (parse_i64(given, 0, INT64_MAX / 1000000000, &b.epoch) < 0)
			return err_fail(e, ERR_USAGE,
					"SOURCE_DATE_EPOCH=%.40s: no number of seconds", given);
		b.has_epoch = true;
	}
	struct u0_map map;
	int r = u0_map_find(&map, e);
	if (r < 0)
		return r;
	b.one_id = map.form == FORM_ONE;
	if (b.jobs < 1)
		b.jobs = (int)sysconf(_SC_NPROCESSORS_ONLN);
	containers_recover(h); /* of a build that was killed, too: its members of U0 */
	store_sweep(h);
	r = store_adding_begin(h, &mark, e);
	if (r < 0)
		return r;
	r = run_all(&b, ret, e);
	for (size_t i = 0; i < b.ncontexts; i++)
		context_free(h, &b.contexts[i]->c);
	for (size_t i = 0; i < b.nimages; i++)
		image_free(&b.images[i]->im);
	context_free(h, &b.main);
	if (r < 0)
		store_adding_failed(&mark);
	else
		store_adding_end(h, &mark);
	if (r < 0)
		store_sweep(h);
	return r;
}
