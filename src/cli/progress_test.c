#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "base/base.h"
#include "cli/progress.h"

static struct board b;

static void add(uint64_t size, uint64_t arrived, uint64_t taken, enum board_stage stage)
{
	char hex[20];

	snprintf(hex, sizeof hex, "%012x", b.n + 1);
	struct board_layer *l = board_add(&b, hex, size);
	l->arrived = arrived;
	l->stage = stage;
	l->progress.taken = taken;
}

/* No line is wider than the window less one, none is longer than was said, and there are no more than the window has. */
static void check(unsigned columns, unsigned rows, const char *has)
{
	unsigned short widths[PROGRESS_LINES];
	scoped(str) s = {0};
	scoped(strv) lines = {0};
	unsigned n = progress_lines(&b, columns, rows, &s, widths);

	strv_split(&lines, str_cstr(&s), '\n');
	assert_int_equal(lines.n, n + 1);
	assert_true(n <= rows && n <= PROGRESS_LINES);
	for (unsigned i = 0; i < n; i++) {
		assert_int_equal(strlen(lines.v[i]), widths[i]);
		assert_true(widths[i] < columns);
	}
	if (has && !strstr(str_cstr(&s), has))
		fail_msg("no \"%s\" in:\n%s", has, str_cstr(&s));
}

static void test_lines(void **state)
{
	b = (struct board){0};
	add(1000000, 1000000, 1000000, BOARD_DONE);
	add(40000000, 10000000, 9000000, BOARD_WORKS);
	add(5000000, 5000000, 2500000, BOARD_WORKS);
	add(7000000, 0, 0, BOARD_WAITS);
	add(7000000, 0, 0, BOARD_ELSEWHERE);
	add(7000000, 7000000, 0, BOARD_THERE);
	check(100, 24, "000000000002 fetching  [==========>                             ] 40MB");
	check(100, 24, "000000000003 unpacking [====================>");
	check(100, 24, "000000000004 waiting ");
	check(100, 24, "000000000005 elsewhere ");
	check(100, 24, "1 of 5 layers, 12.5MB of 60MB (1 here already)");
	check(60, 24, "000000000002 fetching  [=");
	check(40, 24, "000000000002  25%");
	check(10, 24, "000000000");
	check(100, 4, "000000000002 fetching");
	check(100, 2, "1 of 5 layers");
	check(100, 1, NULL);
	check(3, 24, NULL);
}

static void test_many(void **state)
{
	b = (struct board){0};
	for (unsigned i = 0; i < BOARD_MAX + 10; i++) {
		if (i < BOARD_MAX)
			add(1000 + i, i % 3 ? 500 : 0, 0, i % 3 ? BOARD_WORKS : BOARD_WAITS);
		else
			assert_null(board_add(&b, "00", 1));
	}
	for (unsigned rows = 0; rows < 60; rows++)
		for (unsigned columns = 0; columns < 130; columns += 13)
			check(columns, rows, NULL);
}

/* Sizes that a hostile manifest may name. */
static void test_odd_sizes(void **state)
{
	b = (struct board){0};
	add(0, 0, 0, BOARD_WORKS);
	add(UINT64_MAX, UINT64_MAX / 2, 0, BOARD_WORKS);
	add(INT64_MAX, 1, 0, BOARD_WORKS);
	check(80, 24, NULL);
	check(30, 24, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_odd_sizes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
