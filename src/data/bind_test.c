/* Unit tests of the binding of structs to JSON. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/base.h"
#include "data/bind.h"

struct point {
	int64_t x;
	const char *label;
};

struct thing {
	const char *name;
	bool on;
	int64_t n;
	struct strs args;
	struct pairs labels;
	struct strs ports;
	struct point at;
	struct point *maybe;
	struct bind_list path;
	struct json *any;
};

static const struct bind_field point_fields[] = {
	{"x", BIND_INT, offsetof(struct point, x), .flags = BIND_REQUIRED | BIND_ALWAYS},
	{"label", BIND_STR, offsetof(struct point, label)},
	{0},
};

static const struct bind_field thing_fields[] = {
	{"name", BIND_STR, offsetof(struct thing, name)},
	{"on", BIND_BOOL, offsetof(struct thing, on)},
	{"n", BIND_INT, offsetof(struct thing, n)},
	{"args", BIND_STRS, offsetof(struct thing, args), .flags = BIND_ALWAYS},
	{"labels", BIND_PAIRS, offsetof(struct thing, labels)},
	{"ports", BIND_SET, offsetof(struct thing, ports)},
	{"at", BIND_OBJ, offsetof(struct thing, at), point_fields},
	{"maybe", BIND_PTR, offsetof(struct thing, maybe), point_fields, sizeof(struct point)},
	{"path", BIND_LIST, offsetof(struct thing, path), point_fields, sizeof(struct point)},
	{"any", BIND_JSON, offsetof(struct thing, any)},
	{0},
};

static int read_thing(struct arena *a, const char *text, struct thing *t, struct err *e)
{
	struct json *j = json_parse(a, text, strlen(text), "t", NULL, e);

	assert_non_null(j);
	return bind_read(thing_fields, t, j, "t", a, e);
}

static void both_ways(void **state)
{
	static const char text[] = "{\"name\":\"n\",\"on\":true,\"n\":5,\"args\":[\"a\",\"\"],"
				   "\"labels\":{\"k\":\"v\",\"l\":\"\"},\"ports\":{\"80/tcp\":{}},"
				   "\"at\":{\"x\":1},\"maybe\":{\"x\":0,\"label\":\"m\"},"
				   "\"path\":[{\"x\":1},{\"x\":2},{\"x\":3},{\"x\":4},{\"x\":5}],"
				   "\"any\":[1,{\"z\":null}]}";
	scoped(arena) a = {0};
	scoped(str) out = {0};
	struct thing t = {0};
	struct err e = {0};

	assert_int_equal(read_thing(&a, text, &t, &e), 0);
	assert_string_equal(t.maybe->label, "m");
	assert_int_equal(t.path.n, 5);
	json_write(&out, bind_write(thing_fields, &t, &a), 0);
	assert_string_equal(str_cstr(&out), text);
	struct point *p = bind_append(&a, &t.path, sizeof *p);
	p->x = 6;
	for (int64_t i = 7; i < 20; i++)
		((struct point *)bind_append(&a, &t.path, sizeof *p))->x = i;
	for (int64_t i = 0; i < 19; i++)
		assert_int_equal(((struct point *)t.path.v)[i].x, i + 1);
	pairs_set(&a, &t.labels, "m", "w");
	pairs_set(&a, &t.labels, "n", "w");
	pairs_set(&a, &t.labels, "o", "w");
	assert_string_equal(pairs_get(&t.labels, "k"), "v");
	assert_string_equal(pairs_get(&t.labels, "o"), "w");
}

static void empty_and_defaults(void **state)
{
	scoped(arena) a = {0};
	scoped(str) out = {0};
	struct thing t = {.name = "default", .at = {.x = 3}};
	struct err e = {0};

	assert_int_equal(read_thing(&a, "{\"name\":null,\"unknown\":[1],\"n\":2.0}", &t, &e), 0);
	assert_string_equal(t.name, "default");
	assert_int_equal(t.n, 2);
	assert_int_equal(t.at.x, 3);
	assert_null(t.maybe);
	t = (struct thing){0};
	json_write(&out, bind_write(thing_fields, &t, &a), 0);
	assert_string_equal(str_cstr(&out), "{\"args\":[],\"at\":{\"x\":0}}");
}

static void wrong_types(void **state)
{
	static const char *const t[][2] = {
		{"{\"name\":5}", "t:1:9: \"name\" is a number, wanted a string"},
		{"{\"on\":\"x\"}", "t:1:7: \"on\" is a string, wanted a boolean"},
		{"{\"n\":1.5}",
		 "t:1:6: \"n\" is a number, wanted a whole number that fits into 64 bits"},
		{"{\"n\":\"5\"}",
		 "t:1:6: \"n\" is a string, wanted a whole number that fits into 64 bits"},
		{"{\"n\":9223372036854775808}",
		 "t:1:6: \"n\" is a number, wanted a whole number that fits into 64 bits"},
		{"{\"args\":{}}", "t:1:9: \"args\" is an object, wanted an array of strings"},
		{"{\"args\":[\"a\",\n1]}",
		 "t:2:1: \"args\" is a number, wanted only strings in its array"},
		{"{\"labels\":[]}", "t:1:11: \"labels\" is an array, wanted an object of strings"},
		{"{\"labels\":{\"a\":1}}", "t:1:16: \"a\" is a number, wanted a string"},
		{"{\"ports\":[\"80\"]}",
		 "t:1:10: \"ports\" is an array, wanted an object of empty objects"},
		{"{\"ports\":{\"80\":1}}", "t:1:16: \"80\" is a number, wanted an object"},
		{"{\"at\":\"x\"}", "t:1:7: \"at\" is a string, wanted an object"},
		{"{\"maybe\":[]}", "t:1:10: \"maybe\" is an array, wanted an object"},
		{"{\"maybe\":{}}", "t:1:10: \"x\" is missing"},
		{"{\"path\":{}}", "t:1:9: \"path\" is an object, wanted an array"},
		{"{\"path\":[{\"x\":1},null]}", "t:1:18: \"path\" is null, wanted an object"},
		{"[]", "t: the document is an array, wanted an object"},
	};

	for (size_t i = 0; i < countof(t); i++) {
		scoped(arena) a = {0};
		struct thing th = {0};
		struct err e = {0};
		assert_int_equal(read_thing(&a, t[i][0], &th, &e), -EINVAL);
		assert_int_equal(e.id, ERR_JSON);
		assert_string_equal(e.msg, t[i][1]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_ways),
		cmocka_unit_test(empty_and_defaults),
		cmocka_unit_test(wrong_types),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
