/* linux.resources: what is read, and what is refused at which place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/base.h"
#include "oci/runtime_resources.h"

static int read_text(struct arena *a, const char *text, struct oci_resources *ret, struct err *e)
{
	struct json *j = json_parse(a, text, strlen(text), "c", NULL, e);

	*ret = (struct oci_resources){0};
	if (!j)
		return -EINVAL;
	int r = bind_read(oci_resources_fields, ret, j, "c", a, e);
	return r < 0 ? r : oci_resources_check(ret, j, "c", e);
}

static void whole(void **state)
{
	scoped(arena) a = {0};
	struct err e = {0};
	struct oci_resources r;

	assert_int_equal(
		read_text(
			&a,
			"{\"devices\":[{\"allow\":false},{\"allow\":true,\"type\":\"c\",\"major\":"
			"10,"
			"\"minor\":-1,\"access\":\"rw\"}],"
			"\"memory\":{\"limit\":1,\"reservation\":2,\"swap\":-1,\"kernel\":4,"
			"\"kernelTCP\":5,\"swappiness\":0,\"disableOOMKiller\":true,"
			"\"useHierarchy\":false,\"checkBeforeUpdate\":true},"
			"\"cpu\":{\"shares\":6,\"quota\":-1,\"period\":7,\"burst\":0,"
			"\"realtimeRuntime\":8,\"realtimePeriod\":9,\"cpus\":\"0-3,7,8-31:2/8\","
			"\"mems\":\"\",\"idle\":1},\"pids\":{\"limit\":10},"
			"\"blockIO\":{\"weight\":10,\"leafWeight\":11,\"weightDevice\":[{\"major\":"
			"8,"
			"\"minor\":0,\"weight\":500,\"leafWeight\":300}],"
			"\"throttleReadBpsDevice\":[{\"major\":8,\"minor\":1,"
			"\"rate\":18446744073709551615}]},"
			"\"hugepageLimits\":[{\"pageSize\":\"2MB\",\"limit\":9223372036854772000}],"
			"\"network\":{\"classID\":1048577,\"priorities\":[{\"name\":\"eth0\","
			"\"priority\":500}]},\"rdma\":{\"mlx5_1\":{\"hcaHandles\":3}},"
			"\"unified\":{\"memory.high\":\"1\"},\"unknown\":[1]}",
			&r, &e),
		0);
	const struct oci_device_rule *d = r.devices.v;
	assert_int_equal(r.devices.n, 2);
	assert_int_equal(oci_rule_access(&d[0]), 7);
	assert_int_equal(oci_rule_access(&d[1]), 6);
	assert_int_equal(oci_number(d[0].major, -5), -5);
	assert_int_equal(oci_number(d[1].major, -5), 10);
	assert_int_equal(r.memory.kernel_tcp, 5);
	assert_int_equal(oci_number(r.memory.swappiness, 60), 0);
	assert_true(r.memory.disable_oom_killer && r.memory.check_before_update);
	assert_int_equal(oci_number(r.cpu.burst, -1), 0);
	assert_int_equal(r.pids.limit, 10);
	assert_true(((struct oci_throttle_device *)r.block_io.read_bps.v)->rate == UINT64_MAX);
	assert_true(((struct oci_hugepage_limit *)r.hugepages.v)->limit == 9223372036854772000U);
	assert_int_equal(oci_number(r.network.class_id, 0), 1048577);
	assert_int_equal(r.network.priorities.n, 1);
	assert_string_equal(pairs_get(&r.unified, "memory.high"), "1");
}

static void refused(void **state)
{
	static const struct {
		const char *text, *place;
	} bad[] = {
		{"{\"memory\":{\"limit\":-2}}", "c:1:20: memory.limit is -2"},
		{"{\"memory\":{\"limit\":1.5}}", "c:1:20: \"limit\" is"},
		{"{\"memory\":{\"limit\":\"1\"}}", "c:1:20: \"limit\" is"},
		{"{\"memory\":{\"swappiness\":101}}",
		 "c:1:25: memory.swappiness is 101, not 0 to 100"},
		{"{\"memory\":{\"swappiness\":true}}", "c:1:25: memory.swappiness is not"},
		{"{\"memory\":{\"useHierarchy\":1}}", "c:1:27: "},
		{"{\"memory\":[]}", "c:1:11: "},
		{"{\"cpu\":{\"shares\":-1}}", "c:1:18: "},
		{"{\"cpu\":{\"shares\":18446744073709551615}}", "c:1:18: "},
		{"{\"cpu\":{\"shares\":18446744073709551616}}", "c:1:18: "},
		{"{\"cpu\":{\"idle\":2}}", "c:1:16: cpu.idle is 2, not 0 to 1"},
		{"{\"cpu\":{\"cpus\":\"3-1\"}}", "c:1:16: '3-1' is no list"},
		{"{\"cpu\":{\"cpus\":\"0,\"}}", "c:1:16: "},
		{"{\"cpu\":{\"mems\":\"0-3:4\"}}", "c:1:16: "},
		{"{\"cpu\":{\"mems\":\"0 \"}}", "c:1:16: "},
		{"{\"pids\":{}}", "c:1:9: \"limit\" is missing"},
		{"{\"blockIO\":{\"weight\":1001}}", "c:1:22: blockIO.weight is 1001"},
		{"{\"blockIO\":{\"weightDevice\":[{\"major\":1,\"minor\":2,\"weight\":65536}]}}",
		 "c:1:59: weight is 65536"},
		{"{\"blockIO\":{\"throttleReadBpsDevice\":[{\"major\":-1,\"minor\":2,\"rate\":1}]}"
		 "}",
		 "c:1:47: major is -1"},
		{"{\"blockIO\":{\"throttleReadBpsDevice\":[{\"major\":1,\"minor\":2}]}}",
		 "\"rate\" is missing"},
		{"{\"devices\":[{\"type\":\"c\"}]}", "\"allow\" is missing"},
		{"{\"devices\":[{\"allow\":true,\"type\":\"x\"}]}", "c:1:34: the type 'x'"},
		{"{\"devices\":[{\"allow\":true,\"access\":\"rx\"}]}", "c:1:36: the access 'rx'"},
		{"{\"devices\":[{\"allow\":true,\"access\":\"\"}]}", "c:1:36: the access ''"},
		{"{\"devices\":[{\"allow\":true,\"major\":-2}]}", "c:1:35: major is -2"},
		{"{\"devices\":[{\"allow\":true,\"major\":4294967296}]}", "c:1:35: major is"},
		{"{\"hugepageLimits\":[{\"pageSize\":\"2M\",\"limit\":1}]}",
		 "c:1:32: the page size '2M'"},
		{"{\"hugepageLimits\":[{\"pageSize\":\"02MB\",\"limit\":1}]}", "c:1:32: "},
		{"{\"network\":{\"classID\":4294967296}}", "c:1:23: network.classID is"},
		{"{\"network\":{\"priorities\":[{\"name\":\"a b\",\"priority\":1}]}}",
		 "c:1:35: 'a b'"},
		{"{\"rdma\":{\"m\":{\"hcaHandles\":-1}}}", "c:1:28: hcaHandles is -1"},
		{"{\"rdma\":{\"m\":1}}", "c:1:14: \"m\" has no limits"},
		{"{\"unified\":{\"../x.y\":\"1\"}}", "c:1:22: '../x.y' is no file"},
		{"{\"unified\":{\"memory.high\":1}}", "c:1:27: "},
	};

	for (size_t i = 0; i < countof(bad); i++) {
		scoped(arena) a = {0};
		struct err e = {0};
		struct oci_resources r;
		assert_int_equal(read_text(&a, bad[i].text, &r, &e), -EINVAL);
		if (!strstr(e.msg, bad[i].place))
			fail_msg("%s: %s", bad[i].text, e.msg);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole),
		cmocka_unit_test(refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
