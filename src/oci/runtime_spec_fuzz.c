/* Fuzz target: config.json of bundles. What is accepted holds what the steps rely on; what is refused has a reason. */
#include "base/base.h"
#include "base/fuzz.h"
#include "oci/runtime_read.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	scoped(arena) a = {0};
	struct oci_spec s;
	struct oci_process p;
	struct strs warnings = {0};
	struct err e = {0};

	if (oci_process_read((const char *)data, size, "fuzz", &p, &warnings, &a, &e) == 0)
		FUZZ_CHECK(p.args.n && p.cwd[0] == '/');
	e = (struct err){0};
	if (oci_spec_read((const char *)data, size, "fuzz", &s, &a, &e) < 0) {
		FUZZ_CHECK(e.msg[0] && e.code);
		return 0;
	}
	FUZZ_CHECK(s.root.path[0] && oci_ns_find(&s, OCI_NS_MOUNT));
	const struct oci_mount *m = s.mounts.v;
	for (size_t i = 0; i < s.mounts.n; i++)
		FUZZ_CHECK(m[i].destination[0]);
	for (size_t i = 0; i < s.linux_.sysctl.n; i++)
		FUZZ_CHECK(!strstr(s.linux_.sysctl.v[i].k, ".."));
	return 0;
}
