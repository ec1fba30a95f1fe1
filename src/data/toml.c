/*
 * How it works: one pass over the text, line by line. A line is a header, which says which table is open now, or a key with its value, which goes
 * into that table. Each node knows how it came to be, because that decides who may add to it: a table that a header named may not
 * be named again, one that dotted keys made grows by keys only, and what stands in braces or brackets is closed.
 */
#include <ctype.h>
#include <stdarg.h>

#include "base/base.h"
#include "data/toml.h"

enum how {
	HOW_VALUE,   /* closed: a plain value, an array or a table in braces */
	HOW_IMPLIED, /* a table on the way to one that a header named */
	HOW_HEADER,  /* a table that a header named */
	HOW_DOTTED,  /* a table on the way of a dotted key */
	HOW_TABLES,  /* an array of tables */
};

struct node {
	struct json j; /* first: nodes are found through the tree */
	enum how how;
};

struct toml {
	struct arena *a;
	const char *p, *end, *line_start;
	int line, depth, values;
	const char *what;
	struct err *e;
};

static int fail(struct toml *t, const char *fmt, ...) printf_like(2, 3);
static int fail(struct toml *t, const char *fmt, ...)
{
	char why[300];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, sizeof why, fmt, ap);
	va_end(ap);
	err_fail(t->e, ERR_TOML, "%.120s:%d:%d: %s", t->what, t->line,
		 (int)(t->p - t->line_start) + 1, why);
	return err_hint(t->e, "the language of the file is TOML: https://toml.io");
}

static char peek(const struct toml *t)
{
	return t->p < t->end ? *t->p : 0;
}

static bool at(const struct toml *t, const char *s)
{
	size_t n = strlen(s);

	return (size_t)(t->end - t->p) >= n && !memcmp(t->p, s, n);
}

static void next_line(struct toml *t)
{
	t->p++;
	t->line++;
	t->line_start = t->p;
}

static void skip_blanks(struct toml *t)
{
	while (peek(t) == ' ' || peek(t) == '\t')
		t->p++;
}

/* Blanks, comments and ends of lines. */
static void skip_space(struct toml *t)
{
	for (;;) {
		skip_blanks(t);
		if (peek(t) == '#')
			while (t->p < t->end && *t->p != '\n')
				t->p++;
		else if (peek(t) == '\r')
			t->p++;
		else if (peek(t) == '\n')
			next_line(t);
		else
			return;
	}
}

static struct json *node_new(struct toml *t, enum json_type type, enum how how)
{
	if (++t->values > TOML_MAX_VALUES) {
		fail(t, "more than %d values", TOML_MAX_VALUES);
		return NULL;
	}
	struct node *n = arena_alloc(t->a, sizeof *n);
	n->j.type = type;
	n->j.line = t->line;
	n->j.col = (int)(t->p - t->line_start) + 1;
	n->how = how;
	return &n->j;
}

static enum how *how_of(struct json *j)
{
	return &((struct node *)j)->how;
}

/* ---- strings and keys */

static int add_unicode(struct toml *t, struct str *out, int digits)
{
	uint32_t c = 0;

	for (int i = 0; i < digits; i++, t->p++) {
		const char *hex = "0123456789abcdef", *d;
		d = peek(t) ? strchr(hex, peek(t) | 0x20) : NULL;
		if (!d || (*d <= '9' && *d != peek(t)))
			return fail(t, "an escape of %d hex digits is too short", digits);
		c = c << 4 | (uint32_t)(d - hex);
	}
	if (!c || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
		return fail(t, "an escape names no character that a text may have");
	str_add_utf8(out, c);
	return 0;
}

/* Behind a backslash. */
static int add_escape(struct toml *t, struct str *out, bool lines)
{
	static const char from[] = "btnfr\"\\", to[] = "\b\t\n\f\r\"\\";
	const char *known = peek(t) ? strchr(from, peek(t)) : NULL;

	if (known) {
		str_addc(out, to[known - from]);
		t->p++;
		return 0;
	}
	if (peek(t) == 'u' || peek(t) == 'U')
		return add_unicode(t, out, *t->p++ == 'u' ? 4 : 8);
	const char *s = t->p;
	while (lines && s < t->end && (*s == ' ' || *s == '\t' || *s == '\r'))
		s++;
	if (!lines || s == t->end || *s != '\n')
		return fail(t, "a backslash is followed by nothing that it may stand before");
	while (peek(t) == ' ' || peek(t) == '\t' || peek(t) == '\r' || peek(t) == '\n') {
		if (*t->p == '\n')
			next_line(t);
		else
			t->p++;
	}
	return 0;
}

static int one_line_string(struct toml *t, char quote, struct str *out)
{
	for (t->p++; peek(t) != quote;) {
		int r = 0;
		if (t->p == t->end || *t->p == '\n' || *t->p == '\r')
			return fail(t, "a string does not end on its line");
		if (*t->p == '\\' && quote == '"') {
			t->p++;
			r = add_escape(t, out, false);
		} else {
			str_addc(out, *t->p++);
		}
		if (r < 0)
			return r;
	}
	t->p++;
	return 0;
}

/* Three quotes, of which up to two more may be text. */
static int many_line_string(struct toml *t, char quote, struct str *out)
{
	const char close[] = {quote, quote, quote, 0};

	t->p += 3;
	t->p += at(t, "\r\n");
	if (peek(t) == '\n')
		next_line(t);
	while (!at(t, close)) {
		int r = 0;
		if (t->p == t->end)
			return fail(t, "a string does not end");
		if (*t->p == '\\' && quote == '"') {
			t->p++;
			r = add_escape(t, out, true);
		} else if (*t->p == '\r') {
			t->p++;
		} else {
			str_addc(out, *t->p);
			if (*t->p == '\n')
				next_line(t);
			else
				t->p++;
		}
		if (r < 0)
			return r;
	}
	t->p += 3;
	for (int i = 0; i < 2 && peek(t) == quote; i++, t->p++)
		str_addc(out, quote);
	return 0;
}

static int read_string(struct toml *t, bool lines, const char **ret)
{
	scoped(str) out = {0};
	bool three = at(t, "\"\"\"") || at(t, "'''");

	if (three && !lines)
		return fail(t, "a key is no string of many lines");
	int r = three ? many_line_string(t, *t->p, &out) : one_line_string(t, *t->p, &out);
	*ret = arena_strndup(t->a, str_cstr(&out), out.len);
	return r;
}

static bool is_bare(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '_' || c == '-';
}

/* a.b."c d" */
static int read_key(struct toml *t, struct strs *ret)
{
	do {
		const char *part;
		if (ret->n)
			t->p++;
		skip_blanks(t);
		if (peek(t) == '"' || peek(t) == '\'') {
			int r = read_string(t, false, &part);
			if (r < 0)
				return r;
		} else {
			const char *s = t->p;
			while (is_bare(peek(t)))
				t->p++;
			if (s == t->p)
				return fail(t, "here a key should stand");
			part = arena_strndup(t->a, s, (size_t)(t->p - s));
		}
		if (ret->n == TOML_MAX_DEPTH)
			return fail(t, "a key has more than %d parts", TOML_MAX_DEPTH);
		strs_add(t->a, ret, part);
		skip_blanks(t);
	} while (peek(t) == '.');
	return 0;
}

/* ---- values */

static int read_value(struct toml *t, struct json **ret);
static int read_pair(struct toml *t, struct json *table);

static int deeper(struct toml *t)
{
	if (++t->depth > TOML_MAX_DEPTH)
		return fail(t, "values are nested more than %d deep", TOML_MAX_DEPTH);
	return 0;
}

static int read_array(struct toml *t, struct json *ret)
{
	int r = deeper(t);

	t->p++;
	skip_space(t);
	while (r == 0 && peek(t) != ']') {
		struct json *v;
		r = read_value(t, &v);
		if (r < 0)
			break;
		json_add(t->a, ret, v);
		skip_space(t);
		if (peek(t) == ',')
			t->p++;
		else if (peek(t) != ']')
			r = fail(t, "an array goes on with , or ends with ]");
		skip_space(t);
	}
	t->p += r == 0;
	t->depth--;
	return r;
}

/* What becomes of the tables that dotted keys have made inside braces. */
static void close_tables(struct json *table)
{
	for (size_t i = 0; i < table->obj.n; i++) {
		struct json *v = table->obj.v[i].value;
		if (v->type == JSON_OBJ && *how_of(v) == HOW_DOTTED)
			close_tables(v);
	}
	*how_of(table) = HOW_VALUE;
}

static int read_braces(struct toml *t, struct json *ret)
{
	int r = deeper(t);

	t->p++;
	skip_blanks(t);
	for (bool more = peek(t) != '}'; r == 0 && more;) {
		r = read_pair(t, ret);
		skip_blanks(t);
		more = peek(t) == ',';
		if (more)
			t->p++;
		else if (r == 0 && peek(t) != '}')
			r = fail(t, "a table in braces goes on with , or ends with } on its line");
	}
	t->p += r == 0;
	t->depth--;
	close_tables(ret);
	return r;
}

/* The token without its underscores, which must stand between digits; false if they do not. */
static bool take_number(struct toml *t, char *buf, size_t size)
{
	size_t n = 0;
	const char *s = t->p;

	for (; is_bare(peek(t)) || (peek(t) && strchr("+.:", peek(t))); t->p++) {
		if (*t->p == '_') {
			char before = t->p > s ? t->p[-1] : 0,
			     after = t->p + 1 < t->end ? t->p[1] : 0;
			if (!isxdigit((unsigned char)before) || !isxdigit((unsigned char)after))
				return false;
			continue;
		}
		if (n + 1 == size)
			return false;
		buf[n++] = *t->p;
	}
	buf[n] = 0;
	return n;
}

static bool whole_number(const char *s, int64_t *ret)
{
	static const struct {
		const char *prefix, *digits;
		int base;
	} other[] = {{"0x", "0123456789abcdefABCDEF", 16}, {"0o", "01234567", 8}, {"0b", "01", 2}};
	const char *digits = s + (*s == '-' || *s == '+');
	int base = 10;
	size_t n = strspn(digits, "0123456789");
	bool good = n && !digits[n] && (n == 1 || *digits != '0');

	for (size_t i = 0; i < countof(other); i++) {
		if (!str_starts(s, other[i].prefix))
			continue;
		s = digits = s + 2;
		base = other[i].base;
		good = *s && !s[strspn(s, other[i].digits)];
	}
	errno = 0;
	*ret = good ? strtoll(s, NULL, base) : 0;
	return good && !errno;
}

/* Digits with a fraction or an exponent or both. */
static bool fractional_number(const char *s, double *ret)
{
	const char *p = s + (*s == '-' || *s == '+');
	size_t n = strspn(p, "0123456789");
	bool good = n && (n == 1 || *p != '0') && p[n];

	p += n;
	if (*p == '.') {
		n = strspn(++p, "0123456789");
		good = good && n;
		p += n;
	}
	if (*p == 'e' || *p == 'E') {
		p += 1 + (p[1] == '-' || p[1] == '+');
		n = strspn(p, "0123456789");
		good = good && n;
		p += n;
	}
	if (!good || *p)
		return false;
	*ret = strtod(s, NULL);
	return *ret - *ret == 0; /* not beyond what a double holds */
}

static int read_number(struct toml *t, struct json *ret)
{
	char buf[72];
	const char *s = t->p;

	if (take_number(t, buf, sizeof buf)) {
		if (whole_number(buf, &ret->i))
			return 0;
		ret->type = JSON_DOUBLE;
		if (fractional_number(buf, &ret->d))
			return 0;
	}
	t->p = s;
	return fail(t, "here a value should stand: a string in quotes, a number, true, false, an "
		       "array or a table");
}

static int read_value(struct toml *t, struct json **ret)
{
	struct json *v = node_new(t, JSON_INT, HOW_VALUE);

	*ret = v;
	if (!v)
		return -EINVAL;
	switch (peek(t)) {
	case '"':
	case '\'':
		v->type = JSON_STR;
		return read_string(t, true, &v->s);
	case '[':
		v->type = JSON_ARR;
		return read_array(t, v);
	case '{':
		v->type = JSON_OBJ;
		return read_braces(t, v);
	default:
		break;
	}
	for (int yes = 0; yes < 2; yes++) {
		const char *word = yes ? "true" : "false";
		if (at(t, word) &&
		    (t->p + strlen(word) == t->end || !is_bare(t->p[strlen(word)]))) {
			t->p += strlen(word);
			v->type = JSON_BOOL;
			v->b = yes;
			return 0;
		}
	}
	return read_number(t, v);
}

/* ---- tables */

static struct json *child_table(struct toml *t, struct json *table, const char *key, enum how how)
{
	struct json *v = node_new(t, JSON_OBJ, how);

	if (v)
		json_put(t->a, table, key, v);
	return v;
}

/* key = value, into a table. */
static int read_pair(struct toml *t, struct json *table)
{
	struct strs key = {0};
	struct json *v;
	int r = read_key(t, &key);

	if (r < 0)
		return r;
	for (size_t i = 0; i + 1 < key.n; i++) {
		v = json_get(table, key.v[i]);
		if (v && *how_of(v) != HOW_DOTTED)
			return fail(t, "%.60s is there already, and closed", key.v[i]);
		table = v ?: child_table(t, table, key.v[i], HOW_DOTTED);
		if (!table)
			return -EINVAL;
	}
	if (json_get(table, key.v[key.n - 1]))
		return fail(t, "%.60s is there twice", key.v[key.n - 1]);
	if (peek(t) != '=')
		return fail(t, "here = should stand");
	t->p++;
	skip_blanks(t);
	r = read_value(t, &v);
	if (r == 0)
		json_put(t->a, table, key.v[key.n - 1], v);
	return r;
}

/* The table that a part of a header leads into. */
static int step(struct toml *t, struct json *table, const char *key, struct json **ret)
{
	struct json *v = json_get(table, key);

	if (!v)
		v = child_table(t, table, key, HOW_IMPLIED);
	else if (*how_of(v) == HOW_TABLES)
		v = v->arr.v[v->arr.n - 1];
	else if (*how_of(v) == HOW_VALUE)
		return fail(t, "%.60s is there already, and closed", key);
	*ret = v;
	return v ? 0 : -EINVAL;
}

static int open_array_of_tables(struct toml *t, struct json *in, const char *key, struct json **ret)
{
	struct json *list = json_get(in, key);

	if (list && *how_of(list) != HOW_TABLES)
		return fail(t, "%.60s is there already, and is no array of tables", key);
	if (!list) {
		list = node_new(t, JSON_ARR, HOW_TABLES);
		if (!list)
			return -EINVAL;
		json_put(t->a, in, key, list);
	}
	*ret = node_new(t, JSON_OBJ, HOW_HEADER);
	if (!*ret)
		return -EINVAL;
	json_add(t->a, list, *ret);
	return 0;
}

static int open_table(struct toml *t, struct json *in, const char *key, struct json **ret)
{
	struct json *v = json_get(in, key);

	if (v && *how_of(v) != HOW_IMPLIED)
		return fail(t, "%.60s is there already", key);
	if (!v)
		v = child_table(t, in, key, HOW_HEADER);
	else
		*how_of(v) = HOW_HEADER;
	*ret = v;
	return v ? 0 : -EINVAL;
}

/* [a.b] or [[a.b]] */
static int read_header(struct toml *t, struct json *root, struct json **ret)
{
	bool many = at(t, "[[");
	struct strs key = {0};

	t->p += many ? 2 : 1;
	int r = read_key(t, &key);
	if (r < 0)
		return r;
	for (size_t i = 0; i + 1 < key.n && r == 0; i++)
		r = step(t, root, key.v[i], &root);
	if (r == 0)
		r = many ? open_array_of_tables(t, root, key.v[key.n - 1], ret)
			 : open_table(t, root, key.v[key.n - 1], ret);
	if (r < 0)
		return r;
	if (!at(t, many ? "]]" : "]"))
		return fail(t, "here %s should stand", many ? "]]" : "]");
	t->p += many ? 2 : 1;
	return 0;
}

/* Control bytes and what is no UTF-8 stand nowhere. */
static int check_bytes(struct toml *t)
{
	for (uint32_t c; t->p < t->end;) {
		size_t n = str_utf8_next(t->p, (size_t)(t->end - t->p), &c);
		bool cr = *t->p == '\r' && at(t, "\r\n");
		if (!n)
			return fail(t, "here stands no UTF-8");
		if ((c < 0x20 && c != '\t' && c != '\n' && !cr) || c == 0x7f)
			return fail(t, "here stands a control byte");
		if (c == '\n')
			next_line(t);
		else
			t->p += n;
	}
	return 0;
}

static int read_lines(struct toml *t, struct json *root)
{
	struct json *table = root;

	for (skip_space(t); t->p < t->end; skip_space(t)) {
		int r = *t->p == '[' ? read_header(t, root, &table) : read_pair(t, table);
		if (r < 0)
			return r;
		skip_blanks(t);
		if (t->p < t->end && *t->p != '\n' && *t->p != '\r' && *t->p != '#')
			return fail(t, "here the line should end");
	}
	return 0;
}

struct json *toml_parse(struct arena *a, const char *text, size_t len, const char *what,
			struct err *e)
{
	const char *begin = len >= 3 && !memcmp(text, "\xef\xbb\xbf", 3) ? text + 3 : text;
	struct toml t = {.a = a,
			 .p = begin,
			 .end = text + len,
			 .line_start = begin,
			 .line = 1,
			 .what = what,
			 .e = e};

	if (len > TOML_MAX_BYTES) {
		fail(&t, "the file has more than %d bytes", TOML_MAX_BYTES);
		return NULL;
	}
	struct json *root = node_new(&t, JSON_OBJ, HOW_HEADER);
	if (check_bytes(&t) < 0)
		return NULL;
	t.p = t.line_start = begin;
	t.line = 1;
	return read_lines(&t, root) < 0 ? NULL : root;
}
