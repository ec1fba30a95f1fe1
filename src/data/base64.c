#include "base/base.h"
#include "data/base64.h"

static const char set[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void base64_add(struct str *out, const void *p, size_t n)
{
	const unsigned char *s = p;

	for (size_t i = 0; i < n; i += 3) {
		uint32_t bits = (uint32_t)s[i] << 16 | (i + 1 < n ? (uint32_t)s[i + 1] << 8 : 0) |
				(i + 2 < n ? s[i + 2] : 0);
		str_addc(out, set[bits >> 18]);
		str_addc(out, set[bits >> 12 & 63]);
		str_addc(out, i + 1 < n ? set[bits >> 6 & 63] : '=');
		str_addc(out, i + 2 < n ? set[bits & 63] : '=');
	}
}

static int digit(char c)
{
	const char *p = c ? strchr(set, c) : NULL;

	return p ? (int)(p - set) : -1;
}

ssize_t base64_decode(char *s, size_t n)
{
	uint32_t bits = 0;
	size_t out = 0, count = 0;

	while (n && s[n - 1] == '=')
		n--;
	for (size_t i = 0; i < n; i++) {
		int d = digit(s[i]);
		if (d < 0)
			return -1;
		bits = bits << 6 | (uint32_t)d;
		if (++count % 4 == 0)
			for (int k = 16; k >= 0; k -= 8)
				s[out++] = (char)(bits >> k & 255);
	}
	if (count % 4 == 1)
		return -1;
	if (count % 4 == 2)
		s[out++] = (char)(bits >> 4 & 255);
	if (count % 4 == 3) {
		s[out++] = (char)(bits >> 10 & 255);
		s[out++] = (char)(bits >> 2 & 255);
	}
	return (ssize_t)out;
}
