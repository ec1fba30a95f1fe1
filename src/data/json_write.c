#include <math.h>

#include "base/base.h"
#include "data/json.h"

/* Characters that are legal in JSON as they are but that a terminal or a reader of text may act on. */
static bool needs_escape(uint32_t c)
{
	return (c >= 0x7f && c < 0xa0) || (c >= 0x2028 && c <= 0x202e) ||
	       (c >= 0x2066 && c <= 0x2069);
}

static void write_char(struct str *out, const char *s, size_t n, uint32_t c)
{
	switch (c) {
	case '"':
		str_add(out, "\\\"");
		break;
	case '\\':
		str_add(out, "\\\\");
		break;
	case '\n':
		str_add(out, "\\n");
		break;
	case '\r':
		str_add(out, "\\r");
		break;
	case '\t':
		str_add(out, "\\t");
		break;
	default:
		if (c < 0x20 || needs_escape(c))
			str_addf(out, "\\u%04x", c);
		else
			str_addn(out, s, n);
	}
}

void json_write_str(struct str *out, const char *s)
{
	size_t len = strlen(s), done = 0;

	str_addc(out, '"');
	for (size_t i = 0; i < len;) {
		unsigned char b = (unsigned char)s[i];
		uint32_t c;
		if (b >= 0x20 && b < 0x7f && b != '"' && b != '\\') {
			i++;
			continue;
		}
		str_addn(out, s + done, i - done);
		size_t n = str_utf8_next(s + i, len - i, &c);
		if (n)
			write_char(out, s + i, n, c);
		else
			str_add(out, "\xef\xbf\xbd");
		i += n ? n : 1;
		done = i;
	}
	str_addn(out, s + done, len - done);
	str_addc(out, '"');
}

/* 1234.5 is the digits "12345" and the power 3 of the first one. */
static void write_fixed(struct str *out, const char *digits, int power)
{
	int n = (int)strlen(digits), whole = power + 1;

	if (whole <= 0)
		str_add(out, "0.");
	for (int i = whole; i < 0; i++)
		str_addc(out, '0');
	for (int i = 0; i < n || i < whole; i++) {
		if (i > 0 && i == whole)
			str_addc(out, '.');
		str_addc(out, i < n ? digits[i] : '0');
	}
}

int json_digits(double d, char digits[JSON_DIGITS])
{
	char buf[40];
	int precision = 14; /* 15 digits mostly do, 17 always (IEEE 754 binary64) */

	do
		snprintf(buf, sizeof buf, "%.*e", precision, d);
	while (strtod(buf, NULL) != d && ++precision <= 16);
	int power = (int)strtol(strchr(buf, 'e') + 1, NULL, 10), n = 0;
	for (const char *p = buf; *p != 'e'; p++)
		if (*p >= '0' && *p <= '9')
			digits[n++] = *p;
	while (n > 1 && digits[n - 1] == '0')
		n--;
	digits[n] = 0;
	return power;
}

void json_write_double(struct str *out, double d)
{
	char digits[JSON_DIGITS];

	if (!isfinite(d)) {
		str_add(out, "null");
		return;
	}
	int power = json_digits(d, digits);
	if (signbit(d))
		str_addc(out, '-');
	if (power >= -6 && power < 21)
		write_fixed(out, digits, power);
	else
		str_addf(out, "%c%s%se%+d", digits[0], digits[1] ? "." : "", digits + 1, power);
}

static void line(struct str *out, int indent, int depth)
{
	static const char blanks[] = "                                ";
	size_t left = (size_t)indent * (size_t)depth;

	if (!indent)
		return;
	str_addc(out, '\n');
	for (size_t n; left; left -= n) {
		n = left < sizeof blanks - 1 ? left : sizeof blanks - 1;
		str_addn(out, blanks, n);
	}
}

static void write_value(struct str *out, const struct json *j, int indent, int depth);

static void write_list(struct str *out, const struct json *j, int indent, int depth)
{
	bool obj = j->type == JSON_OBJ;
	size_t n = obj ? j->obj.n : j->arr.n;

	str_addc(out, obj ? '{' : '[');
	for (size_t i = 0; i < n; i++) {
		if (i)
			str_addc(out, ',');
		line(out, indent, depth + 1);
		if (obj) {
			json_write_str(out, j->obj.v[i].key);
			str_add(out, indent ? ": " : ":");
		}
		write_value(out, obj ? j->obj.v[i].value : j->arr.v[i], indent, depth + 1);
	}
	if (n)
		line(out, indent, depth);
	str_addc(out, obj ? '}' : ']');
}

static void write_value(struct str *out, const struct json *j, int indent, int depth)
{
	switch (j ? j->type : JSON_NULL) {
	case JSON_NULL:
		str_add(out, "null");
		break;
	case JSON_BOOL:
		str_add(out, j->b ? "true" : "false");
		break;
	case JSON_INT:
		str_addf(out, "%" PRId64, j->i);
		break;
	case JSON_DOUBLE:
		if (j->exact)
			str_addf(out, "%" PRIu64, j->exact);
		else
			json_write_double(out, j->d);
		break;
	case JSON_STR:
		json_write_str(out, j->s);
		break;
	case JSON_ARR:
	case JSON_OBJ:
		write_list(out, j, indent, depth);
		break;
	}
}

void json_write(struct str *out, const struct json *j, int indent)
{
	write_value(out, j, indent, 0);
}
