#include "cli/build_lines.h"

void line_cutter_free(struct line_cutter *l)
{
	str_free(&l->part);
}

/* What a terminal would show of it in the end. */
static void give(const struct str *part, void (*fn)(void *arg, const char *line, size_t len),
		 void *arg)
{
	const char *s = str_cstr(part);
	size_t n = part->len;

	while (n && s[n - 1] == '\r')
		n--;
	const char *cr = n ? memrchr(s, '\r', n) : NULL;
	size_t skip = cr ? (size_t)(cr + 1 - s) : 0;
	fn(arg, s + skip, n - skip);
}

void lines_take(struct line_cutter *l, const void *p, size_t n,
		void (*fn)(void *arg, const char *line, size_t len), void *arg)
{
	const char *s = p;

	while (n) {
		const char *nl = memchr(s, '\n', n);
		size_t k = nl ? (size_t)(nl - s) : n;
		size_t room = BUILD_LINE_MAX - l->part.len;
		bool full = k > room;
		str_addn(&l->part, s, full ? room : k);
		if (full) {
			give(&l->part, fn, arg);
			str_reset(&l->part);
			s += room;
			n -= room;
			continue;
		}
		s += k;
		n -= k;
		if (!nl)
			break;
		give(&l->part, fn, arg);
		str_reset(&l->part);
		s++;
		n--;
	}
}

void lines_end(struct line_cutter *l, void (*fn)(void *arg, const char *line, size_t len),
	       void *arg)
{
	if (l->part.len)
		give(&l->part, fn, arg);
	str_reset(&l->part);
}

/* The length of the escape sequence at s (ECMA-48); *ret_color: it only sets colors and the like. */
static size_t sequence(const char *s, size_t n, bool *ret_color)
{
	size_t i = 1;

	*ret_color = false;
	if (n < 2)
		return n;
	if (s[1] == '[') {
		for (i = 2; i < n && (unsigned char)s[i] >= 0x20 && (unsigned char)s[i] <= 0x3f;)
			i++;
		*ret_color = i < n && s[i] == 'm' && strspn(s + 2, "0123456789;:") >= i - 2;
		return i < n && (unsigned char)s[i] >= 0x40 && (unsigned char)s[i] < 0x7f ? i + 1
											  : i;
	}
	if (strchr("]PX^_", s[1])) { /* a string, up to BEL or ST */
		for (i = 2; i < n; i++) {
			if (s[i] == '\a')
				return i + 1;
			if (s[i] == '\033')
				return i + 1 < n && s[i + 1] == '\\' ? i + 2 : i;
		}
		return n;
	}
	while (i < n && (unsigned char)s[i] >= 0x20 && (unsigned char)s[i] < 0x30)
		i++;
	return i < n && (unsigned char)s[i] >= 0x30 && (unsigned char)s[i] < 0x7f ? i + 1 : i;
}

/* Characters that change the order of others, and controls of eight bits. */
static bool is_harmful(uint32_t c)
{
	return (c >= 0x80 && c < 0xa0) || c == 0x2028 || c == 0x2029 ||
	       (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
}

void line_clean(const char *s, size_t n, bool colors, struct str *out)
{
	bool colored = false;

	while (n) {
		size_t plain = 0, k;
		uint32_t c = 0;
		while (plain < n && ((s[plain] >= 0x20 && s[plain] < 0x7f) || s[plain] == '\t'))
			plain++;
		if (plain) {
			str_addn(out, s, plain);
			k = plain;
		} else if (*s == '\033') {
			bool color;
			k = sequence(s, n, &color);
			if (color && colors) {
				str_addn(out, s, k);
				colored = true;
			}
		} else if ((unsigned char)*s < 0x80) {
			k = 1; /* other controls */
		} else {
			k = str_utf8_next(s, n, &c);
			if (k && !is_harmful(c))
				str_addn(out, s, k);
			else
				str_add_escaped(out, s, k ? k : 1);
			k = k ? k : 1;
		}
		s += k;
		n -= k;
	}
	if (colored)
		str_add(out, "\033[0m");
}

bool line_is_structure(const char *s)
{
	if (*s == '[') {
		size_t k = strcspn(s, "]");
		if (s[k] == ']' && s[k + 1] == ' ')
			s += k + 2;
	}
	return str_starts(s, "STEP ") || str_starts(s, "COMMIT") || str_starts(s, "-->") ||
	       str_starts(s, "Successfully tagged ");
}

size_t line_fit(const char *s, size_t columns)
{
	size_t n = 0, len = strlen(s), k;

	for (uint32_t c; n < len; n += k) {
		k = str_utf8_next(s + n, len - n, &c);
		k = k ? k : 1;
		if (str_columns(s, n + k) > columns)
			break;
	}
	return n;
}
