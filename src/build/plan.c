/*
 * How it works: the stage that is wanted is found, and from there all stages that it names, in FROM, COPY --from and RUN --mount, as far as the text alone says so. Names that
 * variables hide are found when their instruction is reached. Bases are looked at before anything runs, so a name that does not exist costs nothing.
 */
#include "base/base.h"
#include "base/parse.h"
#include "build/config.h"
#include "build/stage.h"

/* Without any other time to go by: the oldest that a zip file can hold. */
enum { EPOCH_NONE = 315532800 };

void build_say(struct build *b, enum build_event_kind kind, const char *text)
{
	const struct build_event ev = {.kind = kind, .step = -1, .text = text};

	if (b->o->tell)
		b->o->tell(b->o->arg, &ev);
}

/* ---- the file */

static void undefined(void *arg, const struct df_instr *at, const char *name)
{
	struct build *b = arg;
	bool from = at->kind == DF_FROM;

	lint_add(&b->file, &b->lint, from ? LINT_UNDEFINED_ARG_IN_FROM : LINT_UNDEFINED_VAR,
		 at->line, at->last_line, "nothing sets %.100s", name);
}

static void set_platforms(struct scope *s, const struct platform_want *target)
{
	const struct {
		const char *name;
		const char *os, *arch, *variant;
	} v[] = {{"TARGET", target->os ? target->os : "linux",
		  target->arch ? target->arch : platform_arch(),
		  target->variant ? target->variant
		  : target->arch  ? ""
				  : platform_variant()},
		 {"BUILD", "linux", platform_arch(), platform_variant()}};

	for (size_t i = 0; i < countof(v); i++) {
		scope_set(s, arena_printf(s->a, "%sOS", v[i].name), v[i].os);
		scope_set(s, arena_printf(s->a, "%sARCH", v[i].name), v[i].arch);
		scope_set(s, arena_printf(s->a, "%sVARIANT", v[i].name), v[i].variant);
		scope_set(s, arena_printf(s->a, "%sPLATFORM", v[i].name),
			  arena_printf(s->a, "%s/%s%s%s", v[i].os, v[i].arch,
				       *v[i].variant ? "/" : "", v[i].variant));
	}
}

static int read_platforms(struct build *b, struct err *e)
{
	int r = 0;

	for (size_t i = 0; i < b->o->platforms.n && r == 0; i++)
		r = platform_parse(b->a, b->o->platforms.v[i],
				   bind_append(b->a, &b->platforms, sizeof(struct platform_want)),
				   e);
	if (!b->platforms.n)
		bind_append(b->a, &b->platforms, sizeof(struct platform_want));
	return r;
}

int build_read(struct build *b, struct err *e)
{
	const struct context_opts co = {
		.where = b->o->where,
		.file = b->o->file,
		.ignore_file = b->o->ignore_file,
		.docker = b->o->docker,
		.keep_git_dir = pairs_get(&b->o->args, "BUILDKIT_CONTEXT_KEEP_GIT_DIR") != NULL,
		.in = b->o->in};
	const char *text;
	size_t len;
	int r = context_open(b->h, &co, &b->main, &text, &len, &b->file_name, e);

	if (r == 0)
		r = dockerfile_parse(text, len, b->file_name, b->a, &b->file, e);
	if (r == 0)
		r = read_platforms(b, e);
	if (r < 0)
		return r;
	b->lint.arena = b->a;
	lint_dockerfile(&b->file, &b->lint);
	b->global = (struct scope){.a = b->a,
				   .escape = b->file.escape,
				   .given = &b->o->args,
				   .used = &b->used_args,
				   .undefined = undefined,
				   .arg = b};
	return 0;
}

/* The variables that FROM may use: global ARGs, with the platform of this target. */
static int global_scope(struct build *b, const struct platform_want *target, struct scope *ret,
			struct err *e)
{
	const struct df_instr *v = b->file.instrs.v;
	int r = 0;

	*ret = b->global;
	set_platforms(ret, target);
	for (size_t i = 0; i < b->file.n_global && r == 0; i++)
		r = scope_declare(ret, &v[i], e);
	return r;
}

/* ---- which stages */

size_t build_stage_find(const struct build *b, const char *name, size_t before)
{
	const struct df_stage *v = b->file.stages.v;
	uint64_t n;

	for (size_t i = before; i-- > 0;)
		if (v[i].name && !strcasecmp(v[i].name, name))
			return i;
	if (parse_u64(name, before, &n) == 0 && n < before)
		return (size_t)n;
	return SIZE_MAX;
}

struct stage *build_stage(struct build *b, size_t index, const struct platform_want *target)
{
	const struct df_stage *st = (const struct df_stage *)b->file.stages.v + index;
	struct stage *s;

	for (size_t i = 0; i < b->nstages; i++)
		if (b->stages[i]->index == index && b->stages[i]->target == target)
			return b->stages[i];
	s = arena_alloc(b->a, sizeof *s);
	b->stages = arena_grow(b->a, b->stages, b->nstages * sizeof s, (b->nstages + 1) * sizeof s);
	b->stages[b->nstages++] = s;
	s->b = b;
	s->st = st;
	s->index = index;
	s->target = target;
	s->title = st->name ? st->name : arena_printf(b->a, "%zu", index);
	if (b->platforms.n > 1)
		s->title = arena_printf(b->a, "%s/%s %s", target->os ? target->os : "linux",
					target->arch ? target->arch : platform_arch(), s->title);
	for (size_t i = 0; i < b->o->no_cache_filter.n; i++)
		s->no_cache |=
			build_stage_find(b, b->o->no_cache_filter.v[i], b->file.stages.n) == index;
	s->no_cache |= b->o->no_cache;
	b->steps += 1 + (int)st->n;
	return s;
}

/* The names behind from= of an instruction's mounts, and of its --from. */
static void named_by(struct build *b, const struct df_instr *i, struct strs *ret)
{
	const struct df_flag *f = i->flags.v;

	for (size_t k = 0; k < i->flags.n; k++) {
		if (!f[k].value)
			continue;
		if (!strcmp(f[k].name, "from"))
			strs_add(b->a, ret, f[k].value);
		if (i->kind != DF_RUN || strcmp(f[k].name, "mount") != 0)
			continue;
		for (const char *p = f[k].value; p; p = strchr(p, ',') ? strchr(p, ',') + 1 : NULL)
			if (str_starts(p, "from="))
				strs_add(b->a, ret,
					 arena_strndup(b->a, p + 5, strcspn(p + 5, ",")));
	}
}

int build_plan(struct build *b, size_t target, struct err *e)
{
	const struct platform_want *p = b->platforms.v;
	const struct df_instr *instrs = b->file.instrs.v;

	for (size_t i = 0; i < b->platforms.n; i++)
		for (size_t k = b->o->skip_unused ? target : 0; k <= target; k++)
			build_stage(b, k, &p[i]);
	for (size_t at = 0; at < b->nstages; at++) { /* the list grows meanwhile */
		struct stage *s = b->stages[at];
		struct strs names = {0};
		const char *base;
		int r = global_scope(b, s->target, &s->scope, e);
		if (r == 0)
			r = scope_word(&s->scope, &instrs[s->st->from], s->st->base, &base, e);
		if (r < 0)
			return err_context(e, "%s:%d", b->file.name, instrs[s->st->from].line);
		strs_add(b->a, &names, base);
		const char *after = df_flag(&instrs[s->st->from], "after");
		if (after)
			strs_add(b->a, &names, after);
		for (size_t k = 0; k < s->st->n; k++)
			named_by(b, &instrs[s->st->first + k], &names);
		for (size_t k = 0; k < names.n; k++) {
			size_t found = build_named_context(b, names.v[k])
					       ? SIZE_MAX
					       : build_stage_find(b, names.v[k], s->index);
			if (found != SIZE_MAX)
				build_stage(b, found, s->target);
		}
	}
	return 0;
}

/* ---- where a stage begins */

static struct strs copy_strs(struct arena *a, const struct strs *l)
{
	struct strs ret = {0};

	for (size_t i = 0; i < l->n; i++)
		strs_add(a, &ret, l->v[i]);
	return ret;
}

void stage_take_doc(struct stage *s, const struct image_doc *from)
{
	struct arena *a = s->b->a;
	const struct image_config *c = &from->config;
	const struct image_history *hist = from->history.v;

	s->doc = *from;
	s->doc.config.env = copy_strs(a, &c->env);
	s->doc.config.exposed_ports = copy_strs(a, &c->exposed_ports);
	s->doc.config.volumes = copy_strs(a, &c->volumes);
	s->doc.config.labels = (struct pairs){0};
	for (size_t i = 0; i < c->labels.n; i++)
		pairs_set(a, &s->doc.config.labels, c->labels.v[i].k, c->labels.v[i].v);
	s->doc.history = (struct bind_list){0};
	for (size_t i = 0; i < from->history.n; i++)
		*(struct image_history *)bind_append(a, &s->doc.history, sizeof *hist) = hist[i];
}

static int own_platform(struct stage *s, const struct df_instr *from, struct err *e)
{
	const char *text;

	s->platform = *s->target;
	if (!s->st->platform)
		return 0;
	int r = scope_word(&s->scope, from, s->st->platform, &text, e);
	return r < 0 || !*text ? r : platform_parse(s->b->a, text, &s->platform, e);
}

static int64_t epoch_of(const struct build *b, int64_t base)
{
	return b->o->has_timestamp ? b->o->timestamp : b->has_epoch ? b->epoch : base;
}

static void from_scratch(struct stage *s)
{
	struct platform_want w = s->platform;

	s->doc = (struct image_doc){.os = w.os ? w.os : "linux",
				    .architecture = w.arch ? w.arch : platform_arch(),
				    .variant = w.variant};
	if (!w.arch && *platform_variant())
		s->doc.variant = platform_variant();
	s->doc.rootfs.type = "layers";
	/* what the peers give an empty image */
	strs_add(s->b->a, &s->doc.config.env,
		 "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
	s->epoch = s->newest = epoch_of(s->b, EPOCH_NONE);
}

static int from_image(struct stage *s, const char *name, struct err *e)
{
	struct image *im;
	int r = build_image(s->b, name, &s->platform, &im, e);

	if (r < 0)
		return r;
	stage_take_doc(s, &im->doc);
	for (size_t i = 0; i < im->doc.rootfs.diff_ids.n; i++)
		strs_add(s->b->a, &s->layers, im->doc.rootfs.diff_ids.v[i]);
	s->epoch = s->newest =
		epoch_of(s->b, im->doc.created ? (int64_t)im->created.tv_sec : (int64_t)EPOCH_NONE);
	s->annotations = im->manifest.annotations;
	return image_describe_layers(s->b->h, im, &s->layers, s->b->o->docker_format, s->b->a,
				     &s->blobs, e);
}

/* What its FROM has come to stands: its triggers come first, then its own instructions. */
static int make_ready(struct stage *s, struct err *e)
{
	const struct df_instr *own = s->b->file.instrs.v;
	struct strs triggers = s->doc.config.on_build;
	int r = 0;

	s->doc.config.on_build = (struct strs){0};
	if (!s->b->o->inherit_labels)
		s->doc.config.labels = (struct pairs){0};
	s->base_layers = s->layers.n;
	for (size_t i = 0; i < triggers.n && r == 0; i++) {
		struct df_instr *t = bind_append(s->b->a, &s->instrs, sizeof *t);
		r = dockerfile_parse_one(triggers.v[i],
					 arena_printf(s->b->a, "ONBUILD of %s", s->st->base),
					 s->b->a, t, e);
		t->line = t->last_line = own[s->st->from].line; /* that is what brings it here */
	}
	s->triggers = triggers.n;
	s->b->steps += (int)triggers.n;
	for (size_t i = 0; i < s->st->n; i++)
		*(struct df_instr *)bind_append(s->b->a, &s->instrs, sizeof *own) =
			own[s->st->first + i];
	struct scope global = s->scope;
	struct scope *g = arena_alloc(s->b->a, sizeof *g);
	*g = global;
	s->scope.args = (struct pairs){0};
	s->scope.open = (struct strs){0};
	s->scope.global = g;
	s->scope.env = &s->doc.config.env;
	s->state = STAGE_READY;
	return r;
}

int stage_inherit(struct stage *s, struct err *e)
{
	const struct stage *b = s->base;
	const struct oci_descriptor *d = b->blobs.v;

	stage_take_doc(s, &b->doc);
	for (size_t i = 0; i < b->layers.n; i++) {
		strs_add(s->b->a, &s->layers, b->layers.v[i]);
		*(struct oci_descriptor *)bind_append(s->b->a, &s->blobs, sizeof *d) = d[i];
	}
	s->epoch = b->epoch;
	s->newest = b->newest;
	s->annotations = b->annotations;
	s->missed = b->missed;
	return make_ready(s, e);
}

int stage_begin(struct stage *s, struct err *e)
{
	struct build *b = s->b;
	const struct df_instr *from = (const struct df_instr *)b->file.instrs.v + s->st->from;
	const char *name;
	bool first = b->o->from && s->index == 0;
	int r = first ? (name = b->o->from, 0) : scope_word(&s->scope, from, s->st->base, &name, e);

	if (r == 0)
		r = own_platform(s, from, e);
	if (r == 0 && !*name) {
		err_fail(e, ERR_DOCKERFILE, "FROM \"%.80s\" names no image", s->st->base);
		r = err_hint(e, "give its variable a value: ARG NAME=VALUE before the first FROM, "
				"or --build-arg NAME=VALUE");
	}
	size_t other = r < 0 || build_named_context(b, name) ? SIZE_MAX
							     : build_stage_find(b, name, s->index);
	if (r == 0 && other != SIZE_MAX) {
		s->base = build_stage(b, other, s->target);
		s->state = STAGE_BELOW;
	} else if (r == 0) {
		if (!strcmp(name, "scratch"))
			from_scratch(s);
		else
			r = from_image(s, name, e);
		if (r == 0)
			r = make_ready(s, e);
	}
	return r < 0 ? err_context(e, "%s:%d", b->file.name, from->line) : 0;
}
