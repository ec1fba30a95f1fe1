/*
 * How it works: the text is checked as UTF-8 in one pass, then yajl calls back for each token. A finished value is pushed on
 * a stack of pending members; the end of an array or object takes its share off the stack and copies it into the arena.
 * Only this file knows yajl.
 */
#include <math.h>
#include <yajl/yajl_parse.h>

#include "base/base.h"
#include "data/json.h"

enum {
	DEFAULT_BYTES = 8 << 20,
	DEFAULT_DEPTH = 64,
	DEFAULT_NODES = 1000000,
	HARD_BYTES = 256 << 20, /* far from where yajl's size arithmetic overflows */
	HARD_DEPTH = 1000,	/* the writer and other readers of the tree recurse */
};

struct frame {
	struct json *node;
	const char *key; /* the key whose value comes next */
	size_t start;	 /* index of the first member on the pending stack */
};

struct parser {
	struct arena *a;
	const char *text, *what;
	size_t len;
	struct json_limits lim;
	yajl_handle y;
	size_t pos;	   /* end of the previous token */
	size_t line_start; /* where the line of pos begins */
	int line;
	size_t nodes;
	struct json *root;
	struct frame *frames;
	size_t nframes, frames_cap;
	struct json_member *pending;
	size_t npending, pending_cap;
	struct err *e;
	bool failed; /* e was filled by a callback */
};

/* ---- positions ---- */

static bool between(char c)
{
	return c == ' ' || c == ',' || c == ':' || c == '\n' || c == '\t' || c == '\r';
}

/* Moves to where the next token starts: only blanks, commas and colons can stand between two tokens. */
static size_t next_token(struct parser *p)
{
	size_t i = p->pos;

	for (; i < p->len && between(p->text[i]); i++) {
		if (p->text[i] == '\n') {
			p->line++;
			p->line_start = i + 1;
		}
	}
	p->pos = i;
	return i;
}

static void token_done(struct parser *p)
{
	size_t end = yajl_get_bytes_consumed(p->y);

	if (end > p->pos && end <= p->len)
		p->pos = end;
}

static int column(const struct parser *p, size_t at)
{
	return (int)(at - p->line_start) + 1;
}

static int fail_at(struct parser *p, int line, int col, const char *why)
{
	p->failed = true;
	return err_fail(p->e, ERR_JSON, "%s:%d:%d: %s", p->what, line, col, why);
}

/* For a byte offset that is not the current token. */
static int fail_offset(struct parser *p, size_t at, const char *why)
{
	int line = 1;
	size_t start = 0;

	for (size_t i = 0; i < at && i < p->len; i++) {
		if (p->text[i] == '\n') {
			line++;
			start = i + 1;
		}
	}
	return fail_at(p, line, (int)(at - start) + 1, why);
}

/* ---- building ---- */

static struct json *node(struct parser *p, enum json_type t)
{
	size_t at = next_token(p);

	if (p->nodes++ >= p->lim.max_nodes) {
		fail_at(p, p->line, column(p, at), "too many values");
		return NULL;
	}
	struct json *j = json_new(p->a, t);
	j->line = p->line;
	j->col = column(p, at);
	return j;
}

static void attach(struct parser *p, struct json *j)
{
	if (!p->nframes) {
		p->root = j;
		return;
	}
	if (p->npending == p->pending_cap) {
		p->pending_cap = p->pending_cap ? p->pending_cap * 2 : 64;
		p->pending = xrealloc(p->pending, p->pending_cap * sizeof *p->pending);
	}
	p->pending[p->npending++] = (struct json_member){p->frames[p->nframes - 1].key, j};
}

static int scalar(struct parser *p, struct json *j)
{
	if (!j)
		return 0;
	attach(p, j);
	token_done(p);
	return 1;
}

static int on_null(void *ctx)
{
	return scalar(ctx, node(ctx, JSON_NULL));
}

static int on_bool(void *ctx, int v)
{
	struct json *j = node(ctx, JSON_BOOL);

	if (j)
		j->b = v != 0;
	return scalar(ctx, j);
}

/* True if the text is an integer that fits; -0 is left to the doubles, which know it. */
static bool to_int(const char *s, size_t n, int64_t *ret)
{
	bool neg = n && *s == '-';
	uint64_t v = 0, max = (uint64_t)INT64_MAX + neg;

	for (size_t i = neg; i < n; i++) {
		if (s[i] < '0' || s[i] > '9')
			return false;
		uint64_t d = (uint64_t)(s[i] - '0');
		if (v > (max - d) / 10)
			return false;
		v = v * 10 + d;
	}
	*ret = neg ? (int64_t)(0 - v) : (int64_t)v;
	return v || !neg;
}

/* The same for what only fits without a sign. */
static uint64_t to_exact(const char *s, size_t n)
{
	uint64_t v = 0;

	for (size_t i = 0; i < n; i++) {
		if (s[i] < '0' || s[i] > '9')
			return 0;
		uint64_t d = (uint64_t)(s[i] - '0');
		if (v > (UINT64_MAX - d) / 10)
			return 0;
		v = v * 10 + d;
	}
	return v;
}

static int on_number(void *ctx, const char *s, size_t n)
{
	struct parser *p = ctx;
	struct json *j = node(p, JSON_INT);

	if (!j)
		return 0;
	if (!to_int(s, n, &j->i)) {
		autofree char *copy = xstrndup(s, n);
		j->type = JSON_DOUBLE;
		j->d = strtod(copy, NULL);
		j->exact = to_exact(s, n);
		if (!isfinite(j->d)) {
			fail_at(p, j->line, j->col, "a number that is too large");
			return 0;
		}
	}
	return scalar(p, j);
}

static unsigned hex4(const char *s)
{
	unsigned v = 0;

	for (int i = 0; i < 4; i++)
		v = v << 4 | (unsigned)(s[i] <= '9' ? s[i] - '0' : (s[i] | 0x20) - 'a' + 10);
	return v;
}

/* yajl writes a lone surrogate escape as '?' or as bytes that are no UTF-8, which would silently change the value.
 * raw is a token whose escapes yajl found well-formed. */
static bool lone_surrogate(const char *raw, size_t n)
{
	for (size_t i = 0; i + 1 < n; i++) {
		if (raw[i] != '\\')
			continue;
		if (raw[++i] != 'u' || i + 5 > n)
			continue;
		unsigned v = hex4(raw + i + 1);
		i += 4;
		if (v < 0xd800 || v > 0xdfff)
			continue;
		if (v >= 0xdc00 || i + 7 > n || raw[i + 1] != '\\' || raw[i + 2] != 'u')
			return true;
		v = hex4(raw + i + 3);
		if (v < 0xdc00 || v > 0xdfff)
			return true;
		i += 6;
	}
	return false;
}

/* Copies a string token into the arena; NULL if it may not be. p->pos is where the token starts. */
static const char *copy_text(struct parser *p, const unsigned char *s, size_t n)
{
	size_t end = yajl_get_bytes_consumed(p->y);
	bool plain = (const char *)s >= p->text && (const char *)s < p->text + p->len;

	if (memchr(s, 0, n)) {
		fail_at(p, p->line, column(p, p->pos), "a string with a NUL byte");
		return NULL;
	}
	if (!plain && end <= p->len && end > p->pos &&
	    lone_surrogate(p->text + p->pos, end - p->pos)) {
		fail_at(p, p->line, column(p, p->pos),
			"half of a surrogate pair, which is no character");
		return NULL;
	}
	return arena_strndup(p->a, (const char *)s, n);
}

static int on_string(void *ctx, const unsigned char *s, size_t n)
{
	struct parser *p = ctx;
	struct json *j = node(p, JSON_STR);

	if (!j || !(j->s = copy_text(p, s, n)))
		return 0;
	return scalar(p, j);
}

static int on_key(void *ctx, const unsigned char *s, size_t n)
{
	struct parser *p = ctx;

	next_token(p);
	if (!(p->frames[p->nframes - 1].key = copy_text(p, s, n)))
		return 0;
	token_done(p);
	return 1;
}

static int open_frame(struct parser *p, enum json_type t)
{
	struct json *j = node(p, t);

	if (!j)
		return 0;
	if (p->nframes >= (size_t)p->lim.max_depth) {
		fail_at(p, j->line, j->col, "nested too deeply");
		return 0;
	}
	attach(p, j);
	if (p->nframes == p->frames_cap) {
		p->frames_cap = p->frames_cap ? p->frames_cap * 2 : 16;
		p->frames = xrealloc(p->frames, p->frames_cap * sizeof *p->frames);
	}
	p->frames[p->nframes++] = (struct frame){j, NULL, p->npending};
	token_done(p);
	return 1;
}

static int on_map(void *ctx)
{
	return open_frame(ctx, JSON_OBJ);
}

static int on_array(void *ctx)
{
	return open_frame(ctx, JSON_ARR);
}

static int by_key(const void *a, const void *b)
{
	const struct json_member *const *x = a, *const *y = b;

	return strcmp((*x)->key, (*y)->key);
}

static int fail_twice(struct parser *p, const struct json_member *x, const struct json_member *y)
{
	const struct json *at = y > x ? y->value : x->value;
	scoped(str) why = {0};

	str_addf(&why, "the key \"%.60s\" stands twice in one object", x->key);
	fail_at(p, at->line, at->col, str_cstr(&why));
	return 0;
}

/* Small objects are compared pair by pair, large ones sorted, so hostile input cannot make this quadratic. */
static int check_keys(struct parser *p, const struct json_member *m, size_t n)
{
	if (n <= 12) {
		for (size_t i = 1; i < n; i++)
			for (size_t k = 0; k < i; k++)
				if (m[i].key[0] == m[k].key[0] && !strcmp(m[i].key, m[k].key))
					return fail_twice(p, &m[k], &m[i]);
		return 1;
	}
	autofree const struct json_member **v = xmalloc(n * sizeof *v);
	for (size_t i = 0; i < n; i++)
		v[i] = &m[i];
	qsort(v, n, sizeof *v, by_key);
	for (size_t i = 1; i < n; i++)
		if (!strcmp(v[i - 1]->key, v[i]->key))
			return fail_twice(p, v[i - 1], v[i]);
	return 1;
}

static int on_end(void *ctx)
{
	struct parser *p = ctx;
	struct frame *f = &p->frames[p->nframes - 1];
	struct json_member *m = p->pending ? p->pending + f->start : NULL;
	size_t n = p->npending - f->start, cap = 4;

	next_token(p);
	token_done(p);
	if (f->node->type == JSON_OBJ && !check_keys(p, m, n))
		return 0;
	while (cap < n) /* json_add and json_set expect room up to the next power of two */
		cap *= 2;
	if (n && f->node->type == JSON_OBJ) {
		f->node->obj.v = arena_alloc(p->a, cap * sizeof *m);
		memcpy(f->node->obj.v, m, n * sizeof *m);
		f->node->obj.n = n;
	} else if (n) {
		f->node->arr.v = arena_alloc(p->a, cap * sizeof *f->node->arr.v);
		for (size_t i = 0; i < n; i++)
			f->node->arr.v[i] = m[i].value;
		f->node->arr.n = n;
	}
	p->npending = f->start;
	p->nframes--;
	return 1;
}

/* ---- errors of the parser ---- */

/* yajl's reasons in our own words; lexical ones are found in the middle of a token. */
static const struct {
	const char *theirs, *ours;
	bool lexical;
} reasons[] = {
	{"premature EOF", "the text ends too early", false},
	{"trailing garbage", "more text after the end of the value", false},
	{"after key and value", "a comma or } is missing here", false},
	{"must be separated by a colon", "a colon is missing after the key", false},
	{"invalid object key", "a key in double quotes is missing here", false},
	{"after array element", "a comma or ] is missing here", false},
	{"unallowed token", "unexpected here", false},
	{"which it may not", "a bad escape in a string", true},
	{"(non-hex)", "a bad \\u escape in a string", true},
	{"invalid character inside", "a control character in a string", true},
	{"malformed number", "a malformed number", true},
	{"invalid char", "an unexpected character", false},
	{"probable comment", "comments are not part of JSON", true},
};

static void explain(struct parser *p)
{
	unsigned char *text = yajl_get_error(p->y, 0, NULL, 0);
	size_t used = yajl_get_bytes_consumed(p->y), at = next_token(p), i = 0;

	while (i < countof(reasons) && !strstr((const char *)text, reasons[i].theirs))
		i++;
	yajl_free_error(p->y, text);
	if (i == countof(reasons))
		fail_at(p, p->line, column(p, at), "not valid JSON");
	else if (i == 0)
		fail_offset(p, p->len, reasons[i].ours);
	else if (reasons[i].lexical && used > at && used < p->len)
		fail_offset(p, used, reasons[i].ours);
	else
		fail_at(p, p->line, column(p, at), reasons[i].ours);
}

static bool check_utf8(struct parser *p)
{
	for (size_t i = 0; i < p->len;) {
		uint32_t c;
		if ((unsigned char)p->text[i] < 0x80) {
			i++;
			continue;
		}
		size_t n = str_utf8_next(p->text + i, p->len - i, &c);
		if (!n) {
			fail_offset(p, i, "invalid UTF-8");
			return false;
		}
		i += n;
	}
	return true;
}

/* ---- entry ---- */

static void *yajl_malloc_(void *ctx, size_t n)
{
	return xmalloc(n);
}

static void *yajl_realloc_(void *ctx, void *old, size_t n)
{
	return xrealloc(old, n);
}

static void yajl_free_(void *ctx, void *p)
{
	free(p);
}

static void set_limits(struct parser *p, const struct json_limits *lim)
{
	if (lim)
		p->lim = *lim;
	if (!p->lim.max_bytes)
		p->lim.max_bytes = DEFAULT_BYTES;
	if (!p->lim.max_nodes)
		p->lim.max_nodes = DEFAULT_NODES;
	if (p->lim.max_depth <= 0)
		p->lim.max_depth = DEFAULT_DEPTH;
	if (p->lim.max_bytes > HARD_BYTES)
		p->lim.max_bytes = HARD_BYTES;
	if (p->lim.max_depth > HARD_DEPTH)
		p->lim.max_depth = HARD_DEPTH;
}

static bool run(struct parser *p)
{
	static const yajl_callbacks calls = {
		.yajl_null = on_null,
		.yajl_boolean = on_bool,
		.yajl_number = on_number,
		.yajl_string = on_string,
		.yajl_start_map = on_map,
		.yajl_map_key = on_key,
		.yajl_end_map = on_end,
		.yajl_start_array = on_array,
		.yajl_end_array = on_end,
	};
	yajl_alloc_funcs mem = {yajl_malloc_, yajl_realloc_, yajl_free_, NULL};

	p->y = yajl_alloc(&calls, &mem, p);
	yajl_config(p->y, yajl_dont_validate_strings, 1); /* check_utf8 did it, and better */
	yajl_status st = yajl_parse(p->y, (const unsigned char *)p->text, p->len);
	if (st == yajl_status_ok)
		st = yajl_complete_parse(p->y);
	if (st != yajl_status_ok && !p->failed)
		explain(p);
	yajl_free(p->y);
	return st == yajl_status_ok;
}

struct json *json_parse(struct arena *a, const char *text, size_t len, const char *what,
			const struct json_limits *lim, struct err *e)
{
	struct parser p = {.a = a, .text = text, .what = what, .len = len, .line = 1, .e = e};

	set_limits(&p, lim);
	if (len > p.lim.max_bytes) {
		err_fail(e, ERR_JSON, "%s: %zu bytes, more than the limit of %zu", what, len,
			 p.lim.max_bytes);
		return NULL;
	}
	bool ok = check_utf8(&p) && run(&p);
	free(p.frames);
	free(p.pending);
	return ok ? p.root : NULL;
}
