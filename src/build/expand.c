/*
 * One walk over the word, which calls itself for what stands between ${V:- and }. Everything that comes out goes through add(), which knows the limit. Patterns (${V#p} ...) are
 * matched as the wildcards of ignore files are: with all places where the pattern may be at once, so that no pattern takes long; what could is refused.
 */
#include "base/base.h"
#include "build/expand.h"

enum {
	PATTERN_WORK = 1 << 22, /* characters of values times those of patterns, in one word */
	COPY_WORK =
		1
		<< 26, /* bytes of values that are looked at for one word, whether they stay or not */
};

struct walk {
	const struct df_vars *v;
	const char *word, *p; /* all of it, and what comes next */
	bool quotes;	      /* mean something */
	bool split;	      /* blanks of variables end words; the results go to words */
	bool in_word;
	struct str *out;
	struct strs *words;
	struct arena *a;
	int depth;
	struct effort *spent; /* on the whole word, what is within its substitutions included */
	struct err *e;
};

struct effort {
	size_t pattern, copy;
};

static int text(struct walk *w, char until, bool raw);

static int bad(struct walk *w, const char *why)
{
	err_fail(w->e, ERR_DOCKERFILE, "\"%.80s\": %s", w->word, why);
	return -EINVAL;
}

static int add(struct walk *w, const char *s, size_t n)
{
	w->spent->copy += n;
	if (n > EXPAND_MAX || w->out->len + n > EXPAND_MAX || w->spent->copy > COPY_WORK)
		return err_fail(w->e, ERR_DOCKERFILE,
				"\"%.80s\": variables make more than %d MiB of it", w->word,
				EXPAND_MAX >> 20);
	str_addn(w->out, s, n);
	w->in_word = true;
	return 0;
}

static bool is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static void end_word(struct walk *w)
{
	if (w->in_word && w->out->len)
		strs_add(w->a, w->words, str_cstr(w->out));
	str_reset(w->out);
	w->in_word = false;
}

/* Text that may end words. */
static int add_split(struct walk *w, const char *s)
{
	while (*s) {
		size_t n = 0;
		while (s[n] && !is_blank(s[n]))
			n++;
		int r = n ? add(w, s, n) : 0;
		if (r < 0)
			return r;
		s += n;
		if (*s)
			end_word(w);
		while (is_blank(*s))
			s++;
	}
	return 0;
}

static bool name_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '_';
}

/* A name at p; a number, or one of the shell's special parameters, is one too. */
static size_t name_length(const char *p)
{
	size_t n = 0;

	if (*p >= '0' && *p <= '9')
		return strspn(p, "0123456789");
	while (name_char(p[n]))
		n++;
	return n || !*p ? n : strchr("@*#?-$!", *p) != NULL;
}

/* The word of a substitution, up to until, into out. */
static int inner(struct walk *w, char until, bool raw, struct str *out)
{
	struct walk sub = *w;

	if (++sub.depth > EXPAND_DEPTH)
		return bad(w, "too many substitutions within each other");
	sub.out = out;
	sub.split = false;
	int r = text(&sub, until, raw);
	w->p = sub.p;
	return r;
}

/* A pattern: characters, and what they mean. */
struct glob {
	uint32_t *c;
	char *wild; /* '*', '?' or 0 */
	size_t n;
};

/* A text as characters, and where each begins (n + 1 of them). A byte that begins none stands for itself. */
static size_t decode(struct arena *a, const char *s, uint32_t **ret, size_t **ret_at)
{
	size_t len = strlen(s), n = 0;

	*ret = arena_alloc(a, (len + 1) * sizeof **ret);
	*ret_at = arena_alloc(a, (len + 1) * sizeof **ret_at);
	for (size_t i = 0; i < len; n++) {
		size_t k = str_utf8_next(s + i, len - i, *ret + n);
		if (!k)
			(*ret)[n] = 0x110000 + (uint8_t)s[i];
		(*ret_at)[n] = i;
		i += k ? k : 1;
	}
	(*ret_at)[n] = len;
	return n;
}

static int compile(struct walk *w, struct arena *a, const char *pattern, struct glob *ret)
{
	uint32_t *c;
	size_t *at, n = decode(a, pattern, &c, &at);

	ret->c = arena_alloc(a, (n + 1) * sizeof *ret->c);
	ret->wild = arena_alloc(a, n + 1);
	for (size_t i = 0; i < n; i++) {
		bool escaped = c[i] == (uint32_t)w->v->escape;
		if (escaped && ++i == n)
			return bad(w, "a pattern ends in the middle of an escape");
		if (escaped && c[i] != '*' && c[i] != '?' && c[i] != '}' && c[i] != '/' &&
		    c[i] != (uint32_t)w->v->escape)
			return bad(w, "only *, ?, / and } can be escaped in a pattern");
		ret->wild[ret->n] = !escaped && (c[i] == '*' || c[i] == '?') ? (char)c[i] : 0;
		ret->c[ret->n++] = c[i];
	}
	return 0;
}

static void reverse(struct glob *g, uint32_t *c, size_t n)
{
	for (size_t i = 0, k = g->n; i + 1 < k; i++) {
		uint32_t x = g->c[i];
		char y = g->wild[i];
		k--;
		g->c[i] = g->c[k];
		g->wild[i] = g->wild[k];
		g->c[k] = x;
		g->wild[k] = y;
	}
	for (size_t i = 0; i + 1 < n; i++) {
		uint32_t x = c[i];
		n--;
		c[i] = c[n];
		c[n] = x;
	}
}

static void come_to(const struct glob *g, char *places, size_t i)
{
	places[i] = 1;
	while (i < g->n && g->wild[i] == '*')
		places[++i] = 1;
}

/* A value and a pattern, ready to be compared. */
struct subject {
	struct arena arena;
	const char *s;
	uint32_t *c;
	size_t *at, n;
	struct glob glob;
	char *places;
};

static void subject_free(struct subject *s)
{
	arena_free(&s->arena);
}

/* How much of the value from `from` on the pattern means: the most, or the least; -1: nothing. */
static ssize_t prefix(struct walk *w, const struct subject *s, size_t from, bool most)
{
	const struct glob *g = &s->glob;
	char *now = s->places, *next = now + g->n + 1;
	ssize_t found = -1;

	memset(now, 0, g->n + 1);
	come_to(g, now, 0);
	for (size_t i = from;; i++) {
		bool any = false;
		if (now[g->n])
			found = (ssize_t)(i - from);
		if (i == s->n || (found >= 0 && !most))
			return found;
		memset(next, 0, g->n + 1);
		for (size_t k = 0; k < g->n; k++) {
			if (!now[k])
				continue;
			bool star = g->wild[k] == '*';
			if (!star && g->wild[k] != '?' && g->c[k] != s->c[i])
				continue;
			come_to(g, next, star ? k : k + 1);
			any = true;
		}
		w->spent->pattern += g->n + 1;
		if (!any)
			return found;
		char *swap = now;
		now = next;
		next = swap;
	}
}

/* Both are bounded, but not what comparing them costs: this bounds it. */
static int prepare(struct walk *w, const char *value, const char *pattern, struct subject *ret)
{
	int r = compile(w, &ret->arena, pattern, &ret->glob);

	if (r < 0)
		return r;
	ret->s = value;
	ret->n = decode(&ret->arena, value, &ret->c, &ret->at);
	ret->places = arena_alloc(&ret->arena, 2 * (ret->glob.n + 1));
	if (ret->n && ret->glob.n > PATTERN_WORK / ret->n)
		return bad(w, "a pattern and a value that are too long for each other");
	return w->spent->pattern <= PATTERN_WORK ? 0 : bad(w, "patterns that take too long");
}

/* ${V#p} ${V##p} ${V%p} ${V%%p} */
static int trim(struct walk *w, char op, const char *value, const char *pattern, struct str *out)
{
	bool most = *pattern == op;
	scoped(subject) s = {0};
	int r = prepare(w, value, pattern + most, &s);

	if (r < 0)
		return r;
	if (op == '%')
		reverse(&s.glob, s.c, s.n);
	ssize_t cut = prefix(w, &s, 0, most);
	if (cut < 0)
		cut = 0;
	if (op == '#')
		str_add(out, value + s.at[cut]);
	else
		str_addn(out, value, s.at[s.n - (size_t)cut]);
	return 0;
}

/* ${V/p/w} and ${V//p/w}: the first one, or each, as long as it can be. */
static int replace(struct walk *w, bool all, const char *value, const char *pattern, const char *by,
		   struct str *out)
{
	scoped(subject) s = {0};
	size_t len = strlen(by), behind = SIZE_MAX; /* the last one that was replaced */
	bool done = false;
	int r = prepare(w, value, pattern, &s);

	for (size_t i = 0; r == 0 && i <= s.n;) {
		ssize_t n = done ? -1 : prefix(w, &s, i, true);
		if (w->spent->pattern > PATTERN_WORK)
			return bad(w, "patterns that take too long");
		if (n == 0 && i == behind)
			n = -1;
		if (n >= 0) {
			str_addn(out, by, len);
			i += (size_t)n;
			behind = i;
			done = !all;
		}
		if (n <= 0 && i < s.n)
			str_addn(out, value + s.at[i], s.at[i + 1] - s.at[i]);
		i += n <= 0;
		if (out->len > EXPAND_MAX)
			return add(w, out->s, out->len);
	}
	return r;
}

static const char *get(struct walk *w, const char *name, bool needed)
{
	const char *value = w->v->get(w->v->arg, name);

	if (!value && needed && w->v->undefined && name_char(*name) && (*name < '0' || *name > '9'))
		w->v->undefined(w->v->arg, name);
	return value;
}

/* ${V?w} */
static int complain(struct walk *w, const char *name, const char *value, const char *why)
{
	return err_fail(w->e, ERR_DOCKERFILE, "\"%.80s\": %.80s: %.200s", w->word, name,
			*why	? why
			: value ? "is not allowed to be empty"
				: "is not allowed to be unset");
}

/* What stands behind the name, from its operator on; the value goes to out. */
static int operate(struct walk *w, const char *name, struct str *out)
{
	scoped(str) word = {0};
	scoped(str) by = {0};
	bool colon = *w->p == ':', all = false;
	const char *value;
	int r;

	w->p += colon;
	char op = *w->p;
	if (!op || !strchr(colon ? "-+?" : "-+?#%/", op))
		return bad(w, op ? "an operator that is not known" : "} is missing");
	w->p++;
	if (op == '/') {
		all = *w->p == '/';
		w->p += all;
		r = inner(w, '/', true, &word);
		if (r == 0)
			r = inner(w, '}', false, &by);
	} else {
		r = inner(w, '}', op == '#' || op == '%', &word);
	}
	if (r < 0)
		return r;
	value = get(w, name, op != '-' && op != '+' && op != '?');
	bool set = value && (!colon || *value);
	switch (op) {
	case '-':
		str_add(out, set ? value : str_cstr(&word));
		return 0;
	case '+':
		str_add(out, set ? str_cstr(&word) : "");
		return 0;
	case '?':
		if (!set)
			return complain(w, name, value, str_cstr(&word));
		str_add(out, value);
		return 0;
	case '/':
		return replace(w, all, value ? value : "", str_cstr(&word), str_cstr(&by), out);
	default:
		return trim(w, op, value ? value : "", str_cstr(&word), out);
	}
}

/* $V and ${...}; p stands behind "$". */
static int variable(struct walk *w, bool split)
{
	scoped(str) out = {0};
	bool braces = *w->p == '{';
	int r = 0;

	w->p += braces;
	size_t n = name_length(w->p);
	if (!n && !braces)
		return add(w, "$", 1);
	if (!n)
		return bad(w, *w->p ? "bad substitution" : "} is missing");
	autofree char *name = xstrndup(w->p, n);
	w->p += n;
	if (!braces || *w->p == '}') {
		w->p += braces;
		const char *value = get(w, name, true);
		str_add(&out, value ? value : "");
	} else {
		r = operate(w, name, &out);
	}
	if (r < 0)
		return r;
	return split ? add_split(w, str_cstr(&out)) : add(w, str_cstr(&out), out.len);
}

static int quoted(struct walk *w, char quote, bool raw)
{
	char escape = w->v->escape;
	int r = 0;

	w->in_word = true;
	while (r == 0 && *w->p && *w->p != quote) {
		if (quote == '"' && *w->p == '$') {
			w->p++;
			r = variable(w, false);
			continue;
		}
		if (quote == '"' && *w->p == escape) {
			bool escapes = w->p[1] && (strchr("\"$", w->p[1]) || w->p[1] == escape);
			bool ends = !w->p[1];
			if (ends || (escapes && !raw)) {
				w->p++;
			} else if (escapes) {
				r = add(w, w->p++, 1);
			}
			if (ends)
				break;
		}
		if (r == 0)
			r = add(w, w->p++, 1);
	}
	if (r == 0 && *w->p != quote)
		return bad(w, quote == '"' ? "a double quote has no end"
					   : "a single quote has no end");
	w->p++;
	return r;
}

/* Up to until, which is skipped; 0: to the end. raw: escapes stay, because a pattern reads them again. */
static int text(struct walk *w, char until, bool raw)
{
	char escape = w->v->escape;

	for (int r = 0; *w->p && *w->p != until;) {
		char c = *w->p++;
		if (c == '$') {
			r = variable(w, w->split);
		} else if (w->quotes && (c == '"' || c == '\'')) {
			r = quoted(w, c, raw);
		} else if (c == escape) {
			r = raw ? add(w, &c, 1) : 0;
			if (r == 0 && *w->p)
				r = add(w, w->p++, 1);
		} else if (w->split && is_blank(c)) {
			end_word(w);
		} else {
			r = add(w, &c, 1);
		}
		if (r < 0)
			return r;
	}
	if (until && !*w->p)
		return bad(w, until == '}' ? "} is missing" : "/ is missing in a substitution");
	w->p += until != 0;
	return 0;
}

static int expand(const struct df_vars *v, const char *word, bool quotes, struct arena *a,
		  const char **ret, struct err *e)
{
	scoped(str) out = {0};
	struct effort spent = {0};
	struct walk w = {.v = v,
			 .word = word,
			 .p = word,
			 .quotes = quotes,
			 .out = &out,
			 .a = a,
			 .spent = &spent,
			 .e = e};
	int r = text(&w, 0, false);

	if (r == 0)
		*ret = arena_strndup(a, str_cstr(&out), out.len);
	return r;
}

int df_expand(const struct df_vars *v, const char *word, struct arena *a, const char **ret,
	      struct err *e)
{
	return expand(v, word, true, a, ret, e);
}

int df_expand_raw(const struct df_vars *v, const char *word, struct arena *a, const char **ret,
		  struct err *e)
{
	return expand(v, word, false, a, ret, e);
}

int df_expand_words(const struct df_vars *v, const char *word, struct arena *a, struct strs *ret,
		    struct err *e)
{
	scoped(str) out = {0};
	struct effort spent = {0};
	struct walk w = {.v = v,
			 .word = word,
			 .p = word,
			 .quotes = true,
			 .split = true,
			 .out = &out,
			 .words = ret,
			 .a = a,
			 .spent = &spent,
			 .e = e};
	int r = text(&w, 0, false);

	if (r == 0)
		end_word(&w);
	return r;
}

void df_variables(const char *word, char escape, struct arena *a, struct strs *ret)
{
	for (const char *p = word; *p; p++) {
		if (*p == escape && p[1]) {
			p++;
			continue;
		}
		if (*p != '$')
			continue;
		const char *name = p + 1 + (p[1] == '{');
		size_t n = name_length(name);
		if (!n)
			continue;
		autofree char *one = xstrndup(name, n);
		if (!strs_has(ret, one))
			strs_add(a, ret, one);
		p = name + n - 1;
	}
}
