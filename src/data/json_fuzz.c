/* Fuzz target: what json_parse accepts is written and read again to the same text; what it refuses has a reason. */
#include "base/base.h"
#include "base/fuzz.h"
#include "data/bind.h"

struct thing {
	const char *name;
	int64_t n;
	struct strs args;
	struct pairs labels;
	struct bind_list sub;
};

static const struct bind_field sub_fields[] = {{"n", BIND_INT, 0, .flags = BIND_REQUIRED}, {0}};
static const struct bind_field thing_fields[] = {
	{"name", BIND_STR, offsetof(struct thing, name)},
	{"n", BIND_INT, offsetof(struct thing, n)},
	{"args", BIND_STRS, offsetof(struct thing, args)},
	{"labels", BIND_PAIRS, offsetof(struct thing, labels)},
	{"sub", BIND_LIST, offsetof(struct thing, sub), sub_fields, sizeof(int64_t)},
	{0},
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	scoped(arena) a = {0};
	scoped(str) once = {0};
	scoped(str) twice = {0};
	struct err e = {0};
	struct thing t = {0};

	struct json *j = json_parse(&a, (const char *)data, size, "fuzz", NULL, &e);
	if (!j) {
		FUZZ_CHECK(e.code && e.msg[0]);
		return 0;
	}
	json_write(&once, j, 0);
	struct json *k = json_parse(&a, str_cstr(&once), once.len, "again", NULL, &e);
	FUZZ_CHECK(k);
	json_write(&twice, k, 0);
	FUZZ_CHECK(once.len == twice.len && !memcmp(once.s, twice.s, once.len));
	if (bind_read(thing_fields, &t, j, "fuzz", &a, &e) == 0) {
		k = bind_write(thing_fields, &t, &a);
		str_reset(&once);
		json_write(&once, k, 2);
		FUZZ_CHECK(json_parse(&a, str_cstr(&once), once.len, "bound", NULL, &e));
	}
	return 0;
}
