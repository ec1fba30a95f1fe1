#include "base/base.h"
#include "build/dockerfile_lex.h"

void df_line_free(struct df_line *l)
{
	str_free(&l->text);
	free(l->pieces);
	*l = (struct df_line){0};
}

bool df_is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f';
}

static size_t blanks(const char *p, size_t n)
{
	size_t i = 0;

	while (i < n && df_is_blank(p[i]))
		i++;
	return i;
}

/* Columns count characters: bytes that continue one in UTF-8 do not. */
static int column_of(const char *begin, size_t n)
{
	int column = 1;

	for (size_t i = 0; i < n; i++)
		column += ((uint8_t)begin[i] & 0xc0) != 0x80;
	return column;
}

void df_place(const struct df_line *l, size_t at, int *ret_line, int *ret_column)
{
	size_t lo = 0, hi = l->n_pieces;

	while (hi - lo > 1) {
		size_t mid = (lo + hi) / 2;
		*(l->pieces[mid].at <= at ? &lo : &hi) = mid;
	}
	const struct df_piece *p = &l->pieces[lo];
	*ret_line = p->line;
	*ret_column = column_of(p->begin, p->skipped + at - p->at);
}

bool df_read_raw(struct df_reader *r, const char **ret, size_t *ret_len)
{
	if (r->at == r->end)
		return false;
	const char *nl = memchr(r->at, '\n', (size_t)(r->end - r->at));
	*ret = r->at;
	r->at = nl ? nl + 1 : r->end;
	*ret_len = (size_t)(r->at - *ret);
	r->line++;
	return true;
}

/* The next line without what ends it. */
static bool read_line(struct df_reader *r, const char **ret, size_t *ret_len)
{
	if (!df_read_raw(r, ret, ret_len))
		return false;
	while (*ret_len && ((*ret)[*ret_len - 1] == '\n' || (*ret)[*ret_len - 1] == '\r'))
		--*ret_len;
	return true;
}

size_t df_word(const char *s, size_t len, char escape, size_t *at)
{
	size_t i = *at + blanks(s + *at, len - *at);
	char quote = 0;

	*at = i;
	for (; i < len && (quote || !df_is_blank(s[i])); i++) {
		if (quote ? s[i] == quote : (s[i] == '"' || s[i] == '\''))
			quote = quote ? 0 : s[i];
		else if (s[i] == escape && quote != '\'' && i + 1 < len)
			i++;
	}
	return i - *at;
}

static int bad_directive(const struct df_reader *r, const char *begin, const char *at,
			 const char *why, struct err *e)
{
	return err_fail(e, ERR_DOCKERFILE, "%s:%d:%d: %s", r->d->name, r->line,
			column_of(begin, (size_t)(at - begin)), why);
}

static void add_names(struct arena *a, struct strs *to, const char *list)
{
	scoped(strv) names = {0};

	strv_split(&names, list, ',');
	for (size_t i = 0; i < names.n; i++) {
		char *s = names.v[i] + strspn(names.v[i], " \t");
		s[strcspn(s, " \t")] = 0;
		if (*s)
			strs_add(a, to, s);
	}
}

/* skip=A,B;experimental=C;error=true */
static const char *read_check(struct df_reader *r, const char *value)
{
	scoped(strv) parts = {0};

	strv_split(&parts, value, ';');
	for (size_t i = 0; i < parts.n; i++) {
		char *key = parts.v[i] + strspn(parts.v[i], " \t"), *eq = strchr(key, '=');
		size_t n = strcspn(key, " \t=");
		if (!*key)
			continue;
		if (!eq)
			return "the directive check takes skip=NAME,... and error=true, separated "
			       "by a semicolon";
		autofree char *v = xstrdup(eq + 1 + strspn(eq + 1, " \t"));
		key[n] = 0;
		v[strcspn(v, " \t")] = 0;
		if (!strcmp(key, "skip"))
			add_names(r->a, &r->d->check_skip, eq + 1);
		else if (!strcmp(key, "experimental"))
			add_names(r->a, &r->d->check_more, eq + 1);
		else if (!strcmp(key, "error") && (!strcmp(v, "true") || !strcmp(v, "false")))
			r->d->check_error = *v == 't';
		else
			return "the directive check takes skip=NAME,... and error=true or "
			       "error=false";
	}
	return NULL;
}

/* A comment at the head of the file may be "name = value". The first line that is not ends the head, one with an unknown name too. */
static int directive(struct df_reader *r, const char *begin, const char *p, size_t n, struct err *e)
{
	static const char *const names[] = {"syntax", "escape", "check"};
	size_t i = 1, k, which = 0;

	r->past_head = true;
	if (!n || *p != '#')
		return 0;
	i += blanks(p + i, n - i);
	for (k = i; k < n && ((p[k] | 32) >= 'a' && (p[k] | 32) <= 'z');)
		k++;
	while (which < countof(names) &&
	       (strlen(names[which]) != k - i || strncasecmp(names[which], p + i, k - i) != 0))
		which++;
	k += blanks(p + k, n - k);
	if (which == countof(names) || k == n || p[k++] != '=')
		return 0;
	k += blanks(p + k, n - k);
	while (n > k && df_is_blank(p[n - 1]))
		n--;
	if (k == n)
		return 0;
	r->past_head = false;
	r->comment_len = 0;
	const char *value = arena_strndup(r->a, p + k, n - k), *why = NULL;
	if (which == 0 && r->d->syntax)
		why = "the directive syntax stands here twice";
	else if (which == 0)
		r->d->syntax = value;
	else if (which == 1 && r->d->escape)
		why = "the directive escape stands here twice";
	else if (which == 1 && strcmp(value, "\\") != 0 && strcmp(value, "`") != 0)
		why = "the directive escape takes \\ or `";
	else if (which == 1)
		r->d->escape = *value;
	else
		why = read_check(r, value);
	return why ? bad_directive(r, begin, p + i, why, e) : 1;
}

static bool cut_continuation(const char *p, size_t *n, char escape)
{
	size_t k = *n;

	while (k && (p[k - 1] == ' ' || p[k - 1] == '\t'))
		k--;
	if (!k || p[k - 1] != escape || (k > 1 && p[k - 2] == escape))
		return false;
	*n = k - 1;
	return true;
}

static int append(struct df_reader *r, struct df_line *l, const char *begin, const char *p,
		  size_t n, struct err *e)
{
	if (n > DF_MAX_LINE || l->text.len + n > DF_MAX_LINE)
		return err_fail(e, ERR_DOCKERFILE, "%s:%d:1: an instruction of more than %d KiB",
				r->d->name, l->line, DF_MAX_LINE >> 10);
	if (l->n_pieces == l->cap) {
		l->cap = l->cap ? l->cap * 2 : 8;
		l->pieces = xrealloc(l->pieces, l->cap * sizeof *l->pieces);
	}
	l->pieces[l->n_pieces++] = (struct df_piece){
		.at = l->text.len, .begin = begin, .skipped = (size_t)(p - begin), .line = r->line};
	str_addn(&l->text, p, n);
	return 0;
}

/* The lines that belong to one that ended in the escape character. */
static int read_more(struct df_reader *r, struct df_line *l, char escape, struct err *e)
{
	const char *p;
	size_t n;

	for (bool more = true; more && read_line(r, &p, &n);) {
		size_t skip = blanks(p, n);
		if (skip < n && p[skip] == '#')
			continue;
		l->gap |= skip == n;
		if (skip == n)
			continue;
		more = cut_continuation(p, &n, escape);
		int err = append(r, l, p, p, n, e);
		if (err < 0)
			return err;
	}
	return 0;
}

/* Text that is no UTF-8 could stand in no config. */
static int check_text(struct df_reader *r, const struct df_line *l, struct err *e)
{
	const char *s = str_cstr(&l->text);
	size_t n = 0;

	for (size_t i = 0; i < l->text.len; i += n) {
		uint32_t c;
		n = str_utf8_next(s + i, l->text.len - i, &c);
		if (!n) {
			int line, column;
			df_place(l, i, &line, &column);
			err_fail(e, ERR_DOCKERFILE, "%s:%d:%d: a byte that is no UTF-8: 0x%02x",
				 r->d->name, line, column, (uint8_t)s[i]);
			return err_hint(e, "save the file as UTF-8");
		}
	}
	return 0;
}

/* A line of the file outside of an instruction: 1 if one begins with it. */
static int outside(struct df_reader *r, const char *begin, const char *p, size_t n, struct err *e)
{
	if (!r->past_head) {
		int d = directive(r, begin, p, n, e);
		if (d)
			return d < 0 ? d : 0;
	}
	if (n && *p != '#')
		return 1;
	r->comment_len = 0;
	if (n > 1) {
		size_t skip = 1 + blanks(p + 1, n - 1);
		while (n > skip && df_is_blank(p[n - 1]))
			n--;
		r->comment = (size_t)(p + skip - r->d->text);
		r->comment_len = n - skip;
	}
	return 0;
}

int df_read(struct df_reader *r, struct df_line *l, struct err *e)
{
	const char *begin;
	size_t n;

	str_reset(&l->text);
	l->n_pieces = 0;
	l->gap = false;
	l->comment = NULL;
	while (read_line(r, &begin, &n)) {
		size_t skip = blanks(begin, n);
		const char *p = begin + skip;
		n -= skip;
		int is = outside(r, begin, p, n, e);
		if (is < 0)
			return is;
		if (!is)
			continue;
		char escape = r->d->escape ? r->d->escape : '\\';
		l->line = r->line;
		bool more = cut_continuation(p, &n, escape);
		int err = append(r, l, begin, p, n, e);
		if (err == 0 && more)
			err = read_more(r, l, escape, e);
		if (err < 0)
			return err;
		l->last_line = r->line;
		while (l->text.len && df_is_blank(l->text.s[l->text.len - 1]))
			l->text.s[--l->text.len] = 0;
		if (blanks(str_cstr(&l->text), l->text.len) == l->text.len) {
			str_reset(&l->text);
			l->n_pieces = 0;
			continue;
		}
		if (r->comment_len)
			l->comment = arena_strndup(r->a, r->d->text + r->comment, r->comment_len);
		r->comment_len = 0;
		err = check_text(r, l, e);
		return err < 0 ? err : 1;
	}
	return 0;
}
