#include <sys/random.h>

#include "base/base.h"
#include "base/rand.h"

static void fill(void *p, size_t n)
{
	char *s = p;

	while (n) {
		ssize_t k = getrandom(s, n, 0);
		if (k < 0) {
			if (errno == EINTR)
				continue;
			abort(); /* no entropy source at all: going on would give guessable ids */
		}
		s += k;
		n -= (size_t)k;
	}
}

uint64_t rand_u64(void)
{
	uint64_t v;

	fill(&v, sizeof v);
	return v;
}

char *rand_hex(char *buf, size_t digits)
{
	static const char hex[] = "0123456789abcdef";
	unsigned char raw[64];
	size_t n = digits < sizeof raw ? digits : sizeof raw;

	fill(raw, n);
	for (size_t i = 0; i < digits; i++)
		buf[i] = hex[raw[i % n] & 15];
	buf[digits] = 0;
	return buf;
}
