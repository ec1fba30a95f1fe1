/* Unit tests of the options that limit a container: what they mean, what contradicts what, and what an update does to what was before. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/base.h"
#include "engine/limit_opts.h"

static struct arena a;

static struct config_limits good_over(struct config_limits l, struct limit_opts o)
{
	struct err e = {0};

	if (limit_opts_set(&o, &l, &a, &e) < 0)
		fail_msg("refused: %s", e.msg);
	return l;
}

static struct config_limits good(struct limit_opts o)
{
	return good_over((struct config_limits){0}, o);
}

static void bad(struct limit_opts o, const char *text)
{
	struct config_limits l = {0};
	struct err e = {0};

	assert_true(limit_opts_set(&o, &l, &a, &e) < 0);
	assert_int_equal(e.id, ERR_LIMIT_BAD);
	if (!strstr(e.msg, text))
		fail_msg("\"%s\" lacks \"%s\"", e.msg, text);
	assert_true(*e.hint);
}

/* The value that a file of the cgroup is to get; NULL: nothing is written there. */
static const char *value(struct config_limits l, const char *file)
{
	struct limit_list s;
	struct err e = {0};

	assert_int_equal(limit_settings(&l, &a, &s, &e), 0);
	const struct limit_setting *v = s.v.v;
	for (size_t i = 0; i < s.v.n; i++)
		if (!strcmp(v[i].file, file))
			return v[i].value;
	return NULL;
}

static void test_memory(void **state)
{
	struct config_limits l = good((struct limit_opts){.memory = "64m"});

	assert_int_equal(l.memory, 64 << 20);
	assert_int_equal(limit_swap(&l), 128 << 20);
	assert_string_equal(value(l, "memory.max"), "67108864");
	assert_string_equal(value(l, "memory.swap.max"), "67108864");
	l = good((struct limit_opts){.memory = "64m", .memory_swap = "64m"});
	assert_string_equal(value(l, "memory.swap.max"), "0");
	l = good((struct limit_opts){.memory = "64m", .memory_swap = "-1"});
	assert_string_equal(value(l, "memory.swap.max"), "max");
	l = good((struct limit_opts){.memory_reservation = "1g"});
	assert_string_equal(value(l, "memory.low"), "1073741824");
	assert_null(value(l, "memory.max"));
	assert_false(limit_any(&(struct config_limits){0}));
	l = good((struct limit_opts){.memory = "0"});
	assert_false(limit_any(&l));
	bad((struct limit_opts){.memory = "x"}, "--memory \"x\"");
	bad((struct limit_opts){.memory = "-2"}, "--memory");
	bad((struct limit_opts){.memory = "9999999999999g"}, "--memory");
	bad((struct limit_opts){.memory = "64m", .memory_swap = "63m"}, "below --memory");
	bad((struct limit_opts){.memory_swap = "63m"}, "without --memory");
	bad((struct limit_opts){.memory = "64m", .memory_reservation = "65m"}, "above");
}

static void test_cpu(void **state)
{
	assert_string_equal(value(good((struct limit_opts){.cpus = "1.5"}), "cpu.max"),
			    "150000 100000");
	assert_string_equal(value(good((struct limit_opts){.cpus = ".001"}), "cpu.max"),
			    "1000 100000");
	assert_null(value(good((struct limit_opts){.cpus = "0"}), "cpu.max"));
	struct limit_opts both = {.cpu_period = "50000", .cpu_quota = "25000"};
	assert_string_equal(value(good(both), "cpu.max"), "25000 50000");
	assert_string_equal(value(good((struct limit_opts){.cpu_quota = "25000"}), "cpu.max"),
			    "25000 100000");
	assert_string_equal(value(good((struct limit_opts){.cpu_quota = "-1"}), "cpu.max"),
			    "max 100000");
	assert_string_equal(value(good((struct limit_opts){.cpu_shares = "1024"}), "cpu.weight"),
			    "39");
	assert_string_equal(value(good((struct limit_opts){.cpu_shares = "2"}), "cpu.weight"), "1");
	assert_string_equal(value(good((struct limit_opts){.cpu_shares = "262144"}), "cpu.weight"),
			    "10000");
	assert_string_equal(value(good((struct limit_opts){.cpuset_cpus = "0-2,7"}), "cpuset.cpus"),
			    "0-2,7");
	bad((struct limit_opts){.cpus = "1", .cpu_quota = "5000"}, "two ways");
	bad((struct limit_opts){.cpus = "1", .cpu_period = "5000"}, "two ways");
	static const char *const numbers[] = {"x", "-1", "1.2.3", ".", "", "1e3", "0x1", "1,5"};
	for (size_t i = 0; i < countof(numbers); i++)
		bad((struct limit_opts){.cpus = numbers[i]}, "--cpus");
	bad((struct limit_opts){.cpu_period = "999"}, "--cpu-period");
	bad((struct limit_opts){.cpu_quota = "999"}, "--cpu-quota");
	bad((struct limit_opts){.cpu_shares = "262145"}, "--cpu-shares");
	static const char *const lists[] = {"x",  "1-",	 "-1",	  "2-1", "0,",
					    ",0", "0 1", "99999", "0\n"};
	for (size_t i = 0; i < countof(lists); i++)
		bad((struct limit_opts){.cpuset_cpus = lists[i]}, "--cpuset-cpus");
}

static void test_rest(void **state)
{
	assert_string_equal(value(good((struct limit_opts){.pids_limit = "10"}), "pids.max"), "10");
	assert_null(value(good((struct limit_opts){.pids_limit = "-1"}), "pids.max"));
	assert_string_equal(value(good((struct limit_opts){.blkio_weight = "10"}), "io.weight"),
			    "default 1");
	assert_string_equal(value(good((struct limit_opts){.blkio_weight = "1000"}), "io.weight"),
			    "default 10000");
	bad((struct limit_opts){.pids_limit = "-2"}, "--pids-limit");
	bad((struct limit_opts){.blkio_weight = "9"}, "--blkio-weight");
	static const char *const devices[] = {"/dev/sda",  "sda:1",	 ":1",
					      "/dev/sda:", "/dev/sda:0", "/dev/sda:-1"};
	for (size_t i = 0; i < countof(devices); i++) {
		struct limit_opts o = {0};
		strs_add(&a, &o.read_iops, devices[i]);
		bad(o, "--device-read-iops");
	}
	static const char *const confs[] = {"cgroup.procs=1",
					    "cgroup.kill=1",
					    "cgroup.freeze=1",
					    "../x=1",
					    "memory/max=1",
					    "memory.high",
					    "=1",
					    "memory.high=",
					    "procs=1"};
	for (size_t i = 0; i < countof(confs); i++) {
		struct limit_opts o = {0};
		strs_add(&a, &o.conf, confs[i]);
		bad(o, "--cgroup-conf");
	}
}

static void test_update(void **state)
{
	struct config_limits l = good((struct limit_opts){.memory = "64m", .cpu_quota = "50000"});

	l = good_over(l, (struct limit_opts){.memory = "32m"});
	assert_int_equal(limit_swap(&l), 64 << 20);
	assert_int_equal(l.cpu_quota, 50000);
	l = good_over(l, (struct limit_opts){.cpus = "2"});
	assert_int_equal(l.cpu_quota, 0);
	assert_string_equal(value(l, "cpu.max"), "200000 100000");
	l = good_over(l, (struct limit_opts){.cpu_quota = "3000"});
	assert_string_equal(value(l, "cpu.max"), "3000 100000");
	l = good_over(l, (struct limit_opts){.memory = "0", .cpu_quota = "0"});
	assert_false(limit_any(&l));
	l = good((struct limit_opts){.memory = "64m", .memory_swap = "70m"});
	struct err e = {0};
	assert_true(limit_opts_set(&(struct limit_opts){.memory = "80m"}, &l, &a, &e) < 0);
}

static void parent_is(const char *text, bool ok)
{
	struct container_config c = {0};
	struct err e = {0};

	int r = limit_opts_create(&(struct limit_opts){.cgroup_parent = text}, &c, &a, &e);
	if ((r == 0) != ok)
		fail_msg("--cgroup-parent %s: %s", text, e.msg);
}

static void test_place(void **state)
{
	parent_is("/a/b", true);
	parent_is("a/..b", true);
	parent_is("build.slice", true);
	parent_is("/../../..HOST/cg", false);
	parent_is("a/../b", false);
	parent_is("..", false);
	parent_is("a/..", false);
	parent_is("a b", false);
	parent_is("a/b.slice", false);
	parent_is("../b.slice", false);
	struct container_config c = {0};
	struct err e = {0};
	const struct limit_opts both = {.cgroups = "disabled", .memory = "64m"};
	assert_true(limit_opts_create(&both, &c, &a, &e) < 0);
	assert_int_equal(e.id, ERR_LIMIT_BAD);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_memory),
					   cmocka_unit_test(test_cpu), cmocka_unit_test(test_rest),
					   cmocka_unit_test(test_update),
					   cmocka_unit_test(test_place)};
	int r = cmocka_run_group_tests(tests, NULL, NULL);

	arena_free(&a);
	return r;
}
