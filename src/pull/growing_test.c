#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/mman.h>
#include <cmocka.h>

#include "base/base.h"
#include "base/task.h"
#include "pull/growing.h"

enum { SIZE = 1000000 };

static struct growing *g;
static int file;

static unsigned char at(size_t i)
{
	return (unsigned char)(i * 7 + i / 251);
}

/* Writes all in pieces of odd sizes, with pauses now and then. */
static int writer(void *arg, struct err *e)
{
	unsigned char buf[70000];
	size_t pos = g->arrived;

	for (unsigned round = 1; pos < SIZE; round++) {
		size_t n = (round * 7919) % sizeof buf + 1;
		if (n > SIZE - pos)
			n = SIZE - pos;
		for (size_t i = 0; i < n; i++)
			buf[i] = at(pos + i);
		if (pwrite(file, buf, n, (off_t)pos) != (ssize_t)n)
			return err_set(e, errno, "write");
		pos += n;
		growing_add(g, n);
		if (round % 5 == 0)
			usleep(2000);
	}
	return 0;
}

static int reader(void *arg, struct err *e)
{
	struct growing_source s = {g, file, 0, "it"};
	struct source src = source_from_growing(&s);
	unsigned char buf[50000];
	size_t pos = 0;

	for (;;) {
		ssize_t n = src.read(src.arg, buf, sizeof buf, e);
		if (n < 0)
			return (int)n;
		if (n == 0)
			return pos == SIZE ? 0 : err_fail(e, ERR_INTERNAL, "ended at %zu", pos);
		for (ssize_t i = 0; i < n; i++)
			if (buf[i] != at(pos + (size_t)i))
				return err_fail(e, ERR_INTERNAL, "wrong at %zu", pos + (size_t)i);
		pos += (size_t)n;
	}
}

static void run(uint64_t arrived, unsigned readers)
{
	struct task t[4];
	struct task_wait w = TASK_WAIT_ONLY;
	struct err e = {0};
	size_t n = 0, done;

	*g = (struct growing){.size = SIZE, .arrived = arrived};
	for (unsigned i = 0; i < readers; i++)
		assert_int_equal(task_start(&t[n++], reader, NULL, &e), 0);
	assert_int_equal(task_start(&t[n++], writer, NULL, &e), 0);
	for (size_t i = 0; i < n; i++) {
		if (task_wait(t, n, &w, &done, &e) < 0)
			fail_msg("%s", e.msg);
	}
}

static void test_one_reader(void **state)
{
	run(0, 1);
}

/* The same blob may stand for two layers. */
static void test_two_readers(void **state)
{
	run(0, 2);
}

static void test_part_was_there(void **state)
{
	run(123456, 1); /* of the run before */
	run(SIZE, 1);
}

static void test_cut(void **state)
{
	struct growing_source s = {g, file, 0, "it"};
	struct source src = source_from_growing(&s);
	struct err e = {0};
	char buf[10];

	*g = (struct growing){.size = SIZE + 10, .arrived = SIZE + 10};
	s.pos = SIZE;
	assert_int_equal(src.read(src.arg, buf, sizeof buf, &e), -EINVAL);
	assert_int_equal(e.id, ERR_ARCHIVE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_reader),
		cmocka_unit_test(test_two_readers),
		cmocka_unit_test(test_part_was_there),
		cmocka_unit_test(test_cut),
	};

	g = mmap(NULL, sizeof *g, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	file = memfd_create("growing", MFD_CLOEXEC);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
