/* Go's fmt: %v, Print, Println, Printf. https://pkg.go.dev/fmt */
#include <math.h>

#include "base/base.h"
#include "data/template_ast.h"

enum { MAX_WIDTH = 100000 };

struct spec {
	bool plus, minus, sharp, space, zero;
	bool go;	 /* %#v: as Go source */
	int width, prec; /* -1: not given */
	uint32_t verb;
};

static void format(struct str *out, const struct json *j, const struct spec *f);

/* Lists and maps of texts, or of whole numbers, only are what Go has as []string and map[string]string. */
static bool all_are(const struct json *j, enum json_type type)
{
	bool obj = j->type == JSON_OBJ;
	size_t n = obj ? j->obj.n : j->arr.n;

	for (size_t i = 0; i < n; i++)
		if ((obj ? j->obj.v[i].value : j->arr.v[i])->type != type)
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

	if (j && j->type >= JSON_ARR && all_are(j, JSON_STR))
		return j->type == JSON_ARR ? "[]string" : "map[string]string";
	if (j && j->type >= JSON_ARR && all_are(j, JSON_INT))
		return j->type == JSON_ARR ? "[]int" : "map[string]int";
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
	bool sign = len && (s[0] == '-' || s[0] == '+' || (s[0] == ' ' && f->space));
	if (zero && sign && fill) {
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

/* "%!d(string=hi)"; flags and width count for what is inside. */
static void bad_verb(struct str *out, const struct json *j, const struct spec *f)
{
	struct spec plain = *f;

	plain.verb = 'v';
	str_add(out, "%!");
	str_add_utf8(out, f->verb);
	str_addc(out, '(');
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
			str_addf(b, "0%c", (char)f->verb);
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
		if (f->go)
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
		bad_verb(out, j, f);
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

static int octal_digits(uint64_t v)
{
	int n = 1;

	while (v >>= 3)
		n++;
	return n;
}

static void format_int(struct str *out, const struct json *j, const struct spec *f)
{
	static const char verbs[] = "vdboOxX";
	static const unsigned bases[] = {10, 10, 2, 8, 8, 16, 16};
	static const char *const prefixes[] = {"", "", "0b", "0", "0o", "0x", "0X"};
	scoped(str) b = {0};
	const char *p = f->verb < 0x80 ? strchr(verbs, (int)f->verb) : NULL;
	struct spec g = *f;

	/* Zeros are digits here: they stand behind a prefix, and it does not count. */
	if (p && *p && f->zero && !f->minus && f->width >= 0 && f->prec < 0)
		g.prec = f->width - (j->i < 0 || f->plus || f->space);
	if (p && *p && !j->i && !f->prec) {
		g.zero = false; /* nothing but the padding */
	} else if (f->verb == 'c' || f->verb == 'q') {
		scoped(str) rune = {0};
		str_add_utf8(&rune, code_point(j->i));
		if (f->verb == 'c')
			str_addn(&b, rune.s, rune.len);
		else
			add_quoted(&b, rune.s, rune.len, '\'', f->plus);
	} else if (f->verb == 'U') {
		g.zero = false;
		str_add(&b, "U+");
		add_digits(&b, (uint64_t)j->i, 16, true, 4);
		if (f->sharp && j->i >= 0x20 && j->i != 0x7f && j->i <= 0x10ffff) {
			str_add(&b, " '");
			str_add_utf8(&b, code_point(j->i));
			str_addc(&b, '\'');
		}
	} else if (p && *p) {
		uint64_t v = j->i < 0 ? 0 - (uint64_t)j->i : (uint64_t)j->i;
		if (j->i < 0 || f->plus || f->space)
			str_addc(&b, j->i < 0 ? '-' : f->plus ? '+' : ' ');
		if (f->verb == 'O' || (f->sharp && f->verb != 'o'))
			str_add(&b, prefixes[p - verbs]);
		/* # puts a zero before octal numbers that have none. */
		if (f->sharp && bases[p - verbs] == 8 && v && g.prec < octal_digits(v) + 1)
			str_addc(&b, '0');
		add_digits(&b, v, bases[p - verbs], f->verb == 'X',
			   g.prec > MAX_WIDTH ? MAX_WIDTH : g.prec);
		if (g.prec >= 0)
			g.zero = false;
	} else {
		bad_verb(out, j, f);
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

/* What C does with these verbs, except that Go writes at least two digits of a hexadecimal exponent. */
static void add_double(struct str *b, double d, const struct spec *f)
{
	char fmt[8] = "%#.*e", buf[512];
	char verb = f->verb == 'x' || f->verb == 'X' ? (char)(f->verb - 'x' + 'a') : (char)f->verb;
	int prec = f->prec > 400 ? 400 : f->prec;

	if (prec < 0 && strchr("gGv", verb)) { /* %#g: the shortest form, but six digits */
		char digits[JSON_DIGITS];
		int power = json_digits(d, digits), n = (int)strlen(digits);
		bool exponent = power < -4 || power >= 6;
		verb = exponent ? 'e' : 'g';
		prec = (n < 6 ? 6 : n) - exponent;
	}
	if (prec < 0 && verb != 'a' && verb != 'A')
		prec = 6;
	snprintf(fmt, sizeof fmt, "%%%s.*%c", f->sharp ? "#" : "", verb == 'v' ? 'g' : verb);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	snprintf(buf, sizeof buf, fmt, prec, d);
#pragma GCC diagnostic pop
	char *p = verb == 'a' || verb == 'A' ? strpbrk(buf, "pP") : NULL;
	if (p && !p[3])
		str_addf(b, "%.*s0%s", (int)(p + 2 - buf), buf, p + 2);
	else
		str_add(b, buf);
}

/* %b: the mantissa and a power of two, "4503599627370496p-54". */
static void add_binary(struct str *b, double d)
{
	int power;
	double m = frexp(d, &power);

	str_addf(b, "%.0fp%+d", ldexp(m, 53), d == 0 ? -1074 : power - 53);
}

static void format_double(struct str *out, const struct json *j, const struct spec *f)
{
	scoped(str) b = {0};

	if (f->verb >= 0x80 || !f->verb || !strchr("vgGeEfFxXb", (int)f->verb)) {
		bad_verb(out, j, f);
		return;
	}
	if (!signbit(j->d) && (f->plus || f->space))
		str_addc(&b, f->plus ? '+' : ' ');
	if (f->verb == 'b')
		add_binary(&b, j->d);
	else if (f->prec < 0 && strchr("vgG", (int)f->verb) && !f->sharp)
		add_shortest(&b, j->d);
	else
		add_double(&b, j->d, f);
	for (char *p = b.s; f->verb == 'G' && p && *p; p++)
		*p = *p == 'e' ? 'E' : *p;
	pad(out, f, str_cstr(&b), b.len);
}

/* A value inside of another; nothing is <nil> there, whatever the verb. */
static void format_inner(struct str *out, const struct json *j, const struct spec *f)
{
	if (!j || j->type == JSON_NULL)
		pad(out, f, "<nil>", 5);
	else
		format(out, j, f);
}

static void format_list(struct str *out, const struct json *j, const struct spec *f)
{
	str_add(out, f->go ? type_of(j) : "");
	str_addc(out, f->go ? '{' : '[');
	for (size_t i = 0; i < j->arr.n; i++) {
		if (i)
			str_add(out, f->go ? ", " : " ");
		format_inner(out, j->arr.v[i], f);
	}
	str_addc(out, f->go ? '}' : ']');
}

static void format_map(struct str *out, const struct json *j, const struct spec *f)
{
	autofree const struct json_member **m = template_sorted(j);

	str_add(out, f->go ? type_of(j) : "map");
	str_addc(out, f->go ? '{' : '[');
	for (size_t i = 0; i < j->obj.n; i++) {
		struct json key = {.type = JSON_STR, .s = m[i]->key};
		if (i)
			str_add(out, f->go ? ", " : " ");
		format(out, &key, f);
		str_addc(out, ':');
		format_inner(out, m[i]->value, f);
	}
	str_addc(out, f->go ? '}' : ']');
}

static void format(struct str *out, const struct json *j, const struct spec *f)
{
	switch (j ? j->type : JSON_NULL) {
	case JSON_NULL:
		if (f->verb == 'v')
			pad(out, f, "<nil>", 5);
		else
			bad_verb(out, j, f);
		break;
	case JSON_BOOL:
		if (f->verb == 'v' || f->verb == 't')
			pad(out, f, j->b ? "true" : "false", j->b ? 4 : 5);
		else
			bad_verb(out, j, f);
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

/* "[2]": the argument that comes next. Without a ] the bracket is the verb. */
static void take_index(struct printer *p)
{
	size_t v = 0;
	const char *s = p->p + 1, *end = strchr(p->p, ']');

	if (*p->p != '[')
		return;
	p->reordered = true;
	if (!end) {
		p->bad_index = true;
		p->p++;
		return;
	}
	for (; *s >= '0' && *s <= '9'; s++)
		v = v > p->n ? v : v * 10 + (size_t)(*s - '0');
	p->bad_index |= s != end || v < 1 || v > p->n;
	p->p = end + 1;
	if (!p->bad_index)
		p->next = v - 1;
}

static int digits(struct printer *p)
{
	int v = 0;

	for (; *p->p >= '0' && *p->p <= '9'; p->p++)
		v = v > MAX_WIDTH ? v : v * 10 + (*p->p - '0');
	return v > MAX_WIDTH ? MAX_WIDTH : v;
}

/* The argument that * asks for; false if it is no number of a bearable size. */
static bool take_star(struct printer *p, int *ret)
{
	p->p++;
	const struct json *j = p->next < p->n && !p->bad_index ? p->args[p->next++].j : NULL;
	bool ok = j && j->type == JSON_INT && j->i >= -MAX_WIDTH && j->i <= MAX_WIDTH;
	*ret = ok ? (int)j->i : -1;
	return ok;
}

static void take_width(struct printer *p, struct spec *f)
{
	if (*p->p != '*') {
		f->width = *p->p >= '0' && *p->p <= '9' ? digits(p) : -1;
		return;
	}
	if (!take_star(p, &f->width))
		str_add(p->out, "%!(BADWIDTH)");
	else if (f->width < 0) {
		f->minus = true;
		f->width = -f->width;
	}
}

/* A point alone means no digits. */
static void take_prec(struct printer *p, struct spec *f)
{
	if (*p->p != '.')
		return;
	p->p++;
	take_index(p);
	if (*p->p != '*') {
		f->prec = digits(p);
		return;
	}
	if (!take_star(p, &f->prec) || f->prec < 0) {
		f->prec = -1;
		str_add(p->out, "%!(BADPREC)");
	}
}

static void print_type(struct str *out, const struct json *j, const struct spec *f)
{
	struct json name = {.type = JSON_STR, .s = type_of(j)};
	struct spec s = *f;

	s.verb = 's';
	if (!j || j->type == JSON_NULL) /* fmt: nil has no type to write with %s */
		s.prec = -1;
	format(out, &name, &s);
}

static void print_verb(struct printer *p)
{
	struct spec f = {.width = -1, .prec = -1};

	while (take_flag(&f, *p->p))
		p->p++;
	p->bad_index = false;
	take_index(p);
	take_width(p, &f);
	take_prec(p, &f);
	take_index(p);
	if (!*p->p) {
		str_add(p->out, "%!(NOVERB)");
		return;
	}
	size_t n = str_utf8_next(p->p, strlen(p->p), &f.verb);
	if (!n)
		f.verb = 0xfffd;
	p->p += n ? n : 1;
	f.go = f.sharp && f.verb == 'v';
	f.plus = f.plus && f.verb != 'v';
	f.sharp = f.sharp && !f.go;
	if (f.verb == '%') {
		str_addc(p->out, '%');
		return;
	}
	if (p->bad_index || p->next >= p->n) {
		str_add(p->out, "%!");
		str_add_utf8(p->out, f.verb);
		str_add(p->out, p->bad_index ? "(BADINDEX)" : "(MISSING)");
		return;
	}
	const struct json *j = p->args[p->next++].j;
	if (f.verb == 'T')
		print_type(p->out, j, &f);
	else
		format(p->out, j, &f);
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
