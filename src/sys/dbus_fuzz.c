/* Fuzz target: whatever a D-Bus message looks like, nothing outside of it is read, and its texts are whole. */
#include "base/base.h"
#include "base/fuzz.h"
#include "sys/dbus.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	autofree uint8_t *copy = xmalloc(size + 1); /* so that the sanitizer sees where it ends */
	struct dbus_answer a;

	memcpy(copy, data, size);
	copy = xrealloc(copy, size ? size : 1);
	if (size >= DBUS_FIXED) {
		ssize_t n = dbus_length(copy);
		FUZZ_CHECK(n == -EBADMSG ||
			   (n >= DBUS_FIXED && n <= DBUS_FIXED + 8 + 2 * DBUS_MESSAGE_MAX));
	}
	if (dbus_parse(copy, size, &a) == 0)
		FUZZ_CHECK(strlen(a.error) < sizeof a.error && strlen(a.text) < sizeof a.text);
	return 0;
}
