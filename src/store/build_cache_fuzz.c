/* Fuzz target: a record that is believed is written and read again to the same text, and its name is the digest of its inputs. */
#include "base/base.h"
#include "base/fuzz.h"
#include "store/build_cache.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	scoped(arena) a = {0};
	scoped(str) once = {0}, twice = {0};
	struct build_cache_record r, again;
	struct digest key = {"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"};

	int k = build_cache_parse((const char *)data, size, &key, &a, &r);
	FUZZ_CHECK(k == -EBADMSG); /* nobody finds inputs for that digest */
	key = build_cache_key(&r.inputs);
	if (build_cache_parse((const char *)data, size, &key, &a, &r) < 0)
		return 0;
	FUZZ_CHECK(r.tar_size >= 0 && r.size >= 0);
	build_cache_write(&r, &once);
	FUZZ_CHECK(build_cache_parse(str_cstr(&once), once.len, &key, &a, &again) == 0);
	build_cache_write(&again, &twice);
	FUZZ_CHECK(once.len == twice.len && !memcmp(once.s, twice.s, once.len));
	return 0;
}
