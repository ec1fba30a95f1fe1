/* Unit tests of the pools of small objects. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/base.h"
#include "net/slab.h"

enum { MANY = 5000 };

struct thing {
	uint64_t n;
	char pad[57];
};

static struct thing *things[MANY];

/* VmSize in kB. */
static long mapped(void)
{
	char buf[64] = "";
	autoclose int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0 && read(fd, buf, sizeof buf - 1) > 0);
	return strtol(buf, NULL, 10) * (sysconf(_SC_PAGESIZE) / 1024);
}

static void memory_goes_back(void **state)
{
	struct slab s = SLAB_FOR(struct thing);
	long before = mapped();

	for (int i = 0; i < MANY; i++) {
		things[i] = slab_get(&s);
		assert_non_null(things[i]);
		assert_int_equal(things[i]->n, 0);
		things[i]->n = (uint64_t)i + 1;
		memset(things[i]->pad, 0xff, sizeof things[i]->pad);
	}
	assert_int_equal(s.used, MANY);
	assert_true(mapped() >= before + (long)(MANY * sizeof(struct thing) / 1024));
	for (int i = 0; i < MANY; i++)
		assert_int_equal(things[i]->n, i + 1);
	for (int i = 0; i < MANY; i += 2)
		slab_put(&s, things[i]);
	for (int i = 0; i < MANY; i += 2) {
		things[i] = slab_get(&s);
		assert_int_equal(things[i]->n, 0);
		assert_int_equal(things[i]->pad[56], 0);
	}
	for (int i = 0; i < MANY; i++)
		slab_put(&s, things[MANY - 1 - i]);
	assert_int_equal(s.used, 0);
	assert_non_null(s.open);
	slab_trim(&s);
	assert_null(s.open);
	assert_int_equal(mapped(), before);
}

static void put(void *object, void *arg)
{
	slab_put(arg, object);
}

static void one_at_the_edge_maps_nothing(void **state)
{
	struct slab s = SLAB_FOR(struct thing);

	for (int i = 0; i < MANY; i++)
		assert_non_null(slab_get(&s));
	long before = mapped();
	for (int i = 0; i < MANY; i++) {
		struct slab_block *b = s.open;
		void *one = slab_get(&s), *two = slab_get(&s);
		assert_ptr_equal(s.open, i ? b : s.open);
		slab_put(&s, one);
		slab_put(&s, two);
	}
	assert_true(mapped() <= before + 64);
	slab_each(&s, put, &s);
	slab_trim(&s);
	assert_null(s.open);
}

static void count(void *object, void *arg)
{
	(*(uint64_t *)arg) += ((struct thing *)object)->n;
}

static struct slab each_slab = SLAB_FOR(struct thing);
static void drop_odd(void *object, void *arg)
{
	if (((struct thing *)object)->n % 2)
		slab_put(&each_slab, object);
}

static void each(void **state)
{
	struct slab *s = &each_slab;
	uint64_t sum = 0;

	slab_each(s, count, &sum);
	assert_int_equal(sum, 0);
	for (uint64_t i = 1; i <= MANY; i++)
		((struct thing *)slab_get(s))->n = i;
	slab_each(s, count, &sum);
	assert_int_equal(sum, (uint64_t)MANY * (MANY + 1) / 2);
	slab_each(s, drop_odd, NULL);
	assert_int_equal(s->used, MANY / 2);
	sum = 0;
	slab_each(s, count, &sum);
	assert_int_equal(sum, (uint64_t)MANY / 2 * (MANY / 2 + 1));
	slab_each(s, put, s);
	assert_int_equal(s->used, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(memory_goes_back),
		cmocka_unit_test(one_at_the_edge_maps_nothing),
		cmocka_unit_test(each),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
