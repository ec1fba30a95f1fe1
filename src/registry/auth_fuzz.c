/* Fuzz target: auth.json and docker's config.json. Credentials are whole or absent, and a refusal names the file. */
#include "base/base.h"
#include "base/fuzz.h"
#include "registry/auth.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const who[][2] = {{"docker.io", "library/busybox"},
					     {"a.b:5000", "x/y/z"}};

	for (size_t i = 0; i < countof(who); i++) {
		scoped(arena) a = {0};
		struct credentials c;
		const char *helper;
		struct err e = {0};
		if (auth_document(&a, (const char *)data, size, "fuzz", who[i][0], who[i][1], &c,
				  &helper, &e) < 0) {
			FUZZ_CHECK(e.id == ERR_AUTH_FILE && strstr(e.msg, "fuzz") && e.hint[0]);
			continue;
		}
		FUZZ_CHECK(!c.user || (*c.user && (c.password || c.identity) && c.from && !helper));
		FUZZ_CHECK(!helper || *helper);
	}
	return 0;
}
