/* Fuzz target: a Dockerfile is refused with a place and a reason, or gives instructions that hold what they promise; each can be checked, shown and read again alone. */
#include "base/base.h"
#include "base/fuzz.h"
#include "build/lint.h"

static void check(const struct df_instr *i, struct arena *a)
{
	const struct df_flag *f = i->flags.v;
	struct df_instr again;
	struct err e = {0};

	FUZZ_CHECK(i->rest >= i->text && i->rest <= i->text + strlen(i->text));
	FUZZ_CHECK(i->last_line >= i->line && i->line > 0 && i->column > 0);
	FUZZ_CHECK(strlen(df_command(i)) >= strlen(i->rest));
	for (size_t k = 0; k < i->flags.n; k++)
		FUZZ_CHECK(df_flag(i, f[k].name));
	for (size_t k = 0; k < i->words.n; k++)
		FUZZ_CHECK(i->words.v[k]);
	if (strlen(i->whole) == strlen(i->text) &&
	    dockerfile_parse_one(i->whole, "again", a, &again, &e) == 0) {
		FUZZ_CHECK(again.kind == i->kind && again.words.n == i->words.n);
		FUZZ_CHECK(again.pairs.n == i->pairs.n && again.flags.n == i->flags.n);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	scoped(arena) a = {0};
	scoped(str) out = {0};
	struct dockerfile d;
	struct err e = {0};
	struct lint l = {.arena = &a};

	if (dockerfile_parse((const char *)data, size, "D", &a, &d, &e) < 0) {
		FUZZ_CHECK(e.id == ERR_DOCKERFILE && e.msg[0] == 'D');
		return 0;
	}
	const struct df_instr *v = d.instrs.v;
	const struct df_stage *s = d.stages.v;
	size_t n = d.n_global;
	for (size_t i = 0; i < d.stages.n; i++) {
		FUZZ_CHECK(s[i].from == n && s[i].first == n + 1 && v[s[i].from].kind == DF_FROM);
		n += 1 + s[i].n;
	}
	FUZZ_CHECK(n == d.instrs.n && d.stages.n);
	for (size_t i = 0; i < n; i++)
		check(v[i].sub ? v[i].sub : &v[i], &a);
	lint_dockerfile(&d, &l);
	dockerfile_excerpt(&d, v[n - 1].line, v[n - 1].last_line, &out);
	return 0;
}
