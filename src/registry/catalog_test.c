#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "base/base.h"
#include "registry/catalog.h"

static void test_next(void **state)
{
	static const struct {
		const char *link, *next;
	} rows[] = {
		{"</v2/_catalog?last=b&n=2>; rel=\"next\"", "/v2/_catalog?last=b&n=2"},
		{"<a>; rel=\"prev\", <b>; rel=\"next\"", "b"},
		{"<a>; title=\"x\"; rel=next", "a"},
		{"<a>; rel=\"last\"", NULL},
		{"<a", NULL},
		{"", NULL},
	};

	for (size_t i = 0; i < countof(rows); i++) {
		scoped(arena) a = {0};
		const char *next = catalog_next(rows[i].link, &a);
		if (rows[i].next)
			assert_string_equal(next, rows[i].next);
		else
			assert_null(next);
	}
}

/* What is no tag is left out, but counts as something that stood there. */
static void test_page(void **state)
{
	scoped(arena) a = {0};
	struct strs l = {0};
	static const char tags[] =
		"{\"tags\":[\"1\",\"\\u001b[31m\",\"a/b\",7,\"latest\",\"x@y\"]}";
	static const char names[] = "{\"repositories\":[\"a/b\",\"../x\",\"Capital\",\"c\"]}";

	assert_int_equal(catalog_page(tags, strlen(tags), "tags", &a, &l), 6);
	assert_int_equal(l.n, 2);
	assert_string_equal(l.v[1], "latest");
	l = (struct strs){0};
	assert_int_equal(catalog_page(names, strlen(names), "repositories", &a, &l), 4);
	assert_int_equal(l.n, 2);
	assert_int_equal(catalog_page("{\"tags\":null}", 13, "tags", &a, &l), 0);
	assert_int_equal(catalog_page("{\"tags\":1}", 10, "tags", &a, &l), -EPROTO);
	assert_int_equal(catalog_page("<html>", 6, "tags", &a, &l), -EPROTO);
}

static void test_hits(void **state)
{
	scoped(arena) a = {0};
	struct bind_list l = {0};
	static const char text[] =
		"{\"results\":[{\"name\":\"alpine\",\"description\":\"small\",\"star_count\":7,"
		"\"is_official\":true},{\"name\":\"../x\"},{\"name\":\"u/y\",\"description\":null},"
		"{\"name\":\"docker.io/v/z\"}]}";
	const struct registry_hit *v;

	assert_int_equal(catalog_hits(text, strlen(text), "docker.io", &a, &l), 0);
	assert_int_equal(l.n, 3);
	v = l.v;
	assert_string_equal(v[0].name, "docker.io/library/alpine");
	assert_int_equal(v[0].stars, 7);
	assert_true(v[0].official && !v[0].automated);
	assert_string_equal(v[1].name, "docker.io/u/y");
	assert_string_equal(v[1].description, "");
	assert_string_equal(v[2].name, "docker.io/v/z");
	assert_int_equal(catalog_hits("{}", 2, "x.io", &a, &l), -EPROTO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_next),
		cmocka_unit_test(test_page),
		cmocka_unit_test(test_hits),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
