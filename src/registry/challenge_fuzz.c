/* Fuzz target: WWW-Authenticate headers. What comes out holds no control bytes, and a bearer challenge has a realm. */
#include "base/base.h"
#include "base/fuzz.h"
#include "registry/challenge.h"

static void check_text(const char *s)
{
	for (; s && *s; s++)
		FUZZ_CHECK((unsigned char)*s >= 0x20 && *s != 0x7f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	scoped(arena) a = {0};
	autofree char *text = xstrndup((const char *)data, size);
	struct challenge c;
	struct err e = {0};

	if (challenge_parse(&a, text, &c, &e) < 0) {
		FUZZ_CHECK(e.id == ERR_REGISTRY_ANSWER && e.hint[0]);
		return 0;
	}
	FUZZ_CHECK(c.kind != CHALLENGE_BEARER || c.realm);
	check_text(c.realm);
	check_text(c.service);
	return 0;
}
