/* Fuzz target: auth.json and docker's config.json. Credentials are whole or absent, and a refusal names the file. What login writes into such
 * a file is read again, unless a helper goes before it, and what logout takes away is not. */
#include "base/base.h"
#include "base/fuzz.h"
#include "data/json.h"
#include "registry/auth_store.h"

static void write_and_read(struct arena *a, struct json *doc, const char *registry, bool docker)
{
	const struct credentials own = {.user = "u", .password = "p:w"};
	scoped(str) text = {0};
	struct credentials c;
	const char *helper;
	struct err e = {0};

	auth_edit(a, doc, docker, registry, &own);
	json_write(&text, doc, 4);
	FUZZ_CHECK(auth_document(a, text.s, text.len, "fuzz", registry, "", &c, &helper, &e) == 0);
	FUZZ_CHECK(helper || (!strcmp(c.user, "u") && !strcmp(c.password, "p:w")));
	FUZZ_CHECK(auth_edit(a, doc, docker, registry, NULL) == 0);
	FUZZ_CHECK(auth_edit(a, doc, docker, registry, NULL) == 1);
}

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
		struct json *doc;
		FUZZ_CHECK(auth_json(&a, (const char *)data, size, "fuzz", &doc, &e) == 0);
		write_and_read(&a, doc, who[i][0], i == 0);
	}
	return 0;
}
