/* Fuzz target: linux.resources. What is accepted is in its ranges; what is refused says where. */
#include "base/base.h"
#include "base/fuzz.h"
#include "oci/runtime_resources.h"

static void check_devices(const struct bind_list *l)
{
	const struct oci_device_rule *d = l->v;

	for (size_t i = 0; i < l->n; i++) {
		unsigned access = oci_rule_access(&d[i]);
		FUZZ_CHECK(access >= 1 && access <= 7);
		FUZZ_CHECK(oci_number(d[i].major, -1) >= -1);
		FUZZ_CHECK(!d[i].major || d[i].major->type == JSON_INT);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	scoped(arena) a = {0};
	struct oci_resources r = {0};
	struct err e = {0};
	struct json *j = json_parse(&a, (const char *)data, size, "fuzz", NULL, &e);

	if (!j || bind_read(oci_resources_fields, &r, j, "fuzz", &a, &e) < 0 ||
	    oci_resources_check(&r, j, "fuzz", &e) < 0) {
		FUZZ_CHECK(e.msg[0] && str_starts(e.msg, "fuzz:"));
		return 0;
	}
	check_devices(&r.devices);
	FUZZ_CHECK(r.memory.limit >= -1 && r.cpu.shares <= INT64_MAX && r.block_io.weight <= 1000);
	return 0;
}
