/* Id maps: looking up, putting one before others, filling up, cutting into pieces. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/base.h"
#include "sys/idmap.h"

static const struct id_map user = {{{0, 1001, 1}, {1, 100000, 65536}}, 2};

static void is(const struct id_map *m, const char *want)
{
	scoped(str) s = {0};

	idmap_text(m, &s);
	assert_string_equal(str_cstr(&s), want);
}

static void test_lookup(void **state)
{
	const struct id_map m = {{{0, 1, 1000}, {1000, 0, 1}, {1001, 1001, 10}}, 3};

	assert_int_equal(idmap_out(&m, 0), 1);
	assert_int_equal(idmap_out(&m, 1000), 0);
	assert_int_equal(idmap_out(&m, 1010), 1010);
	assert_int_equal(idmap_out(&m, 1011), -1);
	assert_int_equal(idmap_in(&m, 0), 1000);
	assert_int_equal(idmap_in(&m, 1000), 999);
	assert_int_equal(idmap_in(&m, 1011), -1);
	assert_int_equal(idmap_in(&m, UINT32_MAX), -1);
}

static void test_add(void **state)
{
	struct id_map m = {.n = 0};

	assert_int_equal(idmap_add(&m, 0, 5, 10), 0);
	assert_int_equal(idmap_add(&m, 10, 15, 10), 0);
	assert_int_equal(idmap_add(&m, 20, 0, 1), 0);
	is(&m, "0:5:20,20:0:1");
	assert_int_equal(idmap_add(&m, UINT32_MAX - 1, 100, 1), 0);
	assert_int_equal(idmap_add(&m, UINT32_MAX, 200, 1), -ERANGE);
	assert_int_equal(idmap_add(&m, 100, UINT32_MAX - 5, 6), -ERANGE);
	for (uint32_t i = 0; m.n < ID_RANGES_MAX; i += 2)
		assert_int_equal(idmap_add(&m, 1000 + i, 2000 + i, 1), 0);
	assert_int_equal(idmap_add(&m, 5000, 7000, 1), -E2BIG);
}

static void test_put_and_fill(void **state)
{
	struct id_map m = {.n = 0};

	assert_int_equal(idmap_put(&m, 1000, 0, 1), 0);
	assert_int_equal(idmap_fill(&m, &user), 0);
	idmap_sort(&m);
	is(&m, "0:1:1000,1000:0:1,1001:1001:64536");
	m.n = 0;
	idmap_add(&m, 0, 0, 100);
	assert_int_equal(idmap_put(&m, 10, 200, 5), 0);
	assert_int_equal(idmap_put(&m, 300, 50, 10), 0);
	idmap_sort(&m);
	is(&m, "0:0:10,10:200:5,15:15:35,60:60:40,300:50:10");
	m.n = 0;
	assert_int_equal(idmap_fill(&m, &user), 0);
	is(&m, "0:0:65537");
}

static void test_unused(void **state)
{
	const struct id_map self = {{{0, 0, 1}}, 1}, others = {{{0, 1, 65536}}, 1};
	const struct id_map all = {{{0, 1, 100}, {100, 0, 1}, {101, 101, 65436}}, 3};

	assert_int_equal(idmap_unused(&self, &user), 1);
	assert_int_equal(idmap_unused(&others, &user), 0);
	assert_int_equal(idmap_unused(&all, &user), -1);
}

static void test_conflict(void **state)
{
	const struct id_map inside = {{{0, 1, 10}, {5, 20, 10}}, 2};
	const struct id_map outside = {{{0, 1, 10}, {10, 5, 10}}, 2};
	const struct id_map none = {{{0, 1, 10}, {10, 11, 10}}, 2};
	const struct id_map edge = {{{0, 4294967294u, 1}, {1, 0, 1}}, 2};

	assert_ptr_equal(idmap_conflict(&inside), &inside.r[1]);
	assert_ptr_equal(idmap_conflict(&outside), &outside.r[1]);
	assert_null(idmap_conflict(&none));
	assert_null(idmap_conflict(&edge));
}

static void test_split(void **state)
{
	const struct id_map all = {{{0, 0, 1000}}, 1}, far = {{{5, 65000, 1000}}, 1};
	const struct id_map gaps = {{{0, 7, 10}, {100, 500, 10}}, 2};
	struct id_range missing;
	struct id_map ret;

	assert_int_equal(idmap_split(&all, &user, &ret, &missing), 0);
	is(&ret, "0:0:1,1:1:999");
	assert_int_equal(idmap_split(&far, &user, &ret, &missing), -ERANGE);
	assert_int_equal(missing.outside, 65537);
	assert_int_equal(missing.inside, 542);
	assert_int_equal(missing.count, 463);
	assert_int_equal(idmap_split(&all, &gaps, &ret, &missing), -ERANGE);
	assert_int_equal(missing.outside, 10);
	assert_int_equal(missing.count, 90);
}

static void test_key(void **state)
{
	const struct id_map a = {{{0, 1, 10}}, 1}, b = {{{0, 1, 11}}, 1}, none = {.n = 0};

	assert_true(idmap_key(&a, &b) != idmap_key(&b, &a));
	assert_true(idmap_key(&a, &a) != idmap_key(&a, &b));
	assert_true(idmap_key(&a, &none) != idmap_key(&none, &a));
	assert_true(idmap_is_plain(&none) && !idmap_is_plain(&a));
	assert_int_equal(idmap_count(&user), 65537);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lookup),	     cmocka_unit_test(test_add),
		cmocka_unit_test(test_put_and_fill), cmocka_unit_test(test_conflict),
		cmocka_unit_test(test_unused),	     cmocka_unit_test(test_split),
		cmocka_unit_test(test_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
