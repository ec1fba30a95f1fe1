#include "base/base.h"

void str_free(struct str *b)
{
	free(b->s);
	*b = (struct str){0};
}

void str_reset(struct str *b)
{
	b->len = 0;
	if (b->s)
		b->s[0] = 0;
}

void str_reserve(struct str *b, size_t more)
{
	size_t need = b->len + more + 1;

	if (need <= b->cap)
		return;
	size_t cap = b->cap ? b->cap * 2 : 64;
	b->cap = cap < need ? need : cap;
	b->s = xrealloc(b->s, b->cap);
	b->s[b->len] = 0;
}

void str_addn(struct str *b, const void *p, size_t n)
{
	str_reserve(b, n);
	if (n)
		memcpy(b->s + b->len, p, n);
	b->len += n;
	b->s[b->len] = 0;
}

void str_add(struct str *b, const char *s)
{
	str_addn(b, s, strlen(s));
}

void str_addc(struct str *b, char c)
{
	str_addn(b, &c, 1);
}

void str_addf(struct str *b, const char *fmt, ...)
{
	va_list ap;

	str_reserve(b, 128);
	va_start(ap, fmt);
	int n = vsnprintf(b->s + b->len, b->cap - b->len, fmt, ap);
	va_end(ap);
	if (n < 0)
		return;
	if ((size_t)n >= b->cap - b->len) {
		str_reserve(b, (size_t)n);
		va_start(ap, fmt);
		vsnprintf(b->s + b->len, b->cap - b->len, fmt, ap);
		va_end(ap);
	}
	b->len += (size_t)n;
}

const char *str_cstr(const struct str *b)
{
	return b->s ? b->s : "";
}

char *str_steal(struct str *b)
{
	char *s = b->s ? b->s : xstrdup("");

	*b = (struct str){0};
	return s;
}

size_t str_utf8_next(const char *text, size_t n, uint32_t *ret)
{
	const unsigned char *s = (const unsigned char *)text;
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	size_t len = s[0] < 0x80 ? 1 : s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : s[0] >= 0xc2 ? 2 : 0;

	if (!len || len > n || s[0] > 0xf4)
		return 0;
	uint32_t c = len == 1 ? s[0] : s[0] & (0x7fu >> len);
	for (size_t i = 1; i < len; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (s[i] & 0x3f);
	}
	if (len > 1 && (c < least[len] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff)))
		return 0;
	*ret = c;
	return len;
}

static bool harmless(uint32_t c)
{
	if (c < 0x20 || (c >= 0x7f && c < 0xa0))
		return false;
	return !((c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
		 (c >= 0x2066 && c <= 0x2069) || c == 0xfeff);
}

void str_add_escaped(struct str *b, const char *s, size_t n)
{
	for (size_t i = 0; i < n;) {
		uint32_t c;
		size_t plain = i;
		while (plain < n && s[plain] >= 0x20 && s[plain] < 0x7f)
			plain++;
		str_addn(b, s + i, plain - i);
		if ((i = plain) == n)
			break;
		size_t len = str_utf8_next(s + i, n - i, &c);
		if (len && harmless(c))
			str_addn(b, s + i, len);
		else if (len && c == '\n')
			str_add(b, "\\n");
		else if (len && c == '\t')
			str_add(b, "\\t");
		else if (len > 1)
			str_addf(b, "\\u{%04x}", c);
		else
			str_addf(b, "\\x%02x", (unsigned char)s[i]);
		i += len ? len : 1;
	}
}

static bool in(uint32_t c, uint32_t lo, uint32_t hi)
{
	return c >= lo && c <= hi;
}

static size_t rune_columns(uint32_t c)
{
	if (in(c, 0x300, 0x36f) || in(c, 0x200b, 0x200f) || in(c, 0xfe00, 0xfe0f) ||
	    in(c, 0x20d0, 0x20ff))
		return 0;
	if (in(c, 0x1100, 0x115f) || in(c, 0x2e80, 0xa4cf) || in(c, 0xac00, 0xd7a3) ||
	    in(c, 0xf900, 0xfaff) || in(c, 0xfe30, 0xfe6f) || in(c, 0xff00, 0xff60) ||
	    in(c, 0xffe0, 0xffe6) || in(c, 0x1f300, 0x1faff) || in(c, 0x20000, 0x3fffd))
		return 2;
	return 1;
}

size_t str_columns(const char *s, size_t n)
{
	size_t columns = 0;
	uint32_t c;

	for (size_t i = 0; i < n;) {
		size_t len = str_utf8_next(s + i, n - i, &c);
		columns += len ? rune_columns(c) : 1;
		i += len ? len : 1;
	}
	return columns;
}

void str_add_utf8(struct str *b, uint32_t c)
{
	if (c < 0x80) {
		str_addc(b, (char)c);
		return;
	}
	if (c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		c = 0xfffd;
	if (c < 0x800) {
		str_addc(b, (char)(0xc0 | c >> 6));
	} else {
		if (c < 0x10000) {
			str_addc(b, (char)(0xe0 | c >> 12));
		} else {
			str_addc(b, (char)(0xf0 | c >> 18));
			str_addc(b, (char)(0x80 | (c >> 12 & 0x3f)));
		}
		str_addc(b, (char)(0x80 | (c >> 6 & 0x3f)));
	}
	str_addc(b, (char)(0x80 | (c & 0x3f)));
}

bool str_starts(const char *s, const char *prefix)
{
	return !strncmp(s, prefix, strlen(prefix));
}

bool str_ends(const char *s, const char *suffix)
{
	size_t n = strlen(s), m = strlen(suffix);

	return n >= m && !memcmp(s + n - m, suffix, m);
}

bool str_eq(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

bool str_is_empty(const char *s)
{
	return !s || !*s;
}

size_t str_distance(const char *a, const char *b)
{
	enum { MAX = 64 };
	size_t d[3][MAX + 1], n = strlen(a), m = strlen(b);

	if (n > MAX || m > MAX)
		return MAX;
	for (size_t j = 0; j <= m; j++)
		d[0][j] = j;
	for (size_t i = 1; i <= n; i++) {
		size_t *cur = d[i % 3], *prev = d[(i + 2) % 3], *prev2 = d[(i + 1) % 3];
		cur[0] = i;
		for (size_t j = 1; j <= m; j++) {
			size_t best = prev[j - 1] + (a[i - 1] != b[j - 1]);
			if (prev[j] + 1 < best)
				best = prev[j] + 1;
			if (cur[j - 1] + 1 < best)
				best = cur[j - 1] + 1;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
			    prev2[j - 2] + 1 < best)
				best = prev2[j - 2] + 1;
			cur[j] = best;
		}
	}
	return d[n % 3][m];
}

size_t str_too_far(const char *typed)
{
	size_t n = strlen(typed);

	return n < 5 ? 2 : n < 8 ? 3 : 4;
}
