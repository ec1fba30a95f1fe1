/* Fuzz target: a template, and behind its first NUL byte the JSON it runs on. Errors must be filled, nothing may break. */
#include "base/base.h"
#include "base/fuzz.h"
#include "data/template.h"

static const char sample[] =
	"{\"ID\":\"abc\",\"Names\":[\"a\",\"b\"],\"Size\":5,\"Labels\":{\"k\":\"v\"},"
	"\"State\":{\"Up\":true,\"Null\":null,\"Load\":0.5}}";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	scoped(arena) a = {0};
	scoped(str) out = {0};
	struct err e = {0};
	const char *nul = size ? memchr(data, 0, size) : NULL;
	size_t len = nul ? (size_t)(nul - (const char *)data) : size;
	const char *doc = nul ? nul + 1 : sample;
	size_t doc_len = nul ? size - len - 1 : sizeof sample - 1;

	const char *text = arena_strndup(&a, size ? (const char *)data : "", len);
	struct template *t = template_parse(&a, text, &e);
	if (!t) {
		FUZZ_CHECK(e.code && e.msg[0]);
		return 0;
	}
	struct json *j = json_parse(&a, doc, doc_len, "fuzz", NULL, &e);
	struct json *known = json_parse(&a, sample, sizeof sample - 1, "sample", NULL, &e);
	struct json *all = json_new(&a, JSON_ARR);
	json_add(&a, all, known);
	e = (struct err){0};
	FUZZ_CHECK((template_check(t, size & 1 ? all : known, &e) == 0) == (e.code == 0));
	e = (struct err){0};
	FUZZ_CHECK((template_run(t, j, &a, &out, &e) == 0) == (e.code == 0));
	e = (struct err){0};
	str_reset(&out);
	FUZZ_CHECK((template_headline(t, NULL, &a, &out, &e) == 0) == (e.code == 0));
	return 0;
}
