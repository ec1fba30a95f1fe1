/*
 * One pass over the instructions, with what is known of the stage so far; what a rule wants to know of the whole file (which case is usual, which names exist) is counted before.
 */
#include "base/base.h"
#include "build/expand.h"
#include "build/lint.h"
#include "oci/reference.h"

static const struct rule {
	const char *name, *advice;
	bool experimental;
} rules[LINT_RULES] = {
	[LINT_JSON_ARGS_RECOMMENDED] = {"JSONArgsRecommended",
					"a shell stands between the program and its signals: "
					"give a JSON list, or say SHELL if that is meant"},
	[LINT_REDUNDANT_TARGET_PLATFORM] = {"RedundantTargetPlatform",
					    "leave --platform out: that is what it would be"},
	[LINT_MULTIPLE_INSTRUCTIONS_DISALLOWED] = {"MultipleInstructionsDisallowed",
						   "only the last one of a stage counts"},
	[LINT_UNDEFINED_VAR] = {"UndefinedVar", "declare it with ARG or ENV before it is used"},
	[LINT_UNDEFINED_ARG_IN_FROM] = {"UndefinedArgInFrom",
					"declare it with ARG before the first FROM"},
	[LINT_NO_EMPTY_CONTINUATION] = {"NoEmptyContinuation",
					"take the line out, or make a comment of it"},
	[LINT_LEGACY_KEY_VALUE_FORMAT] = {"LegacyKeyValueFormat", "write NAME=VALUE"},
	[LINT_EXPOSE_PROTO_CASING] = {"ExposeProtoCasing", "write tcp, udp or sctp"},
	[LINT_FROM_AS_CASING] = {"FromAsCasing", "write both in capitals, or both not"},
	[LINT_INVALID_DEFAULT_ARG_IN_FROM] = {"InvalidDefaultArgInFrom",
					      "give the ARG a default that makes a name of it"},
	[LINT_WORKDIR_RELATIVE_PATH] = {"WorkdirRelativePath",
					"begin it with /: what it means depends on the base image"},
	[LINT_COPY_IGNORED_FILE] = {"CopyIgnoredFile", "change the ignore file, or do not copy it",
				    true},
	[LINT_CONSISTENT_INSTRUCTION_CASING] = {"ConsistentInstructionCasing",
						"write all instructions in the same case"},
	[LINT_EXPOSE_INVALID_FORMAT] =
		{"ExposeInvalidFormat",
		 "name the port of the container alone: where it is published "
		 "is said by who runs it"},
	[LINT_STAGE_NAME_CASING] = {"StageNameCasing",
				    "names of stages are compared in lower case"},
	[LINT_INVALID_DEFINITION_DESCRIPTION] = {"InvalidDefinitionDescription",
						 "begin it with that name, or put an empty line "
						 "between",
						 true},
	[LINT_SECRETS_USED_IN_ARG_OR_ENV] = {"SecretsUsedInArgOrEnv",
					     "its value can be read in the image: use RUN "
					     "--mount=type=secret"},
	[LINT_MAINTAINER_DEPRECATED] = {"MaintainerDeprecated",
					"write LABEL org.opencontainers.image.authors=..."},
	[LINT_RESERVED_STAGE_NAME] = {"ReservedStageName",
				      "take another one: this one has a meaning of its own"},
	[LINT_DUPLICATE_STAGE_NAME] = {"DuplicateStageName", "give each stage a name of its own"},
	[LINT_FROM_PLATFORM_FLAG_CONST_DISALLOWED] = {"FromPlatformFlagConstDisallowed",
						      "leave --platform out, or use a variable, or "
						      "name the stage after it"},
};

const char *lint_name(enum lint_rule r)
{
	return rules[r].name;
}

const char *lint_advice(enum lint_rule r)
{
	return rules[r].advice;
}

static bool wanted(const struct dockerfile *d, enum lint_rule r)
{
	const struct strs *skip = &d->check_skip, *more = &d->check_more;

	if (strs_has(skip, "all") || strs_has(skip, rules[r].name))
		return false;
	return !rules[r].experimental || strs_has(more, "all") || strs_has(more, rules[r].name);
}

void lint_add(const struct dockerfile *d, struct lint *l, enum lint_rule rule, int line,
	      int last_line, const char *fmt, ...)
{
	char text[300];
	va_list ap;

	if (!wanted(d, rule) || l->found.n >= LINT_MAX)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	struct lint_finding *v = l->found.v;
	size_t at = l->found.n;
	while (at && v[at - 1].line > line)
		at--;
	for (size_t i = at; i-- > 0 && v[i].line == line;)
		if (v[i].rule == rule && !strcmp(v[i].text, text))
			return;
	bind_append(l->arena, &l->found, sizeof *v);
	v = l->found.v;
	memmove(v + at + 1, v + at, (l->found.n - 1 - at) * sizeof *v);
	v[at] = (struct lint_finding){rule, line, last_line, arena_strdup(l->arena, text)};
}

/* ---- what is known */

struct look {
	const struct dockerfile *d;
	struct lint *l;
	bool lower;			 /* most instructions are written in lower case */
	const struct df_stage **by_name; /* stages with names, sorted by name, then by place */
	size_t n_names;
	bool *absolute; /* of each stage: WORKDIR has been absolute at its end */
	/* of the stage */
	size_t stage;
	bool shell;
	const struct df_instr *once[DF_KINDS];
};

static void tell(struct look *k, enum lint_rule rule, const struct df_instr *i, const char *fmt,
		 ...) printf_like(4, 5);

static void tell(struct look *k, enum lint_rule rule, const struct df_instr *i, const char *fmt,
		 ...)
{
	char text[300];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	lint_add(k->d, k->l, rule, i->line, i->last_line, "%s", text);
}

static bool has_lower(const char *s)
{
	for (; *s; s++)
		if (*s >= 'a' && *s <= 'z')
			return true;
	return false;
}

static bool has_upper(const char *s)
{
	for (; *s; s++)
		if (*s >= 'A' && *s <= 'Z')
			return true;
	return false;
}

static bool has_variable(const char *s)
{
	return strchr(s, '$') != NULL;
}

static void count_case(struct look *k)
{
	const struct df_instr *v = k->d->instrs.v;
	size_t lower = 0, upper = 0;

	for (size_t i = 0; i < k->d->instrs.n; i++) {
		lower += !has_upper(v[i].word);
		upper += !has_lower(v[i].word);
	}
	k->lower = lower > upper;
}

static int by_name(const void *a, const void *b)
{
	const struct df_stage *x = *(const struct df_stage *const *)a;
	const struct df_stage *y = *(const struct df_stage *const *)b;
	int c = strcmp(x->name, y->name);

	return c ? c : (x > y) - (x < y);
}

static void sort_names(struct look *k)
{
	const struct df_stage *v = k->d->stages.v;

	k->by_name = arena_alloc(k->l->arena, (k->d->stages.n + 1) * sizeof *k->by_name);
	k->absolute = arena_alloc(k->l->arena, k->d->stages.n + 1);
	for (size_t i = 0; i < k->d->stages.n; i++)
		if (v[i].name)
			k->by_name[k->n_names++] = &v[i];
	qsort(k->by_name, k->n_names, sizeof *k->by_name, by_name);
}

/* The last stage of this name before the present one; SIZE_MAX: none. */
static size_t stage_named(const struct look *k, const char *name)
{
	const struct df_stage *v = k->d->stages.v;
	size_t lo = 0, hi = k->n_names;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;
		int c = strcasecmp(k->by_name[mid]->name, name);
		if (c < 0 || (c == 0 && k->by_name[mid] < v + k->stage))
			lo = mid + 1;
		else
			hi = mid;
	}
	if (!lo || strcasecmp(k->by_name[lo - 1]->name, name) != 0)
		return SIZE_MAX;
	return (size_t)(k->by_name[lo - 1] - v);
}

/* ---- the rules */

/* A name has one of these words between its underscores. */
static bool has_word(const char *name, const char *const *list)
{
	while (*name) {
		size_t n = strcspn(name, "_");
		for (const char *const *w = list; *w; w++)
			if (strlen(*w) == n && !strncasecmp(name, *w, n))
				return true;
		name += n + (name[n] == '_');
	}
	return false;
}

static void secret_name(struct look *k, const struct df_instr *i)
{
	static const char *const bad[] = {"apikey", "auth",	"credential", "credentials",
					  "key",    "password", "pword",      "passwd",
					  "secret", "token",	NULL};
	static const char *const good[] = {"public", NULL};
	const struct df_pair *p = i->pairs.v;

	for (size_t n = 0; n < i->pairs.n; n++)
		if (has_word(p[n].name, bad) && !has_word(p[n].name, good))
			tell(k, LINT_SECRETS_USED_IN_ARG_OR_ENV, i,
			     "%s %.80s is named like a secret", df_kind_name(i->kind), p[n].name);
}

static void old_form(struct look *k, const struct df_instr *i)
{
	const struct df_pair *p = i->pairs.v;

	if (i->pairs.n && p->old)
		tell(k, LINT_LEGACY_KEY_VALUE_FORMAT, i, "%s %.80s has no = before its value",
		     df_kind_name(i->kind), p->name);
}

static void casing(struct look *k, const struct df_instr *i)
{
	if (k->lower ? has_upper(i->word) : has_lower(i->word))
		tell(k, LINT_CONSISTENT_INSTRUCTION_CASING, i,
		     has_lower(i->word) && has_upper(i->word)
			     ? "%s is neither in capitals nor without"
			     : "%s is not written as most instructions of the file are",
		     i->word);
}

static void ports(struct look *k, const struct df_instr *i)
{
	for (size_t n = 0; n < i->words.n; n++) {
		const char *w = i->words.v[n], *slash = strchr(w, '/');
		const char *dollar = strchr(w, '$');
		if (slash && !has_variable(slash) && has_upper(slash))
			tell(k, LINT_EXPOSE_PROTO_CASING, i, "%.80s has a protocol in capitals", w);
		/* ${V:-1} has a colon, too */
		const char *colon = strchr(w, ':');
		if (colon && (!dollar || colon < dollar))
			tell(k, LINT_EXPOSE_INVALID_FORMAT, i,
			     "%.80s has an address or a port of the host", w);
	}
}

/* What a comment right before FROM and ARG is about, if it says so. */
static void description(struct look *k, const struct df_instr *i, const char *name)
{
	const struct df_pair *p = i->pairs.v;
	size_t n = i->comment ? strcspn(i->comment, " ") : 0;
	bool fits = name && strlen(name) == n && !strncasecmp(i->comment, name, n);

	for (size_t m = 0; n && m < i->pairs.n; m++)
		fits |= strlen(p[m].name) == n && !strncmp(i->comment, p[m].name, n);
	if (n && !fits && (name || i->pairs.n))
		tell(k, LINT_INVALID_DEFINITION_DESCRIPTION, i,
		     "the comment before it does not begin with %.80s", name ? name : p->name);
}

static void workdir(struct look *k, const struct df_instr *i)
{
	const char *path = i->rest + strspn(i->rest, "\"'");

	if (*path == '/' || *path == '$')
		k->absolute[k->stage] = true;
	else if (!k->absolute[k->stage])
		tell(k, LINT_WORKDIR_RELATIVE_PATH, i,
		     "%.80s is relative, with no absolute one before", i->rest);
}

/* An instruction of which a stage has one; the one before is what nobody will see. */
static void once(struct look *k, const struct df_instr *i)
{
	const struct df_instr *before = k->once[i->kind];

	if (before)
		tell(k, LINT_MULTIPLE_INSTRUCTIONS_DISALLOWED, before,
		     "another %s of the stage replaces this one", df_kind_name(i->kind));
	k->once[i->kind] = i;
	if (i->kind != DF_HEALTHCHECK && !i->json && !k->shell)
		tell(k, LINT_JSON_ARGS_RECOMMENDED, i, "%s is not given as a JSON list",
		     df_kind_name(i->kind));
}

/* The name of a stage says which platform it is for. */
static bool named_after(const char *name, const char *platform)
{
	const char *slash = strchr(platform, '/');
	size_t os = slash ? (size_t)(slash - platform) : strlen(platform);
	size_t arch = slash ? strcspn(slash + 1, "/") : 0;
	autofree char *lower = xstrdup(platform);

	for (char *p = lower; *p; p++)
		*p = (char)(*p >= 'A' && *p <= 'Z' ? *p + 32 : *p);
	lower[os] = 0;
	if (slash)
		lower[os + 1 + arch] = 0;
	return strstr(name, lower) || (arch && strstr(name, lower + os + 1));
}

static void from(struct look *k, const struct df_instr *i, const struct df_stage *s)
{
	const char *p = s->platform;

	if (p && (!strcmp(p, "$TARGETPLATFORM") || !strcmp(p, "${TARGETPLATFORM}")))
		tell(k, LINT_REDUNDANT_TARGET_PLATFORM, i,
		     "--platform=%s is what FROM takes anyway", p);
	if (p && *p && !has_variable(p) && !(s->name && named_after(s->name, p)))
		tell(k, LINT_FROM_PLATFORM_FLAG_CONST_DISALLOWED, i,
		     "--platform=%.80s is a constant", p);
	if (!s->name)
		return;
	const char *typed = i->words.v[2], *as = i->words.v[1];
	if (has_upper(typed))
		tell(k, LINT_STAGE_NAME_CASING, i, "the stage %.80s is named in capitals", typed);
	if (has_lower(as) != has_lower(i->word) || has_upper(as) != has_upper(i->word))
		tell(k, LINT_FROM_AS_CASING, i, "%s and %s are not in the same case", i->word, as);
	if (!strcmp(s->name, "scratch") || !strcmp(s->name, "context"))
		tell(k, LINT_RESERVED_STAGE_NAME, i, "%s is no name for a stage", s->name);
	size_t first = stage_named(k, s->name);
	if (first != SIZE_MAX)
		tell(k, LINT_DUPLICATE_STAGE_NAME, i, "an earlier stage is named %.80s, too",
		     s->name);
}

static void instruction(struct look *k, const struct df_instr *i)
{
	casing(k, i);
	if (i->gap)
		tell(k, LINT_NO_EMPTY_CONTINUATION, i, "an empty line stands in it");
	switch (i->kind) {
	case DF_ARG:
		description(k, i, NULL);
		secret_name(k, i);
		break;
	case DF_ENV:
		secret_name(k, i);
		old_form(k, i);
		break;
	case DF_LABEL:
		old_form(k, i);
		break;
	case DF_CMD:
	case DF_ENTRYPOINT:
	case DF_HEALTHCHECK:
		once(k, i);
		break;
	case DF_EXPOSE:
		ports(k, i);
		break;
	case DF_MAINTAINER:
		tell(k, LINT_MAINTAINER_DEPRECATED, i, "MAINTAINER is deprecated");
		break;
	case DF_SHELL:
		k->shell = true;
		break;
	case DF_WORKDIR:
		workdir(k, i);
		break;
	default:
		break;
	}
}

/* ---- names of base images without any --build-arg */

static const char *default_of(void *arg, const char *name)
{
	static const char *const known[] = {
		"TARGETPLATFORM", "linux/amd64", "TARGETOS",	  "linux",
		"TARGETARCH",	  "amd64",	 "TARGETVARIANT", "",
		"BUILDPLATFORM",  "linux/amd64", "BUILDOS",	  "linux",
		"BUILDARCH",	  "amd64",	 "BUILDVARIANT",  ""};
	const char *v = pairs_get(arg, name);

	for (size_t i = 0; !v && i < countof(known); i += 2)
		if (!strcmp(known[i], name))
			v = known[i + 1];
	return v;
}

/* The global ARGs with their defaults; one without has "". */
static void defaults(struct look *k, struct pairs *ret)
{
	const struct df_instr *v = k->d->instrs.v;
	const struct df_vars vars = {.get = default_of, .arg = ret, .escape = k->d->escape};

	for (size_t i = 0; i < k->d->n_global; i++) {
		const struct df_pair *p = v[i].pairs.v;
		for (size_t n = 0; n < v[i].pairs.n; n++) {
			const char *value = "";
			if (p[n].value &&
			    df_expand(&vars, p[n].value, k->l->arena, &value, NULL) < 0)
				value = "";
			pairs_set(k->l->arena, ret, p[n].name, value);
		}
	}
}

static void base_names(struct look *k)
{
	const struct df_stage *v = k->d->stages.v;
	const struct df_instr *instrs = k->d->instrs.v;
	struct pairs args = {0};
	const struct df_vars vars = {.get = default_of, .arg = &args, .escape = k->d->escape};

	defaults(k, &args);
	for (size_t i = 0; i < k->d->stages.n && k->l->found.n < LINT_MAX; i++) {
		struct strs used = {0};
		struct reference ref;
		const char *name;
		bool all = has_variable(v[i].base);
		if (!all)
			continue;
		df_variables(v[i].base, k->d->escape, k->l->arena, &used);
		for (size_t n = 0; n < used.n; n++)
			all &= default_of(&args, used.v[n]) != NULL;
		if (!all || df_expand(&vars, v[i].base, k->l->arena, &name, NULL) < 0)
			continue;
		if (!*name || ref_parse(k->l->arena, name, &ref, NULL) < 0)
			tell(k, LINT_INVALID_DEFAULT_ARG_IN_FROM, &instrs[v[i].from],
			     "%.80s is no image without --build-arg", v[i].base);
	}
}

void lint_dockerfile(const struct dockerfile *d, struct lint *l)
{
	struct look k = {.d = d, .l = l};
	const struct df_instr *v = d->instrs.v;
	const struct df_stage *s = d->stages.v;

	count_case(&k);
	sort_names(&k);
	for (size_t i = 0; i < d->n_global; i++)
		instruction(&k, &v[i]);
	for (k.stage = 0; k.stage < d->stages.n; k.stage++) {
		const struct df_stage *st = &s[k.stage];
		size_t base = stage_named(&k, st->base);
		k.shell = false;
		memset(k.once, 0, sizeof k.once);
		k.absolute[k.stage] = base != SIZE_MAX && k.absolute[base];
		casing(&k, &v[st->from]);
		if (v[st->from].gap)
			tell(&k, LINT_NO_EMPTY_CONTINUATION, &v[st->from],
			     "an empty line stands in it");
		description(&k, &v[st->from], st->name);
		from(&k, &v[st->from], st);
		for (size_t i = 0; i < st->n; i++)
			instruction(&k, &v[st->first + i]);
	}
	base_names(&k);
}
