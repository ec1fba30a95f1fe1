#include <math.h>

#include "base/base.h"
#include "data/template_ast.h"

struct lexer {
	struct arena *a;
	const char *text;
	size_t len, pos;
	struct tok *toks;
	size_t n, cap;
	struct pos here; /* of the byte at counted */
	size_t counted;
	struct err *e;
};

int template_fail(struct err *e, struct pos pos, const char *fmt, ...)
{
	scoped(str) msg = {0};
	char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	int n = vasprintf(&text, fmt, ap);
	va_end(ap);
	str_addf(&msg, "template:%d:%d: %s", pos.line, pos.col, n < 0 ? "" : text);
	if (n >= 0)
		free(text);
	return err_fail(e, ERR_FORMAT, "%s", str_cstr(&msg));
}

/* Offsets only grow, so lines are counted once. */
static struct pos pos_of(struct lexer *l, size_t at)
{
	for (; l->counted < at; l->counted++) {
		l->here.col++;
		if (l->text[l->counted] == '\n')
			l->here = (struct pos){l->here.line + 1, 1};
	}
	return l->here;
}

static struct tok *push(struct lexer *l, enum tok_kind kind, size_t at)
{
	if (l->n == l->cap) {
		size_t cap = l->cap ? l->cap * 2 : 32;
		l->toks = arena_grow(l->a, l->toks, l->n * sizeof *l->toks, cap * sizeof *l->toks);
		l->cap = cap;
	}
	struct tok *t = &l->toks[l->n++];
	*t = (struct tok){.kind = kind, .pos = pos_of(l, at)};
	return t;
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool is_word(char c)
{
	return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || (unsigned char)c >= 0x80;
}

static bool at(const struct lexer *l, size_t pos, const char *s)
{
	size_t n = strlen(s);

	return pos <= l->len && l->len - pos >= n && !memcmp(l->text + pos, s, n);
}

/* ---- text outside of actions ---- */

static void push_text(struct lexer *l, size_t from, size_t to, bool trim_left, bool trim_right)
{
	scoped(str) b = {0};

	for (size_t i = from; i < to; i++) {
		bool pair = l->text[i] == '\\' && i + 1 < to;
		if (pair && (l->text[i + 1] == 't' || l->text[i + 1] == 'n'))
			str_addc(&b, l->text[++i] == 't' ? '\t' : '\n');
		else
			str_addc(&b, l->text[i]);
	}
	size_t first = 0, last = b.len;
	while (trim_left && first < last && is_space(b.s[first]))
		first++;
	while (trim_right && last > first && is_space(b.s[last - 1]))
		last--;
	if (first == last)
		return;
	struct tok *t = push(l, TOK_TEXT, from);
	t->s = arena_strndup(l->a, b.s + first, last - first);
	t->n = last - first;
}

/* Length of a right delimiter with or without trim marker at pos; 0 if there is none. */
static size_t right_delim(const struct lexer *l, size_t pos, bool *ret_trim)
{
	*ret_trim = pos < l->len && is_space(l->text[pos]) && at(l, pos + 1, "-}}");
	if (*ret_trim)
		return 4;
	return at(l, pos, "}}") ? 2 : 0;
}

static int lex_comment(struct lexer *l, size_t start, bool *ret_trim)
{
	const char *end = memmem(l->text + l->pos, l->len - l->pos, "*/", 2);
	struct pos pos = pos_of(l, start);

	if (!end)
		return template_fail(l->e, pos, "a comment without end");
	l->pos = (size_t)(end - l->text) + 2;
	size_t n = right_delim(l, l->pos, ret_trim);
	if (!n)
		return template_fail(l->e, pos, "a comment must fill its whole {{ }}");
	l->pos += n;
	return 0;
}

/* ---- literals ---- */

static int hex_digits(const char *s, size_t n, uint32_t *ret)
{
	*ret = 0;
	for (size_t i = 0; i < n; i++) {
		char c = (char)(s[i] | 0x20);
		if (!((s[i] >= '0' && s[i] <= '9') || (c >= 'a' && c <= 'f')))
			return -EINVAL;
		*ret = *ret << 4 | (uint32_t)(s[i] <= '9' ? s[i] - '0' : c - 'a' + 10);
	}
	return 0;
}

/* One escape at s (behind the backslash). Returns its length, or -EINVAL. Go spec, "Rune literals". */
static int unescape(const char *s, size_t n, char quote, struct str *b)
{
	static const char from[] = "abfnrtv\\", to[] = "\a\b\f\n\r\t\v\\";
	uint32_t c;

	if (!n)
		return -EINVAL;
	const char *p = memchr(from, s[0], sizeof from - 1);
	if (p || s[0] == quote) {
		str_addc(b, p ? to[p - from] : quote);
		return 1;
	}
	if (s[0] >= '0' && s[0] <= '7' && n >= 3) {
		c = (uint32_t)((s[0] - '0') * 64 + (s[1] - '0') * 8 + s[2] - '0');
		if (s[1] < '0' || s[1] > '7' || s[2] < '0' || s[2] > '7' || c > 255 || !c)
			return -EINVAL;
		str_addc(b, (char)c);
		return 3;
	}
	size_t digits = s[0] == 'x' ? 2 : s[0] == 'u' ? 4 : s[0] == 'U' ? 8 : 0;
	if (!digits || n < digits + 1 || hex_digits(s + 1, digits, &c) < 0 || !c)
		return -EINVAL;
	if (c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
		return -EINVAL;
	if (digits == 2)
		str_addc(b, (char)c);
	else
		str_add_utf8(b, c);
	return (int)digits + 1;
}

static int lex_quoted(struct lexer *l, char quote, struct str *b)
{
	struct pos pos = pos_of(l, l->pos++);

	for (;;) {
		if (l->pos >= l->len || (l->text[l->pos] == '\n' && quote != '`'))
			return template_fail(l->e, pos, "a quoted text without end");
		char c = l->text[l->pos++];
		if (c == quote)
			return 0;
		if (c == '\\' && quote != '`') {
			int n = unescape(l->text + l->pos, l->len - l->pos, quote, b);
			if (n < 0)
				return template_fail(l->e, pos_of(l, l->pos - 1),
						     "a bad escape in a quoted text");
			l->pos += (size_t)n;
		} else {
			str_addc(b, c);
		}
	}
}

static int lex_string(struct lexer *l, char quote)
{
	scoped(str) b = {0};
	uint32_t rune;

	struct tok *t = push(l, TOK_LITERAL, l->pos);
	int r = lex_quoted(l, quote, &b);
	if (r < 0)
		return r;
	if (quote != '\'') {
		t->lit = json_new_str(l->a, str_cstr(&b));
		return 0;
	}
	if (!b.len || str_utf8_next(b.s, b.len, &rune) != b.len)
		return template_fail(l->e, t->pos, "not one character between single quotes");
	t->lit = json_new_int(l->a, rune);
	return 0;
}

/* Go's integers (0x1f, 0o17, 017, 0b1, 1_000) and floats. */
static int lex_number(struct lexer *l)
{
	size_t start = l->pos;
	scoped(str) b = {0};
	char *end;

	for (; l->pos < l->len; l->pos++) {
		char c = l->text[l->pos], prev = b.len ? (char)(b.s[b.len - 1] | 0x20) : 0;
		bool hex = b.len > 1 && str_starts(b.s, "0x");
		bool sign =
			(c == '+' || c == '-') && (!b.len || (prev == 'e' && !hex) || prev == 'p');
		if (!is_word(c) && c != '.' && !sign)
			break;
		if (c != '_')
			str_addc(&b, c);
		else if (l->text[l->pos + 1] == '_' || !is_word(l->text[l->pos + 1]) || !b.len)
			str_addc(&b, c); /* one between digits only: no number otherwise */
	}
	struct tok *t = push(l, TOK_LITERAL, start);
	const char *s = str_cstr(&b), *digits = s + (s[0] == '-' || s[0] == '+');
	int base = 10;
	if (digits[0] == '0' && digits[1] && strchr("xXoObB", digits[1]))
		base = (digits[1] | 0x20) == 'x' ? 16 : (digits[1] | 0x20) == 'o' ? 8 : 2;
	else if (digits[0] == '0' && digits[1] >= '0' && digits[1] <= '9')
		base = 8;
	const char *from = base != 10 && digits[1] > '9' ? digits + 2 : digits;
	errno = 0;
	uint64_t v =
		*from >= '0' && is_word(*from) ? strtoull(from, &end, base) : (end = (char *)s, 0);
	bool neg = s[0] == '-';
	if (!*end && end > from && !errno && v <= (uint64_t)INT64_MAX + neg) {
		t->lit = json_new_int(l->a, neg ? (int64_t)(0 - v) : (int64_t)v);
		return 0;
	}
	if (!*end && end > from && strspn(digits, "0123456789") == strlen(digits))
		return template_fail(l->e, t->pos, "the number %.40s is too large", s);
	t->lit = json_new(l->a, JSON_DOUBLE);
	t->lit->d = strtod(s, &end);
	if (*end || !strpbrk(s, ".eEpP") || end == s ||
	    !((digits[0] >= '0' && digits[0] <= '9') || digits[0] == '.'))
		return template_fail(l->e, t->pos, "\"%.40s\" is not a number", s);
	if (!isfinite(t->lit->d))
		return template_fail(l->e, t->pos, "the number %.40s is too large", s);
	return 0;
}

/* ---- inside of actions ---- */

static const char *lex_name(struct lexer *l)
{
	size_t start = l->pos;

	while (l->pos < l->len && is_word(l->text[l->pos]))
		l->pos++;
	return arena_strndup(l->a, l->text + start, l->pos - start);
}

static int lex_space(struct lexer *l)
{
	bool trim;

	push(l, TOK_SPACE, l->pos);
	while (l->pos < l->len && is_space(l->text[l->pos]) && !right_delim(l, l->pos, &trim))
		l->pos++;
	return 0;
}

static int bad_character(struct lexer *l)
{
	scoped(str) b = {0};
	uint32_t rune;
	size_t n = str_utf8_next(l->text + l->pos, l->len - l->pos, &rune);

	str_add_escaped(&b, l->text + l->pos, n ? n : 1);
	return template_fail(l->e, pos_of(l, l->pos), "unexpected %s in {{ }}", str_cstr(&b));
}

static int lex_token(struct lexer *l)
{
	char c = l->text[l->pos], next = l->pos + 1 < l->len ? l->text[l->pos + 1] : 0;
	size_t start = l->pos;

	if (is_space(c))
		return lex_space(l);
	if (c == '"' || c == '`' || c == '\'')
		return lex_string(l, c);
	if ((c >= '0' && c <= '9') ||
	    ((c == '.' || c == '-' || c == '+') && next >= '0' && next <= '9') ||
	    ((c == '-' || c == '+') && next == '.'))
		return lex_number(l);
	if (c == '.') {
		l->pos++;
		struct tok *t = push(l, is_word(next) ? TOK_FIELD : TOK_DOT, start);
		t->s = lex_name(l);
		return 0;
	}
	if (c == '$') {
		l->pos++;
		const char *name = lex_name(l);
		push(l, TOK_VAR, start)->s = arena_printf(l->a, "$%s", name);
		return 0;
	}
	if (is_word(c)) {
		const char *name = lex_name(l);
		push(l, TOK_WORD, start)->s = name;
		return 0;
	}
	if (c == ':' && next == '=') {
		push(l, TOK_DECLARE, start);
		l->pos += 2;
		return 0;
	}
	if (!strchr("|(),=", c) || !c)
		return bad_character(l);
	push(l, TOK_CHAR, start)->c = c;
	l->pos++;
	return 0;
}

/* One {{ ... }}; *ret_trim says that it ends in a trim marker. */
static int lex_action(struct lexer *l, bool trimmed, bool *ret_trim)
{
	size_t start = l->pos, n;

	l->pos += trimmed ? 4 : 2;
	if (at(l, l->pos, "/*"))
		return lex_comment(l, start, ret_trim);
	struct pos pos = push(l, TOK_LEFT, start)->pos;
	while (!(n = right_delim(l, l->pos, ret_trim))) {
		if (l->pos >= l->len)
			return template_fail(l->e, pos, "{{ without }}");
		int r = lex_token(l);
		if (r < 0)
			return r;
	}
	push(l, TOK_RIGHT, l->pos);
	l->pos += n;
	return 0;
}

struct tok *template_lex(struct arena *a, const char *text, struct err *e)
{
	struct lexer l = {.a = a, .text = text, .len = strlen(text), .here = {1, 1}, .e = e};
	bool trim_left = false;

	for (;;) {
		const char *open = memmem(text + l.pos, l.len - l.pos, "{{", 2);
		size_t end = open ? (size_t)(open - text) : l.len;
		bool trim =
			open && at(&l, end + 2, "-") && end + 3 < l.len && is_space(text[end + 3]);
		push_text(&l, l.pos, end, trim_left, trim);
		l.pos = end;
		if (!open)
			break;
		if (lex_action(&l, trim, &trim_left) < 0)
			return NULL;
	}
	push(&l, TOK_EOF, l.len);
	return l.toks;
}
