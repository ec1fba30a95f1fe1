/* Fuzz target: what toml_parse accepts is a tree that can be written as JSON and read again; what it refuses has a position. */
#include "base/base.h"
#include "base/fuzz.h"
#include "data/toml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct json_limits limits = {.max_depth = 4 * TOML_MAX_DEPTH};
	scoped(arena) a = {0};
	scoped(str) once = {0};
	struct err e = {0};
	struct json *j = toml_parse(&a, (const char *)data, size, "fuzz", &e);

	if (!j) {
		FUZZ_CHECK(e.id == ERR_TOML && str_starts(e.msg, "fuzz:") && e.hint[0]);
		return 0;
	}
	FUZZ_CHECK(j->type == JSON_OBJ);
	json_write(&once, j, 0);
	FUZZ_CHECK(json_parse(&a, str_cstr(&once), once.len, "again", &limits, &e));
	return 0;
}
