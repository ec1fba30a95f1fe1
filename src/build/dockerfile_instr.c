#include "base/base.h"
#include "build/dockerfile_instr.h"

/* What the arguments of an instruction are. */
enum form {
	FORM_TEXT,   /* a command: a JSON list or text */
	FORM_JSON,   /* a JSON list only */
	FORM_LIST,   /* a JSON list or words */
	FORM_WORDS,  /* words */
	FORM_ONE,    /* the whole rest is one value */
	FORM_PAIRS,  /* NAME=VALUE ..., or NAME VALUE */
	FORM_NAMES,  /* NAME or NAME=VALUE ... */
	FORM_HEALTH, /* NONE or CMD command */
	FORM_SUB,    /* an instruction */
};

static const struct kind {
	const char *name;
	enum form form;
	const char *flags; /* with "=" where a value is needed */
} kinds[DF_KINDS] = {
	[DF_ADD] = {"ADD", FORM_LIST, "chown= chmod= link exclude= checksum= keep-git-dir unpack"},
	[DF_ARG] = {"ARG", FORM_NAMES, ""},
	[DF_CMD] = {"CMD", FORM_TEXT, ""},
	[DF_COPY] = {"COPY", FORM_LIST, "from= chown= chmod= link parents exclude="},
	[DF_ENTRYPOINT] = {"ENTRYPOINT", FORM_TEXT, ""},
	[DF_ENV] = {"ENV", FORM_PAIRS, ""},
	[DF_EXPOSE] = {"EXPOSE", FORM_WORDS, ""},
	[DF_FROM] = {"FROM", FORM_WORDS, "platform= after="},
	[DF_HEALTHCHECK] = {"HEALTHCHECK", FORM_HEALTH,
			    "interval= timeout= start-period= start-interval= retries="},
	[DF_LABEL] = {"LABEL", FORM_PAIRS, ""},
	[DF_MAINTAINER] = {"MAINTAINER", FORM_ONE, ""},
	[DF_ONBUILD] = {"ONBUILD", FORM_SUB, ""},
	[DF_RUN] = {"RUN", FORM_TEXT, "mount= network= security= device="},
	[DF_SHELL] = {"SHELL", FORM_JSON, ""},
	[DF_STOPSIGNAL] = {"STOPSIGNAL", FORM_ONE, ""},
	[DF_USER] = {"USER", FORM_ONE, ""},
	[DF_VOLUME] = {"VOLUME", FORM_LIST, ""},
	[DF_WORKDIR] = {"WORKDIR", FORM_ONE, ""},
};

/* An instruction at work. s is one line; all that is kept of it lies in it, or in the arena. */
struct work {
	struct df_reader *r;
	const struct df_line *l;
	const char *s;
	size_t len;
	char escape;
};

const char *df_kind_name(enum df_kind k)
{
	return kinds[k].name;
}

static int bad(const struct work *w, size_t at, struct err *e, const char *fmt, ...)
	printf_like(4, 5);

static int bad(const struct work *w, size_t at, struct err *e, const char *fmt, ...)
{
	char msg[300];
	int line, column;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(msg, sizeof msg, fmt, ap);
	va_end(ap);
	df_place(w->l, at, &line, &column);
	return err_fail(e, ERR_DOCKERFILE, "%s:%d:%d: %s", w->r->d->name, line, column, msg);
}

/* The arguments as a JSON list of strings: 1, 0 if they are none, an error if they are one of other things. */
static int json_list(const struct work *w, size_t at, struct df_instr *i, struct err *e)
{
	if (w->s[at] != '[')
		return 0;
	const struct json *j = json_parse(w->r->a, w->s + at, w->len - at, "arguments", NULL, NULL);
	if (!j || j->type != JSON_ARR)
		return 0;
	if (j->arr.n > DF_MAX_WORDS)
		return bad(w, at, e, "more than %d words", DF_MAX_WORDS);
	for (size_t k = 0; k < j->arr.n; k++) {
		if (j->arr.v[k]->type == JSON_STR)
			continue;
		bad(w, at, e, "%s: a JSON list whose element %zu is no string", kinds[i->kind].name,
		    k + 1);
		return err_hint(e, "put every word of the list in double quotes");
	}
	const char **v = arena_alloc(w->r->a, (j->arr.n + 1) * sizeof *v);
	for (size_t k = 0; k < j->arr.n; k++)
		v[k] = j->arr.v[k]->s;
	i->words = (struct strs){v, j->arr.n};
	i->json = true;
	return 1;
}

/* How many words there are from at on; an error if they are too many. */
static int count_words(const struct work *w, size_t at, struct err *e)
{
	int words = 0;

	for (size_t begin = at, n; (n = df_word(w->s, w->len, w->escape, &begin)); begin += n)
		if (++words > DF_MAX_WORDS)
			return bad(w, begin, e, "more than %d words", DF_MAX_WORDS);
	return words;
}

/* "<<EOF", "<<-EOF", "3<<'EOF'": 1, and the name; the word without a name is none. */
static bool heredoc_word(struct arena *a, const char *s, size_t n, bool *ret_chomp,
			 struct df_heredoc *ret)
{
	scoped(str) name = {0};
	size_t i = 0;
	char quote = 0;

	while (i < n && s[i] >= '0' && s[i] <= '9')
		i++;
	if (n - i < 3 || s[i] != '<' || s[i + 1] != '<')
		return false;
	i += 2;
	*ret_chomp = s[i] == '-';
	i += *ret_chomp;
	if (i == n || memchr(s + i, '<', n - i))
		return false;
	ret->expand = true;
	for (; i < n; i++) {
		bool ends = quote ? s[i] == quote : s[i] == '"' || s[i] == '\'';
		bool escapes = s[i] == '\\' && quote != '\'' && i + 1 < n;
		if (ends || escapes)
			ret->expand = false;
		if (ends)
			quote = quote ? 0 : s[i];
		else
			str_addc(&name, s[escapes ? ++i : i]);
	}
	ret->name = arena_strdup(a, str_cstr(&name));
	return *ret->name;
}

static int missing(const struct work *w, const struct df_instr *i, const char *what, struct err *e)
{
	return bad(w, w->len, e, "%s needs %s", kinds[i->kind].name, what);
}

/* Words as they are; of ADD and COPY without those that stand for here-documents. */
static int words(struct work *w, size_t at, struct df_instr *i, struct err *e)
{
	struct arena *a = w->r->a;
	bool files = i->kind == DF_ADD || i->kind == DF_COPY, last = false, chomp;
	int all = count_words(w, at, e);
	struct df_heredoc h;

	if (all < 0)
		return all;
	i->words.v = arena_alloc(a, ((size_t)all + 1) * sizeof *i->words.v);
	for (size_t n; (n = df_word(w->s, w->len, w->escape, &at)); at += n) {
		last = files && heredoc_word(a, w->s + at, n, &chomp, &h);
		if (!last)
			i->words.v[i->words.n++] = arena_strndup(a, w->s + at, n);
	}
	if (last)
		return bad(w, w->len, e, "%s needs a place behind the here-document",
			   kinds[i->kind].name);
	if (files && all < 2)
		return missing(w, i, "something to copy and a place", e);
	return all ? 0
	       : i->kind == DF_EXPOSE
		       ? missing(w, i, "a port", e)
		       : missing(w, i, i->kind == DF_FROM ? "an image" : "a path", e);
}

static int from(struct work *w, size_t at, struct df_instr *i, struct err *e)
{
	const char *const *v = i->words.v;

	if (i->words.n == 1 || (i->words.n == 3 && !strcasecmp(v[1], "AS")))
		return 0;
	bad(w, at, e, "FROM takes an image, or an image, AS and a name for the stage");
	return err_hint(e, "as in FROM debian:12 AS build");
}

static int list(struct work *w, size_t at, struct df_instr *i, struct err *e)
{
	int r = json_list(w, at, i, e);

	if (r == 0)
		return words(w, at, i, e);
	if (r > 0 && i->words.n < (i->kind == DF_VOLUME ? 1 : 2))
		return missing(
			w, i, i->kind == DF_VOLUME ? "a path" : "something to copy and a place", e);
	return r < 0 ? r : 0;
}

static int command(struct work *w, size_t at, struct df_instr *i, struct err *e)
{
	int r = json_list(w, at, i, e);

	if (r < 0)
		return r;
	if (at == w->len || (i->kind == DF_RUN && i->json && !i->words.n)) {
		missing(w, i, "a command", e);
		return i->kind == DF_RUN ? -EINVAL
					 : err_hint(e, "%s [] takes back what the base image has",
						    kinds[i->kind].name);
	}
	return 0;
}

static int shell(struct work *w, size_t at, struct df_instr *i, struct err *e)
{
	int r = json_list(w, at, i, e);

	if (r < 0 || i->words.n)
		return r < 0 ? r : 0;
	bad(w, at, e, "SHELL needs a JSON list of words");
	return err_hint(e, "as in SHELL [\"/bin/bash\", \"-c\"]");
}

static int one(struct work *w, size_t at, struct df_instr *i, struct err *e)
{
	return at < w->len ? 0 : missing(w, i, "a value", e);
}

static struct df_pair *add_pair(struct work *w, struct df_instr *i, const char *s, size_t n)
{
	struct df_pair *p = bind_append(w->r->a, &i->pairs, sizeof *p);
	const char *eq = memchr(s, '=', n);
	size_t name = eq ? (size_t)(eq - s) : n;

	p->name = arena_strndup(w->r->a, s, name);
	if (eq)
		p->value = arena_strndup(w->r->a, eq + 1, n - name - 1);
	return p;
}

/* ENV and LABEL: if the first word has no "=", it is the old form. */
static int pairs(struct work *w, size_t at, struct df_instr *i, struct err *e)
{
	size_t n = df_word(w->s, w->len, w->escape, &at);
	int r = count_words(w, at, e);

	if (r < 0)
		return r;
	if (!n)
		return missing(w, i, "NAME=VALUE", e);
	if (!memchr(w->s + at, '=', n)) {
		size_t name = strcspn(w->s + at, " \t\v\f\r"), value = at + name;
		while (value < w->len && df_is_blank(w->s[value]))
			value++;
		if (value == w->len)
			return missing(w, i, "a value: NAME=VALUE", e);
		struct df_pair *p = add_pair(w, i, w->s + at, name);
		p->value = w->s + value;
		p->old = true;
		return 0;
	}
	for (; (n = df_word(w->s, w->len, w->escape, &at)); at += n) {
		if (!memchr(w->s + at, '=', n)) {
			bad(w, at, e, "%s: a word that is no NAME=VALUE: \"%.*s\"",
			    kinds[i->kind].name, n < 60 ? (int)n : 60, w->s + at);
			return err_hint(e, "put quotes around a value with blanks");
		}
		if (w->s[at] == '=')
			return bad(w, at, e, "%s: \"=\" without a name before it",
				   kinds[i->kind].name);
		add_pair(w, i, w->s + at, n);
	}
	return 0;
}

static int names(struct work *w, size_t at, struct df_instr *i, struct err *e)
{
	int r = count_words(w, at, e);

	if (r < 0)
		return r;
	for (size_t n; (n = df_word(w->s, w->len, w->escape, &at)); at += n) {
		if (w->s[at] == '=')
			return bad(w, at, e, "ARG: \"=\" without a name before it");
		add_pair(w, i, w->s + at, n);
	}
	return i->pairs.n ? 0 : missing(w, i, "a name", e);
}

static int health(struct work *w, size_t at, struct df_instr *i, struct err *e)
{
	size_t n = df_word(w->s, w->len, w->escape, &at), behind = at + n;

	while (behind < w->len && df_is_blank(w->s[behind]))
		behind++;
	if (n == 4 && !strncasecmp(w->s + at, "NONE", n))
		return behind == w->len ? 0 : bad(w, behind, e, "nothing can stand behind NONE");
	if (n != 3 || strncasecmp(w->s + at, "CMD", n) != 0) {
		bad(w, at, e, "HEALTHCHECK takes NONE, or CMD and a command");
		return err_hint(e, "as in HEALTHCHECK --interval=30s CMD wget -q -O - localhost");
	}
	if (behind == w->len)
		return missing(w, i, "a command behind CMD", e);
	int r = json_list(w, behind, i, e);
	return r < 0 ? r : 0;
}

/* The flag of this name among those of the kind: its place in the list, NULL: none. */
static const char *known_flag(const char *list, const char *name, size_t n)
{
	for (const char *p = list; *p; p += strcspn(p, " "), p += *p == ' ')
		if (strcspn(p, "= ") == n && !strncmp(p, name, n))
			return p;
	return NULL;
}

static int unknown_flag(const struct work *w, size_t at, const struct kind *k, const char *name,
			struct err *e)
{
	scoped(strv) all = {0};
	scoped(str) text = {0};

	for (const char *p = k->flags; *p; p += strcspn(p, " "), p += *p == ' ') {
		size_t n = strcspn(p, "= ");
		autofree char *one = xstrndup(p, n);
		strv_add(&all, one);
		str_addf(&text, "%s--%s", text.len ? ", " : "", one);
	}
	bad(w, at, e, "%s has no flag --%.60s", k->name, name);
	const char *near = strv_nearest(&all, name);
	if (near)
		return err_hint(e, "did you mean --%s?", near);
	return all.n ? err_hint(e, "it has %s", text.s)
		     : err_hint(e, "it takes no flags; a command that begins with -- can be given "
				   "as a JSON list");
}

static int add_flag(struct work *w, size_t at, const char *text, const struct kind *k,
		    struct df_instr *i, struct err *e)
{
	const char *eq = strchr(text, '=');
	size_t n = eq ? (size_t)(eq - text) : strlen(text);
	const char *known = known_flag(k->flags, text, n);
	char *name = arena_strndup(w->r->a, text, n);

	if (!known)
		return unknown_flag(w, at, k, name, e);
	struct df_flag *f = bind_append(w->r->a, &i->flags, sizeof *f);
	f->name = name;
	f->value = eq ? arena_strdup(w->r->a, eq + 1) : NULL;
	df_place(w->l, at, &f->line, &f->column);
	if (i->flags.n > DF_MAX_WORDS)
		return bad(w, at, e, "more than %d words", DF_MAX_WORDS);
	if (known[n] == '=' && !eq)
		return bad(w, at, e, "--%s needs a value: --%s=...", name, name);
	if (known[n] != '=' && eq && *f->value && strcasecmp(f->value, "true") != 0 &&
	    strcasecmp(f->value, "false") != 0)
		return bad(w, at, e, "--%s is true or false", name);
	return 0;
}

/* --name and --name=value before the arguments, "--" ends them. Quotes go. *at ends at the first argument. */
static int flags(struct work *w, size_t *at, const struct kind *k, struct df_instr *i,
		 struct err *e)
{
	size_t n;

	while ((n = df_word(w->s, w->len, w->escape, at)) > 1 && !memcmp(w->s + *at, "--", 2)) {
		scoped(str) text = {0};
		char quote = 0;
		if (n == 2) {
			*at += 2;
			df_word(w->s, w->len, w->escape, at);
			return 0;
		}
		for (size_t p = *at + 2; p < *at + n; p++) {
			char c = w->s[p];
			if (quote ? c == quote : (c == '"' || c == '\''))
				quote = quote ? 0 : c;
			else
				str_addc(&text, c == w->escape && p + 1 < *at + n ? w->s[++p] : c);
		}
		if (quote)
			return bad(w, *at, e, "a quote without an end");
		int r = add_flag(w, *at, str_cstr(&text), k, i, e);
		if (r < 0)
			return r;
		*at += n;
	}
	return 0;
}

static int unknown(const struct work *w, size_t at, const char *word, struct err *e)
{
	scoped(strv) all = {0};
	scoped(str) upper = {0};

	for (const char *p = word; *p; p++)
		str_addc(&upper, (char)(*p >= 'a' && *p <= 'z' ? *p - 32 : *p));
	for (size_t k = 0; k < DF_KINDS; k++)
		strv_add(&all, kinds[k].name);
	bad(w, at, e, "unknown instruction \"%.60s\"", word);
	const char *near = strv_nearest(&all, str_cstr(&upper));
	if (near)
		return err_hint(e, "did you mean %s?", near);
	if (strchr("&|", *word))
		return err_hint(e, "the line before it does not end in %c", w->escape);
	return err_hint(e, "there are ADD, ARG, CMD, COPY, ENTRYPOINT, ENV, EXPOSE, FROM, "
			   "HEALTHCHECK, LABEL, MAINTAINER, ONBUILD, RUN, SHELL, STOPSIGNAL, USER, "
			   "VOLUME and WORKDIR");
}

static int instruction(struct work *w, size_t at, struct df_instr *ret, struct err *e);

static int sub(struct work *w, size_t at, struct df_instr *i, struct err *e)
{
	struct df_instr *s = arena_alloc(w->r->a, sizeof *s);
	size_t n = df_word(w->s, w->len, w->escape, &at);

	for (const char *const *k = (const char *const[]){"ONBUILD", "FROM", "MAINTAINER", NULL};
	     *k; k++)
		if (n == strlen(*k) && !strncasecmp(w->s + at, *k, n))
			return bad(w, at, e, "%s cannot follow ONBUILD", *k);
	i->sub = s;
	return n ? instruction(w, at, s, e) : missing(w, i, "an instruction", e);
}

static int arguments(struct work *w, size_t at, struct df_instr *i, struct err *e)
{
	static int (*const by_form[])(struct work * w, size_t at, struct df_instr * i,
				      struct err * e) = {
		[FORM_TEXT] = command, [FORM_JSON] = shell,    [FORM_LIST] = list,
		[FORM_WORDS] = words,  [FORM_ONE] = one,       [FORM_PAIRS] = pairs,
		[FORM_NAMES] = names,  [FORM_HEALTH] = health, [FORM_SUB] = sub,
	};
	int r = by_form[kinds[i->kind].form](w, at, i, e);

	return r == 0 && i->kind == DF_FROM ? from(w, at, i, e) : r;
}

static int instruction(struct work *w, size_t at, struct df_instr *i, struct err *e)
{
	size_t n, k = 0;

	while (at < w->len && df_is_blank(w->s[at]))
		at++;
	for (n = 0; at + n < w->len && !df_is_blank(w->s[at + n]);)
		n++;
	i->word = arena_strndup(w->r->a, w->s + at, n);
	while (k < DF_KINDS && strcasecmp(kinds[k].name, i->word) != 0)
		k++;
	if (k == DF_KINDS)
		return unknown(w, at, i->word, e);
	i->kind = (enum df_kind)k;
	i->text = i->whole = w->s + at;
	df_place(w->l, at, &i->line, &i->column);
	i->last_line = w->l->last_line;
	i->comment = w->l->comment;
	i->gap = w->l->gap;
	at += n;
	int r = flags(w, &at, &kinds[k], i, e);
	if (r < 0)
		return r;
	while (at < w->len && df_is_blank(w->s[at]))
		at++;
	i->rest = w->s + at;
	int line;
	df_place(w->l, at, &line, &i->column);
	return arguments(w, at, i, e);
}

/* What stands up to the line that ends a here-document. */
static int body(struct work *w, size_t at, bool chomp, struct df_heredoc *h, struct err *e)
{
	scoped(str) text = {0};
	size_t n, name = strlen(h->name);
	const char *p;

	while (df_read_raw(w->r, &p, &n)) {
		size_t tabs = 0, end = n;
		while (chomp && tabs < n && p[tabs] == '\t')
			tabs++;
		while (end > tabs && (p[end - 1] == '\n' || p[end - 1] == '\r'))
			end--;
		if (end - tabs == name && !memcmp(p + tabs, h->name, name)) {
			h->text = arena_strndup(w->r->a, str_cstr(&text), text.len);
			h->len = text.len;
			return 0;
		}
		str_addn(&text, p + tabs, n - tabs);
	}
	bad(w, at, e, "a here-document without its end");
	return err_hint(e, "it ends with a line that is \"%.60s\" and nothing else", h->name);
}

/* ADD, COPY and RUN that are no JSON lists: the bodies of all <<WORD of the line follow it. */
static int heredocs(struct work *w, struct df_instr *i, struct err *e)
{
	size_t at = (size_t)(i->rest - w->s);
	char quote = 0, escape = i->kind == DF_RUN ? '\\' : w->escape; /* of a shell */
	int all = 0;

	if (i->json || (i->kind != DF_ADD && i->kind != DF_COPY && i->kind != DF_RUN) ||
	    !strstr(i->rest, "<<"))
		return 0;
	/* who cannot tell where a quote ends cannot tell what stands in it */
	for (size_t k = at; k < w->len; k++) {
		char c = w->s[k];
		if (quote ? c == quote : (c == '"' || c == '\''))
			quote = quote ? 0 : c;
		else if (c == escape && quote != '\'' && k + 1 < w->len)
			k++;
	}
	if (quote)
		return 0;
	for (size_t n; (n = df_word(w->s, w->len, escape, &at)); at += n) {
		struct df_heredoc h = {0};
		bool chomp;
		all++;
		if (!heredoc_word(w->r->a, w->s + at, n, &chomp, &h))
			continue;
		int r = body(w, at, chomp, &h, e);
		if (r < 0)
			return r;
		*(struct df_heredoc *)bind_append(w->r->a, &i->heredocs, sizeof h) = h;
		if (i->heredocs.n > DF_MAX_WORDS)
			return bad(w, at, e, "more than %d here-documents", DF_MAX_WORDS);
	}
	i->only_heredoc = i->kind == DF_RUN && all == 1 && i->heredocs.n == 1;
	return 0;
}

/* The text of an instruction with its here-documents. */
static void join(struct arena *a, struct df_instr *i, const struct df_instr *from)
{
	const struct df_heredoc *h = from->heredocs.v;
	scoped(str) text = {0};

	if (!from->heredocs.n)
		return;
	str_add(&text, i->text);
	for (size_t k = 0; k < from->heredocs.n; k++) {
		str_addc(&text, '\n');
		str_addn(&text, h[k].text, h[k].len);
		str_add(&text, h[k].name);
	}
	i->whole = arena_strndup(a, text.s, text.len);
}

int df_instr_read(struct df_reader *r, struct df_line *l, struct df_instr *ret, struct err *e)
{
	struct work w = {
		.r = r,
		.l = l,
		.s = arena_strndup(r->a, str_cstr(&l->text), l->text.len),
		.len = l->text.len,
		.escape = r->d->escape ? r->d->escape : '\\',
	};
	int err = instruction(&w, 0, ret, e);

	if (err < 0)
		return err;
	struct df_instr *own = ret->sub ? (struct df_instr *)ret->sub : ret;
	err = heredocs(&w, own, e);
	join(r->a, ret, own);
	if (own != ret)
		join(r->a, own, own);
	ret->last_line = own->last_line = r->line > l->last_line ? r->line : l->last_line;
	return err;
}
