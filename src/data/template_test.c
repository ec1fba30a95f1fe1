/* Unit tests of templates; the expected texts are those of Go's text/template with docker's functions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/base.h"
#include "data/template.h"

static const char doc[] =
	"{\"ID\":\"abc\",\"Name\":\"web one\",\"N\":3,\"F\":1.5,\"On\":true,\"Nil\":null,"
	"\"State\":{\"Status\":\"running\",\"Pid\":7},\"List\":[\"x\",\"y\"],"
	"\"Mounts\":[{\"Source\":\"/a b\"}],\"Label\":{\"b c\":\"v<\",\"a\":\"1\"}}";

static int expand(const char *text, struct str *out, struct err *e)
{
	struct arena a = {0};
	struct json *j = json_parse(&a, doc, strlen(doc), "test", NULL, e);

	assert_non_null(j);
	struct template *t = template_parse(&a, text, e);
	int r = t ? template_run(t, j, &a, out, e) : -EINVAL;
	arena_free(&a);
	return r;
}

static void expansions(void **state)
{
	static const char *const t[][2] = {
		{"", ""},
		{"plain {x} text", "plain {x} text"},
		{"{{.ID}}\\t{{ .Name }}\\n", "abc\tweb one\n"},
		{"{{.State.Status}}/{{.State.Pid}} {{.F}} {{.On}} {{.Nil}}",
		 "running/7 1.5 true <nil>"},
		{"{{.List}} {{.Label}}", "[x y] map[a:1 b c:v<]"},
		{"{{json .Label}}{{json .List}}", "{\"b c\":\"v<\",\"a\":\"1\"}[\"x\",\"y\"]"},
		{"{{.Name | upper}} {{title .Name}} {{.Name | upper | lower}}",
		 "WEB ONE Web One web one"},
		{"{{index .List 1}} {{index .Label \"b c\"}} [{{index .Label \"no\"}}]", "y v< []"},
		{"{{(index .Mounts 0).Source}} {{index .Mounts 0 \"Source\"}}", "/a b /a b"},
		{"{{join .List \", \"}} {{index (split \"a-b\" \"-\") 1}}", "x, y b"},
		{"{{truncate .ID 2}} {{truncate .ID 9}} {{len .List}} {{len .Name}}", "ab abc 2 7"},
		{"[{{pad .ID 1 2}}] [{{pad \"\" 1 2}}]", "[ abc  ] []"},
		{"{{printf \"%-5s|%3d|%q|%%\" .ID .N .Name}}", "abc  |  3|\"web one\"|%"},
		{"{{print .N .N .ID}} {{println 1 \"a\"}}", "3 3abc 1 a\n"},
		{"a {{- .ID -}} b {{/* no */}}c", "aabcb c"},
		{"{{.Label \"a\"}}{{.Label \"zz\"}}", "1"},
		{"{{$.ID}} {{`a\\n`}} {{\"q\\\"\\t\"}}", "abc a\\n q\"\t"},
		{"{{\"a}b\"}}", "a}b"},
	};

	for (size_t i = 0; i < countof(t); i++) {
		scoped(str) out = {0};
		struct err e = {0};
		assert_int_equal(expand(t[i][0], &out, &e), 0);
		assert_string_equal(str_cstr(&out), t[i][1]);
	}
}

static void refusals(void **state)
{
	static const char *const t[][2] = {
		{"{{.Nmae}}", "there is no field .Nmae"},
		{"{{.State.Nope}}", "there is no field .Nope"},
		{"{{.ID.X}}", "no field .X: what stands before it is a string"},
		{"{{.ID", "template, column 3: {{ is not closed by }}"},
		{"{{upper .ID} x", "template, column 3: {{ is not closed by }}"},
		{"{{}}", "template, column 3: a field or function is missing"},
		{"{{.ID | }}", "template, column 9: a field or function is missing"},
		{"{{nope .ID}}", "template, column 3: there is no function \"nope\""},
		{"{{.A..B}}", "template, column 6: a field name is missing after the dot"},
		{"{{\"x}}", "template, column 5: a string is not closed"},
		{"{{(.ID}}", "template, column 7: a parenthesis is not closed"},
		{"{{.ID ) }}", "template, column 7: ')' is unexpected"},
		{"{{12x}}", "template, column 3: this is not a whole number"},
		{"{{upper .N}}", "upper: the arguments do not fit"},
		{"{{index .List 2}}", "index: the list is not that long"},
		{"{{index .List -1}}", "index: the list is not that long"},
		{"{{pad .ID 1 99999999}}", "pad: the arguments do not fit"},
		{"{{printf \"%s\"}}", "printf: the arguments do not fit"},
		{"{{printf \"%999999999999s\" .ID}}", "printf: the arguments do not fit"},
		{"{{upper}}", "upper: the arguments do not fit"},
		{"{{.ID \"x\"}}", "only functions take arguments in a template"},
	};

	for (size_t i = 0; i < countof(t); i++) {
		scoped(str) out = {0};
		struct err e = {0};
		assert_int_equal(expand(t[i][0], &out, &e), -EINVAL);
		assert_string_equal(e.msg, t[i][1]);
		assert_int_equal(e.id, ERR_FORMAT);
	}
}

static void deep(void **state)
{
	scoped(str) text = {0}, out = {0};
	struct err e;

	str_add(&text, "{{");
	for (int i = 0; i < 100000; i++)
		str_addc(&text, '(');
	str_add(&text, ".ID}}");
	assert_int_equal(expand(str_cstr(&text), &out, &e), -EINVAL);
	assert_string_equal(e.msg, "template, column 36: too many parentheses");
}

static void headlines(void **state)
{
	static const char *const headers[] = {"ID", "CONTAINER ID", "Status", "STATUS", NULL};
	struct arena a = {0};
	scoped(str) out = {0};
	struct err e;

	struct template *t =
		template_parse(&a, "{{.ID}}\\t{{upper .Name}}\\t{{.State.Status}}", &e);
	assert_non_null(t);
	assert_int_equal(template_headline(t, headers, &a, &out, &e), 0);
	assert_string_equal(str_cstr(&out), "CONTAINER ID\tNAME\tSTATUS");
	arena_free(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(expansions),
		cmocka_unit_test(refusals),
		cmocka_unit_test(deep),
		cmocka_unit_test(headlines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
