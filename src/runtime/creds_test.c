/* Unit tests of the rules of credentials. What the kernel does, tests/fixtures/src/ids.c tries in a container. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/base.h"
#include "runtime/creds.h"

#define KEEP UINT32_MAX

static struct creds c;

static int begin(void **state)
{
	const uint32_t groups[] = {10, 44};

	(void)state;
	creds_init(&c, 0, 0, groups, 2);
	return 0;
}

static int64_t set(enum creds_op op, uint32_t a, uint32_t b, uint32_t d, bool privileged)
{
	const uint32_t v[] = {a, b, d};

	return creds_set(&c, op, v, privileged);
}

static void uids_are(uint32_t r, uint32_t e, uint32_t s, uint32_t fs)
{
	const uint32_t want[] = {r, e, s, fs};

	for (int i = 0; i < 4; i++)
		assert_int_equal(c.uid[i], want[i]);
}

static void test_setuid(void **state)
{
	assert_int_equal(set(CREDS_SETUID, KEEP, 0, 0, true), -EINVAL);
	assert_int_equal(set(CREDS_SETUID, 5, 0, 0, true), 0);
	uids_are(5, 5, 5, 5);
	assert_int_equal(set(CREDS_SETUID, 0, 0, 0, false), -EPERM);
	assert_int_equal(set(CREDS_SETRESUID, 1, 2, 3, true), 0);
	assert_int_equal(set(CREDS_SETUID, 3, 0, 0, false), 0);
	uids_are(1, 3, 3, 3);
	assert_int_equal(set(CREDS_SETUID, 1, 0, 0, false), 0);
	uids_are(1, 1, 3, 1);
}

static void test_setreuid(void **state)
{
	assert_int_equal(set(CREDS_SETREUID, KEEP, 7, 0, true), 0);
	uids_are(0, 7, 7, 7);
	assert_int_equal(set(CREDS_SETREUID, 7, 0, 0, false), 0);
	uids_are(7, 0, 0, 0);
	assert_int_equal(set(CREDS_SETREUID, 8, KEEP, 0, false), -EPERM);
	assert_int_equal(set(CREDS_SETREUID, KEEP, 8, 0, false), -EPERM);
	assert_int_equal(set(CREDS_SETREUID, KEEP, 7, 0, false), 0);
	uids_are(7, 7, 0, 7); /* the effective one became the real one: the saved one stays */
}

static void test_setresuid(void **state)
{
	assert_int_equal(set(CREDS_SETRESUID, 1, 2, 3, true), 0);
	uids_are(1, 2, 3, 2);
	assert_int_equal(set(CREDS_SETRESUID, 3, 1, KEEP, false), 0);
	uids_are(3, 1, 3, 1);
	assert_int_equal(set(CREDS_SETRESUID, KEEP, KEEP, 2, false), -EPERM);
	uids_are(3, 1, 3, 1);
}

static void test_setfsuid(void **state)
{
	assert_int_equal(set(CREDS_SETFSUID, 9, 0, 0, false), 0);
	uids_are(0, 0, 0, 0);
	assert_int_equal(set(CREDS_SETFSUID, 9, 0, 0, true), 0);
	assert_int_equal(set(CREDS_SETFSUID, KEEP, 0, 0, true), 9);
	uids_are(0, 0, 0, 9);
}

static void test_groups(void **state)
{
	uint32_t many[CREDS_MAX_GROUPS + 3] = {0};
	struct creds d;

	assert_int_equal(set(CREDS_SETRESGID, 1, 2, 3, true), 0);
	assert_int_equal(creds_get(&c, CREDS_GETGID), 1);
	assert_int_equal(creds_get(&c, CREDS_GETEGID), 2);
	assert_int_equal(creds_get(&c, CREDS_GETUID), 0);
	d = c;
	d.groups[5] = 1; /* behind the end */
	assert_true(creds_equal(&c, &d));
	d.groups[1] = 1;
	assert_false(creds_equal(&c, &d));
	creds_init(&d, 1, 2, many, countof(many));
	assert_int_equal(d.ngroups, CREDS_MAX_GROUPS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_setuid, begin),
		cmocka_unit_test_setup(test_setreuid, begin),
		cmocka_unit_test_setup(test_setresuid, begin),
		cmocka_unit_test_setup(test_setfsuid, begin),
		cmocka_unit_test_setup(test_groups, begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
