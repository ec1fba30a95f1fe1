/* Fuzz target: whatever a netlink answer looks like, nothing outside of it is read, and each walk ends. */
#include "base/base.h"
#include "base/fuzz.h"
#include "sys/netlink.h"

static void look_at_attributes(const uint8_t *p, size_t n)
{
	struct nl_attr a;
	size_t pos = 0, last = 0;

	while (nl_next(p, n, &pos, &a)) {
		FUZZ_CHECK(pos > last && a.p >= p && a.n <= n && a.p + a.n <= p + n);
		nl_u32(&a);
		last = pos;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	autofree uint8_t *copy = xmalloc(size + 1); /* so that the sanitizer sees where it ends */
	struct nl_msg m;
	size_t pos = 0, last = 0;
	char words[160];

	memcpy(copy, data, size);
	copy = xrealloc(copy, size ? size : 1);
	while (nl_next_msg(copy, size, &pos, &m)) {
		FUZZ_CHECK(pos > last && m.p >= copy && m.n <= size && m.p + m.n <= copy + size);
		last = pos;
		int e = nl_error(&m, words);
		FUZZ_CHECK(e >= 0 && e <= 4095 && strlen(words) < sizeof words);
		look_at_attributes(m.p, m.n);
	}
	return 0;
}
