/* Fuzz target: the bodies of errors. A reason fits its buffer. */
#include "base/base.h"
#include "base/fuzz.h"
#include "registry/answer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char buf[ANSWER_REASON];

	FUZZ_CHECK(answer_reason((const char *)data, size, buf) == buf);
	FUZZ_CHECK(strnlen(buf, sizeof buf) < sizeof buf);
	answer_is_html("", (const char *)data, size);
	return 0;
}
