/* Unit tests of the variables of a stage, and of instructions that change the config. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/base.h"
#include "build/config.h"

struct fixture {
	struct arena a;
	struct dockerfile d;
	struct pairs given;
	struct strs used;
	struct scope global, scope;
	struct image_doc doc;
	struct err e;
};

static void on_undefined(void *arg, const struct df_instr *at, const char *name)
{
	(void)at;
	strs_add(&((struct fixture *)arg)->a, &((struct fixture *)arg)->used, name);
}

/* Reads a file of one stage, declares the global ARGs and applies all that follows FROM. */
static int apply(struct fixture *f, const char *text)
{
	int r = dockerfile_parse(text, strlen(text), "D", &f->a, &f->d, &f->e);
	const struct df_instr *v = f->d.instrs.v;

	assert_int_equal(r, 0);
	f->global = (struct scope){.a = &f->a, .escape = '\\', .given = &f->given};
	scope_set(&f->global, "TARGETARCH", "m68k");
	for (size_t i = 0; i < f->d.n_global; i++)
		assert_int_equal(scope_declare(&f->global, &v[i], &f->e), 0);
	f->scope = (struct scope){.a = &f->a,
				  .escape = '\\',
				  .given = &f->given,
				  .global = &f->global,
				  .env = &f->doc.config.env,
				  .undefined = on_undefined,
				  .arg = f};
	for (size_t i = f->d.n_global + 1; i < f->d.instrs.n && r == 0; i++)
		r = build_config_apply(&f->doc, &v[i], &f->scope, &f->e);
	return r;
}

static void test_args(void **state)
{
	struct fixture f = {0};

	(void)state;
	pairs_set(&f.a, &f.given, "B", "given");
	pairs_set(&f.a, &f.given, "http_proxy", "http://p");
	assert_int_equal(apply(&f, "ARG A=1\nARG G=${A}2\nFROM x\nARG A\nARG B=b\nARG C=c$A\n"
				   "ARG TARGETARCH\nARG UNSET\nENV C=env D=$B-$C E=$C\n"
				   "LABEL l=$G$UNSET k=$A$TARGETARCH\n"),
			 0);
	assert_string_equal(scope_get(&f.scope, "A"), "1");
	assert_string_equal(scope_get(&f.scope, "B"), "given");
	assert_string_equal(scope_get(&f.scope, "C"), "env"); /* ENV hides ARG */
	assert_string_equal(env_get(&f.doc.config.env, "D"), "given-c1");
	assert_string_equal(env_get(&f.doc.config.env, "E"), "c1"); /* as it was before the line */
	assert_string_equal(pairs_get(&f.doc.config.labels, "k"), "1m68k");
	assert_string_equal(pairs_get(&f.doc.config.labels, "l"), ""); /* G is not declared here */
	assert_string_equal(scope_get(&f.scope, "http_proxy"), "http://p");
	assert_null(scope_get(&f.scope, "G"));
	assert_int_equal(f.used.n, 1); /* G; UNSET was declared */
	assert_string_equal(f.used.v[0], "G");
	struct strs env = {0};
	scope_environment(&f.scope, false, &f.a, &env);
	assert_null(env_get(&env, "http_proxy"));
	assert_null(env_get(&env, "C"));
	assert_string_equal(env_get(&env, "B"), "given");
	scope_environment(&f.scope, true, &f.a, &env);
	assert_string_equal(env_get(&env, "http_proxy"), "http://p");
	arena_free(&f.a);
}

static void test_config(void **state)
{
	struct fixture f = {0};
	const struct image_config *c = &f.doc.config;

	(void)state;
	strs_add(&f.a, &f.doc.config.cmd, "of the base");
	assert_int_equal(
		apply(&f, "FROM x\nENV P=80\nENTRYPOINT [\"e\"]\nEXPOSE 1:$P 9/UDP\nWORKDIR /a\n"
			  "WORKDIR b/../c\nVOLUME v /w\nSTOPSIGNAL 9\nUSER u:g\nMAINTAINER me\n"
			  "SHELL [\"/bin/x\", \"-y\"]\nONBUILD RUN make\n"
			  "HEALTHCHECK --interval=3s --retries=2 CMD test -e /x\n"),
		0);
	assert_int_equal(c->cmd.n, 0); /* an ENTRYPOINT drops what the base had */
	assert_string_equal(c->exposed_ports.v[0], "80/tcp");
	assert_string_equal(c->exposed_ports.v[1], "9/udp");
	assert_string_equal(c->working_dir, "/a/c");
	assert_string_equal(c->volumes.v[0], "/a/c/v");
	assert_string_equal(c->user, "u:g");
	assert_string_equal(f.doc.author, "me");
	assert_string_equal(c->on_build.v[0], "RUN make");
	assert_string_equal(c->health->test.v[0], "CMD-SHELL");
	assert_string_equal(c->health->test.v[1], "test -e /x");
	assert_int_equal(c->health->retries, 2);
	arena_free(&f.a);
}

static void test_refused(void **state)
{
	static const char *const bad[] = {"EXPOSE 0",
					  "EXPOSE x",
					  "EXPOSE 9-8",
					  "STOPSIGNAL NO",
					  "HEALTHCHECK --interval=x CMD a",
					  "USER ${U:?no user}",
					  "ENV =x",
					  "WORKDIR ${W}"};

	(void)state;
	for (size_t i = 0; i < countof(bad); i++) {
		struct fixture f = {0};
		scoped(str) text = {0};
		str_addf(&text, "FROM x\n%s\n", bad[i]);
		int r = dockerfile_parse(str_cstr(&text), text.len, "D", &f.a, &f.d, &f.e);
		if (r == 0)
			r = apply(&f, str_cstr(&text));
		if (r == 0)
			print_error("taken: %s\n", bad[i]);
		assert_true(r < 0);
		arena_free(&f.a);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_args),
		cmocka_unit_test(test_config),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
