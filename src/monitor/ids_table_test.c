/* Unit tests of the table of credentials, with children that wait. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "base/base.h"
#include "base/proc.h"
#include "monitor/ids_table.h"

static struct ids_table *t;
static int proc_dir;

static int begin(void **state)
{
	struct creds native;

	(void)state;
	creds_init(&native, 0, 0, NULL, 0);
	t = ids_table_new(&native);
	proc_dir = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return t && proc_dir >= 0 ? 0 : -1;
}

static int end(void **state)
{
	(void)state;
	close(proc_dir);
	return munmap(t, sizeof *t);
}

static pid_t sleeper(void)
{
	pid_t pid = proc_fork(0, NULL);

	if (pid == 0) {
		pause();
		_exit(0);
	}
	return pid;
}

static void stop(pid_t pid)
{
	kill(pid, SIGKILL);
	proc_wait(pid);
}

static int become(pid_t pid, uint32_t uid)
{
	struct creds c;

	creds_init(&c, uid, uid, NULL, 0);
	return ids_table_set(t, pid, &c, proc_dir);
}

static uint32_t uid_of(pid_t pid)
{
	struct creds c;

	assert_int_equal(ids_table_get(t, pid, &c), 0);
	return c.uid[CREDS_REAL];
}

static void test_set_and_get(void **state)
{
	pid_t a = sleeper(), b = sleeper();

	assert_int_equal(uid_of(a), 0);
	assert_int_equal(become(a, 5), 0);
	assert_int_equal(become(b, 5), 0);
	assert_int_equal(uid_of(a), 5);
	assert_int_equal(uid_of(b), 5);
	assert_false(t->slots[1].used); /* one for both */
	assert_int_equal(become(b, 0), 0);
	assert_int_equal(uid_of(b), 0);
	assert_int_equal(uid_of(a), 5);
	stop(a);
	assert_int_equal(become(a, 5), -ESRCH);
	stop(b);
}

static void test_full(void **state)
{
	pid_t p[IDS_SLOTS + 1];

	for (int i = 0; i <= IDS_SLOTS; i++)
		p[i] = sleeper();
	for (int i = 0; i < IDS_SLOTS; i++)
		assert_int_equal(become(p[i], 1000 + (uint32_t)i), 0);
	assert_int_equal(become(p[IDS_SLOTS], 7), -EAGAIN);
	assert_int_equal(become(p[IDS_SLOTS], 1003), 0); /* of those that are there */
	stop(p[5]);
	assert_int_equal(become(p[IDS_SLOTS], 7), 0);
	assert_int_equal(uid_of(p[IDS_SLOTS]), 7);
	assert_int_equal(uid_of(p[4]), 1004);
	for (int i = 0; i <= IDS_SLOTS; i++)
		if (i != 5)
			stop(p[i]);
}

/* A value that the container has made up, or that outlived its entry. */
static void test_false_values(void **state)
{
	pid_t a = sleeper();
	struct rlimit l;

	assert_int_equal(prlimit(a, RLIMIT_LOCKS, NULL, &l), 0);
	l.rlim_cur = 3;
	assert_int_equal(prlimit(a, RLIMIT_LOCKS, &l, NULL), 0);
	assert_int_equal(uid_of(a), 0);
	assert_int_equal(become(a, 5), 0);
	t->slots[0].generation++;
	assert_int_equal(uid_of(a), 65534);
	l.rlim_cur = (uint64_t)t->tag << 32 | 0xffff;
	assert_int_equal(prlimit(a, RLIMIT_LOCKS, &l, NULL), 0);
	assert_int_equal(uid_of(a), 0);
	l.rlim_cur = l.rlim_max = 10;
	assert_int_equal(prlimit(a, RLIMIT_LOCKS, &l, NULL), 0);
	assert_int_equal(become(a, 6), -EAGAIN);
	assert_int_equal(uid_of(a), 0);
	stop(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_set_and_get, begin, end),
		cmocka_unit_test_setup_teardown(test_full, begin, end),
		cmocka_unit_test_setup_teardown(test_false_values, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
