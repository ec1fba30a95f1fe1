/*
 * A pattern becomes a row of elements, and matching walks the path once with the set of places in that row where it may be. `**` has the meanings that docker gives it: at the
 * end everything, with or without a slash in front; elsewhere any number of directories, none too; in front of plain text any beginning.
 */
#include "base/base.h"
#include "build/ignore.h"

enum {
	MAX_FILE = 1 << 20,
	MAX_PATTERN = 4096,
	FEW = 64, /* places that fit one word */
};

enum element_kind {
	LITERAL,
	ANY,   /* ?: one character, no slash */
	CLASS, /* [a-z] */
	STAR,  /* any number of characters, no slash */
	DEEP,  /* any number of directories */
	ALL,   /* anything */
};

struct range {
	uint32_t from, to;
};

struct element {
	enum element_kind kind;
	uint32_t c; /* LITERAL */
	bool not ;  /* CLASS */
	const struct range *ranges;
	size_t n_ranges;
};

struct pattern {
	bool back;	   /* "!" */
	const char *plain; /* no wildcard in it: it is compared; else NULL */
	size_t plain_len;
	struct element *v;
	size_t n;
};

struct ignore {
	struct arena arena;
	struct pattern *v;
	size_t n, cap;
	bool any_back;
};

/* A byte that begins no character stands for itself, beyond all characters. */
static uint32_t next_char(const char **p, const char *end)
{
	uint32_t c;
	size_t n = str_utf8_next(*p, (size_t)(end - *p), &c);

	if (!n) {
		c = 0x110000 + (uint8_t) * *p;
		n = 1;
	}
	*p += n;
	return c;
}

/* [a-z], [^\]]; *p stands behind "[". */
static int compile_class(struct arena *a, const char **p, const char *end, struct element *ret)
{
	struct range r[MAX_PATTERN];

	ret->kind = CLASS;
	ret->not = *p < end && **p == '^';
	*p += ret->not ;
	while (*p < end && (**p != ']' || !ret->n_ranges)) {
		uint32_t side[2] = {0, 0};
		int sides = 0;
		do {
			if (*p < end && (**p == ']' || **p == '-'))
				return -EINVAL;
			if (*p < end && **p == '\\')
				++*p;
			if (*p == end)
				return -EINVAL;
			side[sides++] = next_char(p, end);
		} while (sides < 2 && *p < end && **p == '-' && ++*p);
		if (sides == 1)
			side[1] = side[0];
		if (side[1] < side[0])
			return -EINVAL;
		r[ret->n_ranges++] = (struct range){side[0], side[1]};
	}
	if (*p == end)
		return -EINVAL;
	++*p;
	ret->ranges =
		memcpy(arena_alloc(a, ret->n_ranges * sizeof *r), r, ret->n_ranges * sizeof *r);
	return 0;
}

static bool has_wildcard(const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strchr("*?[\\", s[i]))
			return true;
	return false;
}

/* What "**" is: *p stands behind it. */
static enum element_kind stars(const char *begin, const char **p, const char *end)
{
	bool leads = *p == begin + 2;

	if (*p < end && **p == '/')
		++*p;
	else if (leads && !has_wildcard(*p, (size_t)(end - *p)))
		return ALL;
	return *p == end ? ALL : DEEP;
}

static int compile(struct arena *a, const char *s, size_t len, struct pattern *ret)
{
	const char *p = s, *end = s + len;

	if (!has_wildcard(s, len)) {
		ret->plain = arena_strndup(a, s, len);
		ret->plain_len = len;
		return 0;
	}
	ret->v = arena_alloc(a, len * sizeof *ret->v);
	while (p < end) {
		struct element *el = &ret->v[ret->n++];
		if (*p == '*' && p + 1 < end && p[1] == '*') {
			p += 2;
			el->kind = stars(s, &p, end);
		} else if (*p == '*' || *p == '?') {
			el->kind = *p++ == '*' ? STAR : ANY;
		} else if (*p == '[') {
			p++;
			if (compile_class(a, &p, end, el) < 0)
				return -EINVAL;
		} else {
			p += *p == '\\';
			if (p == end)
				return -EINVAL;
			*el = (struct element){.kind = LITERAL, .c = next_char(&p, end)};
		}
	}
	return 0;
}

/* The places of a row where a walk may be; place n is its end. */
struct places {
	uint64_t *bits;
	size_t words;
};

static bool at_place(const struct places *l, size_t i)
{
	return l->bits[i / FEW] >> i % FEW & 1;
}

/* Coming to a place means to be behind it, too, if it can be nothing. */
static void come_to(const struct pattern *p, struct places *l, size_t i)
{
	for (;; i++) {
		l->bits[i / FEW] |= (uint64_t)1 << i % FEW;
		if (i == p->n || p->v[i].kind < STAR)
			return;
	}
}

static bool in_class(const struct element *el, uint32_t c)
{
	if (c == '/')
		return false;
	for (size_t i = 0; i < el->n_ranges; i++)
		if (c >= el->ranges[i].from && c <= el->ranges[i].to)
			return !el->not ;
	return el->not ;
}

static void step(const struct pattern *p, size_t i, uint32_t c, struct places *to)
{
	const struct element *el = &p->v[i];

	switch (el->kind) {
	case LITERAL:
		if (c == el->c)
			come_to(p, to, i + 1);
		break;
	case ANY:
		if (c != '/')
			come_to(p, to, i + 1);
		break;
	case CLASS:
		if (in_class(el, c))
			come_to(p, to, i + 1);
		break;
	case STAR:
		if (c != '/')
			come_to(p, to, i);
		break;
	case ALL:
		come_to(p, to, i);
		break;
	case DEEP: /* only a slash leads out of it */
		to->bits[i / FEW] |= (uint64_t)1 << i % FEW;
		if (c == '/')
			come_to(p, to, i + 1);
		break;
	}
}

static bool advance(const struct pattern *p, const struct places *from, uint32_t c,
		    struct places *to)
{
	uint64_t any = 0;

	memset(to->bits, 0, to->words * sizeof *to->bits);
	for (size_t w = 0; w < from->words; w++)
		for (uint64_t left = from->bits[w]; left; left &= left - 1) {
			size_t i = w * FEW + (size_t)__builtin_ctzll(left);
			if (i < p->n)
				step(p, i, c, to);
		}
	for (size_t w = 0; w < to->words; w++)
		any |= to->bits[w];
	return any;
}

enum want {
	WHOLE, /* the pattern means the path */
	ABOVE, /* ... or a directory above it */
	BELOW, /* ... or may mean something below it */
};

static bool walk(const struct pattern *p, const char *path, enum want want)
{
	uint64_t few[2] = {0, 0}, *many = few;
	size_t words = p->n / FEW + 1;
	autofree uint64_t *heap = NULL;

	if (words > 1)
		many = heap = xcalloc(words * 2, sizeof *heap);
	struct places now = {many, words}, next = {many + words, words};
	come_to(p, &now, 0);
	for (const char *at = path, *end = path + strlen(path); at < end;) {
		if (want == ABOVE && *at == '/' && at_place(&now, p->n))
			return true;
		if (!advance(p, &now, next_char(&at, end), &next))
			return false;
		struct places swap = now;
		now = next;
		next = swap;
	}
	return want == BELOW ? advance(p, &now, '/', &next) : at_place(&now, p->n);
}

static bool fits(const struct pattern *p, const char *path, enum want want)
{
	if (!p->plain)
		return walk(p, path, want);
	size_t n = strlen(path);
	if (want == BELOW)
		return p->plain_len > n && !memcmp(p->plain, path, n) && p->plain[n] == '/';
	return n >= p->plain_len && !memcmp(p->plain, path, p->plain_len) &&
	       (!path[p->plain_len] || (want == ABOVE && path[p->plain_len] == '/'));
}

bool ignore_matches(const struct ignore *g, const char *path)
{
	bool out = false;

	for (size_t i = 0; g && i < g->n; i++)
		if (g->v[i].back == out && fits(&g->v[i], path, ABOVE))
			out = !out;
	return out;
}

bool ignore_may_hold(const struct ignore *g, const char *path)
{
	for (size_t i = 0; g && g->any_back && i < g->n; i++)
		if (g->v[i].back && fits(&g->v[i], path, BELOW))
			return true;
	return false;
}

int wildcard_match(const char *pattern, const char *path)
{
	scoped(arena) a = {0};
	struct pattern p = {0};
	size_t n = strlen(pattern);

	if (n > MAX_PATTERN || compile(&a, pattern, n, &p) < 0)
		return -EINVAL;
	return fits(&p, path, WHOLE);
}

/* One pattern as it was written; -EINVAL for a bad one. */
static int add(struct ignore *g, const char *s)
{
	struct pattern p = {.back = *s == '!'};

	s += p.back;
	s += strspn(s, " \t\r\v\f");
	if (!*s)
		return -EINVAL;
	autofree char *clean = path_clean(s);
	const char *relative = clean + (clean[0] == '/' && clean[1]);
	if (strlen(relative) > MAX_PATTERN ||
	    compile(&g->arena, relative, strlen(relative), &p) < 0)
		return -EINVAL;
	if (g->n == g->cap) {
		g->cap = g->cap ? g->cap * 2 : 16;
		g->v = xrealloc(g->v, g->cap * sizeof *g->v);
	}
	g->v[g->n++] = p;
	g->any_back |= p.back;
	return 0;
}

/* Without the blanks at both ends; NULL if nothing is left. */
static char *trimmed(struct arena *a, const char *s, size_t n)
{
	while (n && strchr(" \t\r\v\f", *s))
		s++, n--;
	while (n && strchr(" \t\r\v\f", s[n - 1]))
		n--;
	return n ? arena_strndup(a, s, n) : NULL;
}

int ignore_parse(const char *text, size_t len, const char *name, struct ignore **ret, struct err *e)
{
	struct ignore *g = xcalloc(1, sizeof *g);
	const char *p = text, *end = text + len, *nul = memchr(text, 0, len);
	int r = 0;

	if (len > MAX_FILE)
		r = err_fail(e, ERR_IGNORE_FILE, "%s: more than %d MiB", name, MAX_FILE >> 20);
	if (len >= 3 && !memcmp(p, "\xef\xbb\xbf", 3))
		p += 3;
	for (int line = 1; r == 0 && p < end; line++) {
		const char *nl = memchr(p, '\n', (size_t)(end - p)), *stop = nl ? nl : end;
		scoped(arena) a = {0};
		char *s = *p == '#' ? NULL : trimmed(&a, p, (size_t)(stop - p));
		if (nul && nul < stop)
			r = err_fail(e, ERR_IGNORE_FILE, "%s:%d: a NUL byte", name, line);
		else if (s && add(g, s) < 0)
			r = err_fail(e, ERR_IGNORE_FILE, "%s:%d: no valid pattern: \"%.80s\"", name,
				     line, s);
		p = nl ? nl + 1 : end;
	}
	if (r < 0)
		ignore_free(take(g));
	*ret = g;
	return r;
}

int ignore_new(const struct strs *patterns, struct ignore **ret, struct err *e)
{
	struct ignore *g = xcalloc(1, sizeof *g);

	*ret = NULL;
	for (size_t i = 0; i < patterns->n; i++) {
		char *s = trimmed(&g->arena, patterns->v[i], strlen(patterns->v[i]));
		if (s && add(g, s) < 0) {
			ignore_free(g);
			return err_fail(e, ERR_IGNORE_FILE, "no valid pattern: \"%.80s\"",
					patterns->v[i]);
		}
	}
	*ret = g;
	return 0;
}

void ignore_free(struct ignore *g)
{
	if (!g)
		return;
	arena_free(&g->arena);
	free(g->v);
	free(g);
}
