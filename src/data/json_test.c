/* Unit tests of the JSON reader and writer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/base.h"
#include "data/json.h"

static struct json *parse(struct arena *a, const char *text, struct err *e)
{
	return json_parse(a, text, strlen(text), "t", NULL, e);
}

static void round_trips(void **state)
{
	static const char *const same[] = {
		"{}",
		"[]",
		"null",
		"7",
		"-0.5",
		"\"a\"",
		"[1,[2,[3,{}]],{\"a\":[null,true,false]}]",
		"{\"b\":1,\"a\":{\"c\":\"x\\\"\\\\\\n\\t\\u0001\xc3\xa4<&>\"}}",
		"[9223372036854775807,-9223372036854775808]",
		"[-0,1.5,0.1,1e+30,1.25e-9,0.000001,-1234.5,0.3333333333333333,"
		"12345678901234567000]",
		"[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17]",
		"{\"a\":1,\"b\":1,\"c\":1,\"d\":1,\"e\":1,\"f\":1,\"g\":1,\"h\":1,\"i\":1,\"j\":1,"
		"\"k\":1,"
		"\"l\":1,\"m\":1,\"n\":1}",
	};

	for (size_t i = 0; i < countof(same); i++) {
		scoped(arena) a = {0};
		scoped(str) out = {0};
		struct err e;
		struct json *j = parse(&a, same[i], &e);
		assert_non_null(j);
		json_write(&out, j, 0);
		assert_string_equal(str_cstr(&out), same[i]);
	}
}

static void refusals(void **state)
{
	static const struct {
		const char *text, *msg;
	} t[] = {
		{"", "t:1:1: the text ends too early"},
		{"{\"a\":\n [1,2", "t:2:6: the text ends too early"},
		{"{} x", "t:1:4: more text after the end of the value"},
		{"[1] [2]", "t:1:5: more text after the end of the value"},
		{"{\"a\":1 \"b\":2}", "t:1:8: a comma or } is missing here"},
		{"[1 2]", "t:1:4: a comma or ] is missing here"},
		{"[1,]", "t:1:4: unexpected here"},
		{"{\"a\" 1}", "t:1:6: a colon is missing after the key"},
		{"{a:1}", "t:1:2: an unexpected character"},
		{"{1:1}", "t:1:2: a key in double quotes is missing here"},
		{"[\"\\q\"]", "t:1:4: a bad escape in a string"},
		{"[\"\\u00g0\"]", "t:1:7: a bad \\u escape in a string"},
		{"[\"a\nb\"]", "t:1:4: a control character in a string"},
		{"\n\n [\"a\xff\"]", "t:3:5: invalid UTF-8"},
		{"[\"\xed\xa0\x80\"]", "t:1:3: invalid UTF-8"},
		{"[\"\xc0\xaf\"]", "t:1:3: invalid UTF-8"},
		{"[1, \"a\\u0000b\"]", "t:1:5: a string with a NUL byte"},
		{"{\"a\\u0000b\":1}", "t:1:2: a string with a NUL byte"},
		{"[\"\\ud800\"]", "t:1:2: half of a surrogate pair, which is no character"},
		{"[\"\\ud800\\u0041\"]", "t:1:2: half of a surrogate pair, which is no character"},
		{"[\"\\udc00\"]", "t:1:2: half of a surrogate pair, which is no character"},
		{"{\"a\":1,\n\"b\":2, \"a\":3}",
		 "t:2:12: the key \"a\" stands twice in one object"},
		{"{\"a\":1,\"b\":1,\"c\":1,\"d\":1,\"e\":1,\"f\":1,\"g\":1,\"h\":1,\"i\":1,\"j\":1,"
		 "\"k\":1,"
		 "\"l\":1,\"m\":1,\n\"c\":1}",
		 "t:2:5: the key \"c\" stands twice in one object"},
		{"[1e999]", "t:1:2: a number that is too large"},
		{"[01]", "t:1:3: a comma or ] is missing here"},
		{"[.5]", "t:1:2: an unexpected character"},
		{"/* c */ 1", "t:1:1: comments are not part of JSON"},
		{"nul", NULL},
		{"[truex]", NULL},
		{"'a'", NULL},
		{"[-]", NULL},
		{"[1.]", NULL},
		{"\xef\xbb\xbf{}", NULL},
	};

	for (size_t i = 0; i < countof(t); i++) {
		scoped(arena) a = {0};
		struct err e = {0};
		assert_null(parse(&a, t[i].text, &e));
		assert_int_equal(e.id, ERR_JSON);
		if (t[i].msg)
			assert_string_equal(e.msg, t[i].msg);
	}
}

static void raw_nul(void **state)
{
	scoped(arena) a = {0};
	struct err e = {0};

	assert_null(json_parse(&a, "[1]\0", 4, "t", NULL, &e));
	assert_null(json_parse(&a, "[\"a\0b\"]", 7, "t", NULL, &e));
	assert_null(json_parse(&a, "{}", 2, "t", &(struct json_limits){.max_bytes = 1}, &e));
	assert_string_equal(e.msg, "t: 2 bytes, more than the limit of 1");
	assert_null(json_parse(&a, "[1,2]", 5, "t", &(struct json_limits){.max_nodes = 2}, &e));
	assert_string_equal(e.msg, "t:1:4: too many values");
}

static void depth(void **state)
{
	static const struct {
		const char *piece;
		size_t times;
		const char *msg;
	} t[] = {
		{"[", 200000, "t:1:65: nested too deeply"},
		{"[", 10000, "t:1:65: nested too deeply"},
		{"{\"a\":", 10000, "t:1:321: nested too deeply"},
	};

	for (size_t i = 0; i < countof(t); i++) {
		scoped(arena) a = {0};
		scoped(str) s = {0};
		struct err e = {0};
		for (size_t k = 0; k < t[i].times; k++)
			str_add(&s, t[i].piece);
		assert_null(json_parse(&a, s.s, s.len, "t", NULL, &e));
		assert_string_equal(e.msg, t[i].msg);
	}
	scoped(arena) a = {0};
	scoped(str) s = {0};
	struct err e = {0};
	for (int k = 0; k < 64; k++)
		str_addc(&s, '[');
	for (int k = 0; k < 64; k++)
		str_addc(&s, ']');
	assert_non_null(json_parse(&a, s.s, s.len, "t", NULL, &e));
}

static void numbers(void **state)
{
	scoped(arena) a = {0};
	struct err e;
	struct json *j = parse(
		&a, "[9223372036854775807,9223372036854775808,-9223372036854775809,1e2,-0]", &e);

	assert_non_null(j);
	assert_int_equal(j->arr.v[0]->type, JSON_INT);
	assert_int_equal(j->arr.v[1]->type, JSON_DOUBLE);
	assert_true(j->arr.v[1]->d == 9223372036854775808.0);
	assert_int_equal(j->arr.v[2]->type, JSON_DOUBLE);
	assert_true(j->arr.v[3]->d == 100);
	assert_int_equal(j->arr.v[4]->type, JSON_DOUBLE); /* keeps its sign when written */
}

static void lookups(void **state)
{
	scoped(arena) a = {0};
	struct err e;
	struct json *j = parse(&a,
			       "{\"s\":\"x\",\"i\":5,\"d\":6.0,\"f\":1.5,\"b\":true,\"n\":null,\n  "
			       "\"o\":{\"p\":{\"q\":\"r\"}}}",
			       &e);

	assert_string_equal(json_str(j, "s"), "x");
	assert_null(json_str(j, "i"));
	assert_null(json_str(j, "zz"));
	assert_null(json_str(NULL, "s"));
	assert_int_equal(json_int(j, "i", -1), 5);
	assert_int_equal(json_int(j, "d", -1), 6);
	assert_int_equal(json_int(j, "f", -1), -1);
	assert_true(json_bool(j, "b", false));
	assert_true(json_bool(j, "s", true));
	assert_string_equal(json_path(j, "o.p.q")->s, "r");
	assert_null(json_path(j, "o.x.q"));
	assert_null(json_path(j, "s.x"));
	assert_int_equal(json_get(j, "o")->line, 2);
	assert_int_equal(json_get(j, "o")->col, 7);
	assert_int_equal(json_get(j, "i")->col, 14);
}

static void growing(void **state)
{
	scoped(arena) a = {0};
	scoped(str) out = {0};
	struct err e;
	struct json *j = parse(&a, "{\"l\":[1,2,3,4,5],\"k\":\"v\"}", &e), *l = json_get(j, "l");

	for (int i = 6; i <= 40; i++)
		json_add(&a, l, json_new_int(&a, i));
	assert_int_equal(l->arr.n, 40);
	for (int i = 0; i < 40; i++)
		assert_int_equal(l->arr.v[i]->i, i + 1);
	l->arr.n = 1;
	for (int i = 0; i < 30; i++) {
		char key[8];
		snprintf(key, sizeof key, "x%d", i % 10);
		json_set_int(&a, j, key, i);
	}
	json_set_bool(&a, j, "k", true);
	json_set_str(&a, j, "x0", NULL);
	j->obj.n = 3;
	json_write(&out, j, 2);
	assert_string_equal(str_cstr(&out),
			    "{\n  \"l\": [\n    1\n  ],\n  \"k\": true,\n  \"x0\": null\n}");
}

static void hostile_text(void **state)
{
	scoped(str) out = {0};

	json_write_str(&out, "\x1b[2J\x7f\xc2\x9b\xe2\x80\xae\xff\xc3\xa4");
	assert_string_equal(str_cstr(&out),
			    "\"\\u001b[2J\\u007f\\u009b\\u202e\xef\xbf\xbd\xc3\xa4\"");
}

/* 200,000 keys: quadratic work would take minutes. */
static void many_keys(void **state)
{
	scoped(arena) a = {0};
	scoped(str) s = {0};
	struct err e = {0};

	str_addc(&s, '{');
	for (int i = 0; i < 200000; i++)
		str_addf(&s, "%s\"key%d\":%d", i ? "," : "", i, i);
	str_addc(&s, '}');
	struct json *j = json_parse(&a, s.s, s.len, "t", NULL, &e);
	assert_non_null(j);
	assert_int_equal(j->obj.n, 200000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(round_trips), cmocka_unit_test(refusals),
		cmocka_unit_test(raw_nul),     cmocka_unit_test(depth),
		cmocka_unit_test(numbers),     cmocka_unit_test(lookups),
		cmocka_unit_test(growing),     cmocka_unit_test(hostile_text),
		cmocka_unit_test(many_keys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
