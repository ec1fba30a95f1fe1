/* linux.resources as settings of control groups: which files, which texts, what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/base.h"
#include "runtime/oci_limits.h"

/* "file=value;" of all settings, or "!" and the error. */
static const char *settings(struct arena *a, bool v2, const char *json,
			    const struct oci_limits_now *now)
{
	struct err e = {0};
	struct oci_resources r = {0};
	struct limit_list l = {0};
	scoped(str) out = {0};
	struct json *j = json_parse(a, json, strlen(json), "c", NULL, &e);

	assert_non_null(j);
	assert_int_equal(bind_read(oci_resources_fields, &r, j, "c", a, &e), 0);
	assert_int_equal(oci_resources_check(&r, j, "c", &e), 0);
	int n = v2 ? oci_limits_v2(&r, now, a, &l, &e) : oci_limits_v1(&r, a, &l, &e);
	if (n < 0)
		return arena_printf(a, "!%s", e.msg);
	const struct limit_setting *s = l.v.v;
	for (size_t i = 0; i < l.v.n; i++)
		str_addf(&out, "%s=%s%s;", s[i].file, s[i].value, s[i].optional ? "?" : "");
	return arena_strdup(a, str_cstr(&out));
}

static const struct row {
	const char *json, *v1, *v2;
	struct oci_limits_now now;
} rows[] = {
	{"{}", "", "", {-1, -1, -1}},
	{"{\"memory\":{\"limit\":100,\"swap\":300,\"reservation\":50}}",
	 "memory.limit_in_bytes=100;memory.memsw.limit_in_bytes=300;memory.soft_limit_in_bytes=50;",
	 "memory.swap.max=200;memory.max=100;memory.low=50;",
	 {-1, -1, -1}},
	{"{\"memory\":{\"limit\":100,\"swap\":100}}",
	 "memory.limit_in_bytes=100;memory.memsw.limit_in_bytes=100;",
	 "memory.swap.max=0?;memory.max=100;",
	 {-1, -1, -1}},
	{"{\"memory\":{\"limit\":-1}}",
	 "memory.limit_in_bytes=-1;memory.memsw.limit_in_bytes=-1?;",
	 "memory.swap.max=max?;memory.max=max;",
	 {-1, -1, -1}},
	{"{\"memory\":{\"swap\":300}}",
	 "memory.memsw.limit_in_bytes=300;",
	 "memory.swap.max=200;",
	 {100, 0, -1}},
	/* A new limit keeps that of both together. */
	{"{\"memory\":{\"limit\":150}}",
	 "memory.limit_in_bytes=150;",
	 "memory.swap.max=150;memory.max=150;",
	 {100, 200, -1}},
	{"{\"memory\":{\"limit\":150}}",
	 "memory.limit_in_bytes=150;",
	 "memory.max=150;",
	 {100, -1, -1}},
	{"{\"memory\":{\"limit\":400}}",
	 "memory.limit_in_bytes=400;",
	 "!linux.resources.memory.swap is 300, less than the memory in it: 400",
	 {100, 200, -1}},
	{"{\"memory\":{\"swap\":300}}",
	 "memory.memsw.limit_in_bytes=300;",
	 "!linux.resources.memory.swap is a limit for memory and swap together, and memory has "
	 "none",
	 {-1, -1, -1}},
	{"{\"memory\":{\"kernel\":1,\"kernelTCP\":2,\"swappiness\":0,\"disableOOMKiller\":true,"
	 "\"useHierarchy\":true}}",
	 "memory.kmem.limit_in_bytes=1;memory.kmem.tcp.limit_in_bytes=2;memory.oom_control=1;"
	 "memory.swappiness=0;memory.use_hierarchy=1;",
	 "!linux.resources.memory.kernel cannot be had from cgroup v2",
	 {-1, -1, -1}},
	{"{\"cpu\":{\"shares\":1024,\"quota\":50000,\"period\":200000,\"burst\":0,\"idle\":0,"
	 "\"cpus\":\"0\",\"mems\":\"0\"}}",
	 "cpu.shares=1024;cpu.cfs_period_us=200000;cpu.cfs_quota_us=50000;cpu.cfs_burst_us=0;"
	 "cpu.idle=0;cpuset.cpus=0;cpuset.mems=0;",
	 "cpu.weight=39;cpu.idle=0;cpu.max.burst=0;cpu.max=50000 200000;cpuset.cpus=0;"
	 "cpuset.mems=0;",
	 {-1, -1, -1}},
	{"{\"cpu\":{\"quota\":-1}}", "cpu.cfs_quota_us=-1;", "cpu.max=max;", {-1, -1, 5}},
	{"{\"cpu\":{\"period\":7000}}",
	 "cpu.cfs_period_us=7000;",
	 "cpu.max=5000 7000;",
	 {-1, -1, 5000}},
	{"{\"cpu\":{\"shares\":2}}", "cpu.shares=2;", "cpu.weight=1;", {-1, -1, -1}},
	{"{\"cpu\":{\"shares\":262144}}", "cpu.shares=262144;", "cpu.weight=10000;", {-1, -1, -1}},
	{"{\"cpu\":{\"realtimePeriod\":2,\"realtimeRuntime\":1}}",
	 "cpu.rt_period_us=2;cpu.rt_runtime_us=1;",
	 "!linux.resources.cpu.realtimeRuntime cannot be had from cgroup v2",
	 {-1, -1, -1}},
	{"{\"pids\":{\"limit\":-1}}", "pids.max=max;", "pids.max=max;", {-1, -1, -1}},
	{"{\"pids\":{\"limit\":0}}", "", "", {-1, -1, -1}},
	{"{\"blockIO\":{\"weight\":500,\"weightDevice\":[{\"major\":8,\"minor\":0,\"weight\":100}],"
	 "\"throttleReadBpsDevice\":[{\"major\":8,\"minor\":0,\"rate\":9}],"
	 "\"throttleWriteIOPSDevice\":[{\"major\":8,\"minor\":16,\"rate\":0}]}}",
	 "blkio.weight=500;blkio.weight_device=8:0 100;blkio.throttle.read_bps_device=8:0 9;"
	 "blkio.throttle.write_iops_device=8:16 0;",
	 "io.bfq.weight=500;io.bfq.weight=8:0 100;io.max=8:0 rbps=9;io.max=8:16 wiops=max;",
	 {-1, -1, -1}},
	{"{\"hugepageLimits\":[{\"pageSize\":\"2MB\",\"limit\":4}]}",
	 "hugetlb.2MB.limit_in_bytes=4;hugetlb.2MB.rsvd.limit_in_bytes=4?;",
	 "hugetlb.2MB.max=4;hugetlb.2MB.rsvd.max=4?;",
	 {-1, -1, -1}},
	{"{\"network\":{\"classID\":5,\"priorities\":[{\"name\":\"eth0\",\"priority\":6}]}}",
	 "net_cls.classid=5;net_prio.ifpriomap=eth0 6;",
	 "!linux.resources.network cannot be had from cgroup v2",
	 {-1, -1, -1}},
	{"{\"rdma\":{\"m\":{\"hcaHandles\":1,\"hcaObjects\":2}}}",
	 "rdma.max=m hca_handle=1 hca_object=2;",
	 "rdma.max=m hca_handle=1 hca_object=2;",
	 {-1, -1, -1}},
	{"{\"unified\":{\"memory.high\":\"9\"}}",
	 "!linux.resources.unified cannot be had from cgroup v1",
	 "memory.high=9;",
	 {-1, -1, -1}},
};

static void both_versions(void **state)
{
	for (size_t i = 0; i < countof(rows); i++) {
		scoped(arena) a = {0};
		assert_string_equal(settings(&a, false, rows[i].json, &rows[i].now), rows[i].v1);
		assert_string_equal(settings(&a, true, rows[i].json, &rows[i].now), rows[i].v2);
	}
}

static const char *devices_v1(struct arena *a, const struct device_rule *v, size_t n)
{
	struct strs lines = {0};
	struct err e = {0};
	scoped(str) out = {0};
	bool all;

	if (oci_devices_v1(v, n, a, &all, &lines, &e) < 0)
		return arena_printf(a, "!%s", e.msg);
	str_add(&out, all ? "all but " : "none but ");
	for (size_t i = 0; i < lines.n; i++)
		str_addf(&out, "%s;", lines.v[i]);
	return arena_strdup(a, out.s);
}

static void devices(void **state)
{
	scoped(arena) a = {0};
	static const struct device_rule none = {false, 'a', -1, -1, 7},
					all = {true, 'a', -1, -1, 7};
	struct device_rule v[] = {
		none, {true, 'c', 1, 3, 6}, {true, 'c', 1, 3, 1}, {false, 'c', 1, 3, 2}};

	assert_string_equal(devices_v1(&a, v, 4), "none but c 1:3 wm;");
	v[0] = all;
	assert_string_equal(devices_v1(&a, v, 4), "all but c 1:3 r;");
	/* A hole in a wider rule is what version 1 would ignore. */
	struct device_rule hole[] = {{true, 'c', 1, -1, 7}, {false, 'c', 1, 3, 2}};
	assert_non_null(strstr(devices_v1(&a, hole, 2), "!linux.resources.devices"));
	hole[1].minor = -1;
	assert_string_equal(devices_v1(&a, hole, 2), "none but c 1:* wm;");
	struct device_rule part[] = {{true, 'a', 1, -1, 7}};
	assert_non_null(strstr(devices_v1(&a, part, 1), "!linux.resources.devices"));
	assert_string_equal(devices_v1(&a, v, 0), "none but ");
}

/* What all containers have cannot be taken away, as with runc. */
static void defaults(void **state)
{
	scoped(arena) a = {0};
	size_t n;
	const struct device_rule *v = oci_device_rules(NULL, &a, &n);

	assert_true(device_filter_says(v, n, 'c', 1, 3, 7));
	assert_true(device_filter_says(v, n, 'c', 136, 77, 6));
	assert_true(device_filter_says(v, n, 'b', 8, 0, DEVICE_MKNOD));
	assert_false(device_filter_says(v, n, 'b', 8, 0, DEVICE_READ));
	assert_false(device_filter_says(v, n, 'c', 10, 200, DEVICE_READ));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_versions),
		cmocka_unit_test(devices),
		cmocka_unit_test(defaults),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
