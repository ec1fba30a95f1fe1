/* Go's fmt: %v, Print, Println, Printf. https://pkg.go.dev/fmt */
#include <math.h>

#include "base/base.h"
#include "data/template_ast.h"

enum { MAX_WIDTH = 100000 };

struct spec {
	bool plus, minus, sharp, space, zero;
	int width, prec; /* -1: not given */
	char verb;
};

static void format(struct str *out, const struct json *j, const struct spec *f);

/* Lists and maps of texts only are what Go has as []string and map[string]string. */
static bool all_texts(const struct json *j)
{
	bool obj = j->type == JSON_OBJ;
	size_t n = obj ? j->obj.n : j->arr.n;

	for (size_t i = 0; i < n; i++)
		if ((obj ? j->obj.v[i].value : j->arr.v[i])->type != JSON_STR)
			return false;
	return n > 0;
}

static const char *type_of(const struct json *j)
{
	static const char *const names[] = {"<nil>",
					    "bool",
					    "int",
					    "float64",
					    "string",
					    "[]interface {}",
					    "map[string]interface {}"};

	if (j && j->type >= JSON_ARR && all_texts(j))
		return j->type == JSON_ARR ? "[]string" : "map[string]string";
	return names[j ? j->type : JSON_NULL];
}

static size_t rune_count(const char *s, size_t len)
{
	size_t n = 0;
	uint32_t c;

	for (size_t i = 0; i < len; n++) {
		size_t step = str_utf8_next(s + i, len - i, &c);
		i += step ? step : 1;
	}
	return n;
}

/* Zeros go between the sign and the digits. */
static void pad(struct str *out, const struct spec *f, const char *s, size_t len)
{
	size_t runes = rune_count(s, len), fill = 0;

	if (f->width > 0 && (size_t)f->width > runes)
		fill = (size_t)f->width - runes;
	bool zero = f->zero && !f->minus;
	if (zero && len && (s[0] == '-' || s[0] == '+') && fill) {
		str_addc(out, s[0]);
		s++;
		len--;
	}
	for (size_t i = 0; i < fill && !f->minus; i++)
		str_addc(out, zero ? '0' : ' ');
	str_addn(out, s, len);
	for (size_t i = 0; i < fill && f->minus; i++)
		str_addc(out, ' ');
}

/* ascii: other characters are escaped too (%+q). */
static void add_quoted(struct str *out, const char *s, size_t len, char quote, bool ascii)
{
	static const char from[] = "\a\b\f\n\r\t\v\\", to[] = "abfnrtv\\";
	uint32_t c;

	str_addc(out, quote);
	for (size_t i = 0; i < len;) {
		size_t n = str_utf8_next(s + i, len - i, &c);
		const char *p = s[i] ? strchr(from, s[i]) : NULL;
		if (p || s[i] == quote)
			str_addf(out, "\\%c", p ? to[p - from] : quote);
		else if (!n)
			str_addf(out, "\\x%02x", (unsigned char)s[i]);
		else if (c < 0x20 || c == 0x7f)
			str_addf(out, "\\x%02x", c);
		else if ((c >= 0x80 && c < 0xa0) || c == 0x2028 || c == 0x2029 ||
			 (ascii && c >= 0x80))
			str_addf(out, c < 0x10000 ? "\\u%04x" : "\\U%08x", c);
		else
			str_addn(out, s + i, n);
		i += n ? n : 1;
	}
	str_addc(out, quote);
}

/* "%!d(string=hi)" */
static void bad_verb(struct str *out, const struct json *j, char verb)
{
	struct spec plain = {.width = -1, .prec = -1, .verb = 'v'};

	str_addf(out, "%%!%c(", verb);
	if (j && j->type != JSON_NULL) {
		str_addf(out, "%s=", type_of(j));
		format(out, j, &plain);
	} else {
		str_add(out, "<nil>");
	}
	str_addc(out, ')');
}

/* %x of a text: "616263"; with a blank "61 62 63"; with # "0x616263". */
static void add_hex(struct str *b, const char *s, size_t len, const struct spec *f)
{
	for (size_t i = 0; i < len; i++) {
		if (i && f->space)
			str_addc(b, ' ');
		if (f->sharp && (!i || f->space))
			str_addf(b, "0%c", f->verb);
		str_addf(b, f->verb == 'x' ? "%02x" : "%02X", (unsigned char)s[i]);
	}
}

static void format_str(struct str *out, const struct json *j, const struct spec *f)
{
	scoped(str) b = {0};
	const char *s = j->s;
	size_t len = strlen(s), end = 0;
	uint32_t c;

	for (int n = 0;
	     f->prec >= 0 && f->verb != 'x' && f->verb != 'X' && end < len && n < f->prec; n++) {
		size_t step = str_utf8_next(s + end, len - end, &c);
		end += step ? step : 1;
	}
	if (f->prec >= 0 && (f->verb == 'x' || f->verb == 'X'))
		end = (size_t)f->prec < len ? (size_t)f->prec : len;
	if (f->prec >= 0)
		len = end;
	switch (f->verb) {
	case 'v':
		if (f->sharp)
			add_quoted(&b, s, len, '"', f->plus);
		else
			str_addn(&b, s, len);
		break;
	case 's':
		str_addn(&b, s, len);
		break;
	case 'q':
		if (f->sharp && !memchr(s, '`', len) && !memchr(s, '\n', len))
			str_addf(&b, "`%.*s`", (int)len, s);
		else
			add_quoted(&b, s, len, '"', f->plus);
		break;
	case 'x':
	case 'X':
		add_hex(&b, s, len, f);
		break;
	default:
		bad_verb(out, j, f->verb);
		return;
	}
	pad(out, f, str_cstr(&b), b.len);
}

/* What Go prints for a number that is no code point. */
static uint32_t code_point(int64_t i)
{
	return i < 0 || i > 0x10ffff ? 0xfffd : (uint32_t)i;
}

static void add_digits(struct str *b, uint64_t v, unsigned base, bool capital, int least)
{
	char buf[65], *p = buf + sizeof buf;
	const char *digits = capital ? "0123456789ABCDEF" : "0123456789abcdef";

	do
		*--p = digits[v % base];
	while (v /= base);
	for (int n = (int)(buf + sizeof buf - p); n < least; n++)
		str_addc(b, '0');
	str_addn(b, p, (size_t)(buf + sizeof buf - p));
}

static void format_int(struct str *out, const struct json *j, const struct spec *f)
{
	static const char verbs[] = "vdboOxX";
	static const unsigned bases[] = {10, 10, 2, 8, 8, 16, 16};
	static const char *const prefixes[] = {"", "", "0b", "0", "0o", "0x", "0X"};
	scoped(str) b = {0};
	const char *p = strchr(verbs, f->verb);
	struct spec g = *f;

	if (f->verb == 'c' || f->verb == 'q') {
		scoped(str) rune = {0};
		str_add_utf8(&rune, code_point(j->i));
		if (f->verb == 'c')
			str_addn(&b, rune.s, rune.len);
		else
			add_quoted(&b, rune.s, rune.len, '\'', f->plus);
	} else if (f->verb == 'U') {
		str_add(&b, "U+");
		add_digits(&b, (uint64_t)j->i, 16, true, 4);
		if (f->sharp) {
			str_add(&b, " '");
			str_add_utf8(&b, code_point(j->i));
			str_addc(&b, '\'');
		}
	} else if (p && f->verb) {
		uint64_t v = j->i < 0 ? 0 - (uint64_t)j->i : (uint64_t)j->i;
		if (j->i < 0 || f->plus || f->space)
			str_addc(&b, j->i < 0 ? '-' : f->plus ? '+' : ' ');
		if (f->sharp || f->verb == 'O')
			str_add(&b, prefixes[p - verbs]);
		if (v || f->prec)
			add_digits(&b, v, bases[p - verbs], f->verb == 'X',
				   f->prec > MAX_WIDTH ? MAX_WIDTH : f->prec);
		if (f->prec >= 0)
			g.zero = false;
	} else {
		bad_verb(out, j, f->verb);
		return;
	}
	pad(out, &g, str_cstr(&b), b.len);
}

/* The shortest form, with an exponent from 1e+06 on (strconv.FormatFloat with 'g' and -1). */
static void add_shortest(struct str *b, double d)
{
	char digits[JSON_DIGITS];
	int power = json_digits(d, digits);

	if (power < -4 || power >= 6)
		str_addf(b, "%s%c%s%se%+03d", signbit(d) ? "-" : "", digits[0],
			 digits[1] ? "." : "", digits + 1, power);
	else
		json_write_double(b, d);
}

static void format_double(struct str *out, const struct json *j, const struct spec *f)
{
	scoped(str) b = {0};
	int prec = f->prec < 0 ? 6 : f->prec > 400 ? 400 : f->prec;

	if (!strchr("vgGeEfF", f->verb) || !f->verb) {
		bad_verb(out, j, f->verb);
		return;
	}
	if (!signbit(j->d) && (f->plus || f->space))
		str_addc(&b, f->plus ? '+' : ' ');
	if (f->prec < 0 && strchr("vgG", f->verb))
		add_shortest(&b, j->d);
	else if (f->verb == 'e')
		str_addf(&b, "%.*e", prec, j->d);
	else if (f->verb == 'E')
		str_addf(&b, "%.*E", prec, j->d);
	else if (f->verb == 'f' || f->verb == 'F')
		str_addf(&b, "%.*f", prec, j->d);
	else if (f->verb == 'G')
		str_addf(&b, "%.*G", prec, j->d);
	else
		str_addf(&b, "%.*g", prec, j->d);
	for (char *p = b.s; f->verb == 'G' && p && *p; p++)
		*p = *p == 'e' ? 'E' : *p;
	pad(out, f, str_cstr(&b), b.len);
}

static void format_list(struct str *out, const struct json *j, const struct spec *f)
{
	bool go = f->sharp && f->verb == 'v';

	str_add(out, go ? type_of(j) : "");
	str_addc(out, go ? '{' : '[');
	for (size_t i = 0; i < j->arr.n; i++) {
		if (i)
			str_add(out, go ? ", " : " ");
		format(out, j->arr.v[i], f);
	}
	str_addc(out, go ? '}' : ']');
}

static void format_map(struct str *out, const struct json *j, const struct spec *f)
{
	bool go = f->sharp && f->verb == 'v';
	autofree const struct json_member **m = template_sorted(j);

	str_add(out, go ? type_of(j) : "map");
	str_addc(out, go ? '{' : '[');
	for (size_t i = 0; i < j->obj.n; i++) {
		struct json key = {.type = JSON_STR, .s = m[i]->key};
		if (i)
			str_add(out, go ? ", " : " ");
		format(out, &key, f);
		str_addc(out, ':');
		format(out, m[i]->value, f);
	}
	str_addc(out, go ? '}' : ']');
}

static void format(struct str *out, const struct json *j, const struct spec *f)
{
	switch (j ? j->type : JSON_NULL) {
	case JSON_NULL:
		if (f->verb == 'v')
			pad(out, f, "<nil>", 5);
		else
			bad_verb(out, j, f->verb);
		break;
	case JSON_BOOL:
		if (f->verb == 'v' || f->verb == 't')
			pad(out, f, j->b ? "true" : "false", j->b ? 4 : 5);
		else
			bad_verb(out, j, f->verb);
		break;
	case JSON_INT:
		format_int(out, j, f);
		break;
	case JSON_DOUBLE:
		format_double(out, j, f);
		break;
	case JSON_STR:
		format_str(out, j, f);
		break;
	case JSON_ARR:
		format_list(out, j, f);
		break;
	case JSON_OBJ:
		format_map(out, j, f);
		break;
	}
}

void template_print(struct str *out, const struct json *j)
{
	struct spec f = {.width = -1, .prec = -1, .verb = 'v'};

	if (j && j->type == JSON_STR)
		str_add(out, j->s);
	else
		format(out, j, &f);
}

void template_sprint(struct str *out, const struct val *args, size_t n, bool line)
{
	for (size_t i = 0; i < n; i++) {
		bool text = args[i].j && args[i].j->type == JSON_STR;
		bool before = i && args[i - 1].j && args[i - 1].j->type == JSON_STR;
		if (i && (line || (!text && !before)))
			str_addc(out, ' ');
		template_print(out, args[i].j);
	}
	if (line)
		str_addc(out, '\n');
}

/* ---- Printf ---- */

struct printer {
	struct str *out;
	const char *p;
	const struct val *args;
	size_t n, next;
	bool reordered, bad_index;
};

static bool take_flag(struct spec *f, char c)
{
	switch (c) {
	case '+':
		f->plus = true;
		return true;
	case '-':
		f->minus = true;
		return true;
	case '#':
		f->sharp = true;
		return true;
	case ' ':
		f->space = true;
		return true;
	case '0':
		f->zero = true;
		return true;
	default:
		return false;
	}
}

/* "[2]": the argument that comes next. */
static void take_index(struct printer *p)
{
	size_t v = 0;
	const char *s = p->p + 1;

	if (*p->p != '[')
		return;
	for (; *s >= '0' && *s <= '9'; s++)
		v = v > p->n ? v : v * 10 + (size_t)(*s - '0');
	p->reordered = true;
	p->bad_index |= *s != ']' || v < 1 || v > p->n;
	s = strchr(s, ']');
	if (s)
		p->p = s + 1;
	if (!p->bad_index)
		p->next = v - 1;
}

/* A number or * for width and precision. */
static int take_number(struct printer *p, int none)
{
	int v = 0;

	if (*p->p == '*') {
		p->p++;
		const struct json *j = p->next < p->n ? p->args[p->next++].j : NULL;
		if (j && j->type == JSON_INT && j->i >= -MAX_WIDTH && j->i <= MAX_WIDTH)
			return (int)j->i;
		str_add(p->out, none < 0 ? "%!(BADWIDTH)" : "%!(BADPREC)");
		return none;
	}
	if (*p->p < '0' || *p->p > '9')
		return none;
	for (; *p->p >= '0' && *p->p <= '9'; p->p++)
		v = v > MAX_WIDTH ? v : v * 10 + (*p->p - '0');
	return v > MAX_WIDTH ? MAX_WIDTH : v;
}

static void print_verb(struct printer *p)
{
	struct spec f = {.width = -1, .prec = -1};

	while (take_flag(&f, *p->p))
		p->p++;
	p->bad_index = false;
	take_index(p);
	f.width = take_number(p, -1);
	if (f.width < -1) {
		f.minus = true;
		f.width = -f.width;
	}
	if (*p->p == '.') {
		p->p++;
		take_index(p);
		f.prec = take_number(p, 0);
	}
	take_index(p);
	if (!*p->p) {
		str_add(p->out, "%!(NOVERB)");
		return;
	}
	f.verb = *p->p++;
	if (f.verb == '%') {
		str_addc(p->out, '%');
	} else if (p->bad_index || p->next >= p->n) {
		str_addf(p->out, "%%!%c(%s)", f.verb, p->bad_index ? "BADINDEX" : "MISSING");
	} else {
		const struct json *j = p->args[p->next++].j;
		if (f.verb == 'T')
			pad(p->out, &f, type_of(j), strlen(type_of(j)));
		else
			format(p->out, j, &f);
	}
}

void template_printf(struct str *out, const char *fmt, const struct val *args, size_t n)
{
	struct printer p = {.out = out, .p = fmt, .args = args, .n = n};

	while (*p.p) {
		size_t text = strcspn(p.p, "%");
		str_addn(out, p.p, text);
		p.p += text;
		if (!*p.p)
			break;
		p.p++;
		print_verb(&p);
	}
	if (p.next >= n || p.reordered)
		return;
	str_add(out, "%!(EXTRA ");
	for (size_t i = p.next; i < n; i++) {
		str_addf(out, "%s%s", i > p.next ? ", " : "", type_of(args[i].j));
		if (!args[i].j || args[i].j->type == JSON_NULL)
			continue;
		str_addc(out, '=');
		template_print(out, args[i].j);
	}
	str_addc(out, ')');
}
