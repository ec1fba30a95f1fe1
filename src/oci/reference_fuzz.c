/* Fuzz target: what ref_parse accepts is safe as a file name, and is read again as the same. */
#include "base/base.h"
#include "base/fuzz.h"
#include "oci/reference.h"

static void check_part(const char *s)
{
	for (const char *p = s; *p; p++)
		FUZZ_CHECK((unsigned char)*p > 0x20 && (unsigned char)*p < 0x7f);
	FUZZ_CHECK(*s && *s != '/' && !strstr(s, "//") && !strstr(s, ".."));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	scoped(arena) a = {0};
	struct reference r, again;
	struct err e = {0};
	const char *hex, *text = arena_strndup(&a, (const char *)data, size);

	ref_is_id_prefix(text, &hex);
	if (ref_parse(&a, text, &r, &e) < 0) {
		FUZZ_CHECK(e.id == ERR_REF && e.msg[0] && e.hint[0]);
		return 0;
	}
	r = ref_complete(&a, &r, "docker.io");
	check_part(r.registry);
	check_part(r.repository);
	if (r.tag)
		FUZZ_CHECK(strlen(r.tag) <= REF_MAX_TAG && !strpbrk(r.tag, "/:@") &&
			   r.tag[0] != '.');
	if (r.digest)
		FUZZ_CHECK(digest_valid(r.digest));
	const char *full = ref_text(&a, &r);
	FUZZ_CHECK(ref_parse(&a, full, &again, &e) == 0);
	FUZZ_CHECK(!strcmp(full, ref_text(&a, &again)));
	FUZZ_CHECK(ref_parse(&a, ref_familiar(&a, full), &again, &e) == 0);
	return 0;
}
