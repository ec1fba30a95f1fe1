/* Templates whose expansion Go itself wrote down: argv[1] is tests/go/templates.json, which templates.go beside it made. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/base.h"
#include "base/path.h"
#include "data/template.h"

static const char *path;

/* The expansion, or NULL if hoy refuses the template. */
static const char *expand(struct arena *a, const char *text, const struct json *value,
			  struct err *e)
{
	scoped(str) out = {0};
	struct template *t = template_parse(a, text, e);

	if (!t || template_run(t, value, a, &out, e) < 0)
		return NULL;
	return arena_strndup(a, str_cstr(&out), out.len);
}

static void as_go_says(void **state)
{
	scoped(arena) all = {0};
	scoped(str) text = {0};
	struct err e = {0};
	size_t bad = 0;

	autoclose int fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0 && fd_read_all(fd, &text, 8 << 20) >= 0);
	struct json *doc = json_parse(&all, text.s, text.len, "templates", NULL, &e);
	const struct json *cases = json_get(doc, "cases");
	assert_true(cases && cases->arr.n > 500);
	for (size_t i = 0; i < cases->arr.n; i++) {
		scoped(arena) a = {0};
		const char *template = cases->arr.v[i]->arr.v[0]->s;
		const struct json *wanted = cases->arr.v[i]->arr.v[1];
		const char *want = wanted->type == JSON_STR ? wanted->s : NULL;
		e = (struct err){0};
		const char *got = expand(&a, template, json_get(doc, "value"), &e);
		if (str_eq(got, want) || (!got && !want))
			continue;
		bad++;
		print_error("%s\n  Go:  %s\n  hoy: %s\n", template, want ? want : "refuses it",
			    got ? got : e.msg);
	}
	assert_int_equal(bad, 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(as_go_says)};

	path = argc > 1 ? argv[1] : "tests/go/templates.json";
	return cmocka_run_group_tests(tests, NULL, NULL);
}
