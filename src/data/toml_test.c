/* Unit tests of the TOML reader. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/base.h"
#include "data/toml.h"

/* Texts, and what they are in JSON. */
static void accepted(void **state)
{
	static const char *const t[][2] = {
		{"", "{}"},
		{"\xef\xbb\xbf# nothing", "{}"},
		{"a = 1\r\nb=true # c\n\"c d\" = 'x\\y'\n",
		 "{\"a\":1,\"b\":true,\"c d\":\"x\\\\y\"}"},
		{"1 = +1_000\nx = 0xFf\no = 0o17\nb = 0b101\nn = -0",
		 "{\"1\":1000,\"x\":255,\"o\":15,\"b\":5,\"n\":0}"},
		{"f = [1.5, -2e3, 6.25E-1]", "{\"f\":[1.5,-2000,0.625]}"},
		{"s = \"a\\tb\\\"\\\\\\u00e4\\U0001F600\"",
		 "{\"s\":\"a\\tb\\\"\\\\\xc3\xa4\xf0\x9f\x98\x80\"}"},
		{"s = \"\"\"\none\r\n two \\\n\n   three\"\"\"\"\"",
		 "{\"s\":\"one\\n two three\\\"\\\"\"}"},
		{"s = '''\na\\b''c'''", "{\"s\":\"a\\\\b''c\"}"},
		{"e = \"\"\nl = ''\nm = \"\"\"\"\"\"", "{\"e\":\"\",\"l\":\"\",\"m\":\"\"}"},
		{"a = [ # x\n 1, [2,\n\n3 ] ,\n]\nb = []", "{\"a\":[1,[2,3]],\"b\":[]}"},
		{"t = { a = 1, b.c = 'x', b.d = {} }",
		 "{\"t\":{\"a\":1,\"b\":{\"c\":\"x\",\"d\":{}}}}"},
		{"a.b = 1\na . \"c\" = 2\n[a.d]\nx = 1",
		 "{\"a\":{\"b\":1,\"c\":2,\"d\":{\"x\":1}}}"},
		{"[a.b]\nx=1\n[a]\ny=2\n[ c ]\n", "{\"a\":{\"b\":{\"x\":1},\"y\":2},\"c\":{}}"},
		{"[[r]]\nl='a'\n[[r.m]]\nl='b'\n[[r.m]]\n[[r]]\n[r.t]\nz=1",
		 "{\"r\":[{\"l\":\"a\",\"m\":[{\"l\":\"b\"},{}]},{\"t\":{\"z\":1}}]}"},
	};

	for (size_t i = 0; i < countof(t); i++) {
		scoped(arena) a = {0};
		scoped(str) out = {0};
		struct err e = {0};
		struct json *j = toml_parse(&a, t[i][0], strlen(t[i][0]), "t", &e);
		if (!j)
			fail_msg("%s: %s", t[i][0], e.msg);
		json_write(&out, j, 0);
		assert_string_equal(str_cstr(&out), t[i][1]);
	}
}

static void refused(void **state)
{
	static const char *const t[][2] = {
		{"a", "t:1:2: here = should stand"},
		{"a = ", "t:1:5: here a value should stand"},
		{"= 1", "t:1:1: here a key should stand"},
		{"a = 1 b = 2", "t:1:7: here the line should end"},
		{"a = 1\n\na = 2", "t:3:3: a is there twice"},
		{"a = 1\na.b = 2", "t:2:5: a is there already, and closed"},
		{"a = {b = 1}\na.c = 2", "t:2:5: a is there already, and closed"},
		{"a = {b.c = 1}\n[a.b.d]", "t:2:7: a is there already, and closed"},
		{"a = [{}]\n[[a]]", "t:2:4: a is there already, and is no array of tables"},
		{"[a]\n[a]", "t:2:3: a is there already"},
		{"a.b = 1\n[a]", "t:2:3: a is there already"},
		{"[a.b.c]\n[a]\nb.d = 1", "t:3:5: b is there already, and closed"},
		{"[[a]]\n[a]", "t:2:3: a is there already"},
		{"[a", "t:1:3: here ] should stand"},
		{"[[a]", "t:1:4: here ]] should stand"},
		{"[]", "t:1:2: here a key should stand"},
		{"a = 'x", "t:1:7: a string does not end on its line"},
		{"a = \"x\ny\"", "t:1:7: a string does not end on its line"},
		{"a = '''x\ny''", "t:2:4: a string does not end"},
		{"\"\"\"a\"\"\" = 1", "t:1:1: a key is no string of many lines"},
		{"a = \"\\x\"", "t:1:7: a backslash is followed by nothing"},
		{"a = \"\\u12g4\"", "t:1:10: an escape of 4 hex digits is too short"},
		{"a = \"\\u0000\"", "t:1:12: an escape names no character"},
		{"a = \"\\ud800\"", "t:1:12: an escape names no character"},
		{"a = 012", "t:1:5: here a value should stand"},
		{"a = 1__2", "t:1:5: here a value should stand"},
		{"a = 9223372036854775808", "t:1:5: here a value should stand"},
		{"a = 1.", "t:1:5: here a value should stand"},
		{"a = 1e999", "t:1:5: here a value should stand"},
		{"a = nan", "t:1:5: here a value should stand"},
		{"a = truer", "t:1:5: here a value should stand"},
		{"a = 2020-01-01", "t:1:5: here a value should stand"},
		{"a = [1 2]", "t:1:8: an array goes on with , or ends with ]"},
		{"a = {b = 1,}", "t:1:12: here a key should stand"},
		{"a = {b = 1\n}", "t:1:11: a table in braces goes on"},
		{"a = 1\r", "t:1:6: here stands a control byte"},
		{"# \x01", "t:1:3: here stands a control byte"},
		{"a = '\xff'", "t:1:6: here stands no UTF-8"},
	};

	for (size_t i = 0; i < countof(t); i++) {
		scoped(arena) a = {0};
		struct err e = {0};
		if (toml_parse(&a, t[i][0], strlen(t[i][0]), "t", &e))
			fail_msg("%s: accepted", t[i][0]);
		if (!str_starts(e.msg, t[i][1]))
			fail_msg("%s: wanted %s, got %s", t[i][0], t[i][1], e.msg);
		assert_int_equal(e.id, ERR_TOML);
	}
}

static void bounds(void **state)
{
	scoped(arena) a = {0};
	scoped(str) s = {0};
	struct err e = {0};

	str_add(&s, "a = ");
	for (int i = 0; i < 100; i++)
		str_addc(&s, '[');
	assert_null(toml_parse(&a, str_cstr(&s), s.len, "t", &e));
	assert_non_null(strstr(e.msg, "nested"));
	str_reset(&s);
	str_add(&s, "a = [");
	for (int i = 0; i < TOML_MAX_VALUES; i++)
		str_add(&s, "1,");
	str_add(&s, "]");
	assert_null(toml_parse(&a, str_cstr(&s), s.len, "t", &e));
	assert_non_null(strstr(e.msg, "values"));
	str_reset(&s);
	while (s.len <= TOML_MAX_BYTES)
		str_add(&s, "# nothing\n");
	assert_null(toml_parse(&a, str_cstr(&s), s.len, "t", &e));
	assert_non_null(strstr(e.msg, "bytes"));
	str_reset(&s);
	str_add(&s, "a");
	for (int i = 0; i < 100; i++)
		str_add(&s, ".a");
	str_add(&s, " = 1");
	assert_null(toml_parse(&a, str_cstr(&s), s.len, "t", &e));
	assert_non_null(strstr(e.msg, "parts"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(accepted),
		cmocka_unit_test(refused),
		cmocka_unit_test(bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
