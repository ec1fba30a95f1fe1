/*
 * The file as a whole: it is checked for what no text has, then df_read() gives its logical lines, df_instr_read() makes an instruction of each, and stages are
 * noted on the way. What an instruction may take is known by the table in dockerfile_instr.c.
 */
#include "base/base.h"
#include "build/dockerfile.h"
#include "build/dockerfile_instr.h"

enum {
	EXCERPT_AROUND = 2,
	EXCERPT_MOST = 12,
	EXCERPT_WIDTH = 160,
};

/* What stands before the text must be no surprise later: NUL ends strings, and two bytes a letter are no Dockerfile. */
static int check_bytes(const char *text, size_t len, const char *name, struct err *e)
{
	const char *nul = memchr(text, 0, len);
	int line = 1;

	if (len > DF_MAX_BYTES)
		return err_fail(e, ERR_DOCKERFILE, "%s: more than %d MiB", name,
				DF_MAX_BYTES >> 20);
	if (!nul)
		return 0;
	const char *begin = text;
	for (const char *p; (p = memchr(begin, '\n', (size_t)(nul - begin))); begin = p + 1)
		line++;
	err_fail(e, ERR_DOCKERFILE, "%s:%d:%zu: a NUL byte", name, line, (size_t)(nul - begin) + 1);
	return len > 1 && ((uint8_t)text[0] >= 0xfe || !text[1])
		       ? err_hint(e, "the file is UTF-16: save it as UTF-8")
		       : -EINVAL;
}

/* Stage names: a letter, then letters, digits, "-", "_" and "."; in lower case from here on. */
static int stage_name(struct dockerfile *d, const struct df_instr *i, struct arena *a,
		      const char **ret, struct err *e)
{
	char *name = arena_strdup(a, i->words.v[2]);

	for (char *p = name; *p; p++)
		*p = (char)(*p >= 'A' && *p <= 'Z' ? *p + 32 : *p);
	*ret = name;
	if (*name >= 'a' && *name <= 'z' &&
	    !name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-_.")])
		return 0;
	err_fail(e, ERR_DOCKERFILE, "%s:%d:%d: \"%.60s\" is no name for a stage", d->name, i->line,
		 i->column, i->words.v[2]);
	return err_hint(e, "a letter, followed by letters, digits, \"-\", \"_\" and \".\"");
}

static int add_stage(struct dockerfile *d, const struct df_instr *i, struct arena *a, struct err *e)
{
	struct df_stage *s = bind_append(a, &d->stages, sizeof *s);

	s->base = i->words.v[0];
	s->platform = df_flag(i, "platform");
	s->from = d->instrs.n - 1;
	s->first = d->instrs.n;
	return i->words.n == 3 ? stage_name(d, i, a, &s->name, e) : 0;
}

static int note(struct dockerfile *d, const struct df_instr *i, size_t *pairs, struct arena *a,
		struct err *e)
{
	struct df_stage *s = d->stages.v;

	*pairs += i->pairs.n + (i->sub ? i->sub->pairs.n : 0);
	if (*pairs > DF_MAX_PAIRS)
		return err_fail(e, ERR_DOCKERFILE, "%s:%d:%d: more than %d variables and labels",
				d->name, i->line, i->column, DF_MAX_PAIRS);
	if (d->instrs.n > DF_MAX_INSTRUCTIONS)
		return err_fail(e, ERR_DOCKERFILE, "%s:%d:%d: more than %d instructions", d->name,
				i->line, i->column, DF_MAX_INSTRUCTIONS);
	if (i->kind == DF_FROM)
		return add_stage(d, i, a, e);
	if (d->stages.n) {
		s[d->stages.n - 1].n++;
		return 0;
	}
	if (i->kind != DF_ARG)
		return err_fail(e, ERR_DOCKERFILE,
				"%s:%d:1: %s before the first FROM: only ARG can stand there",
				d->name, i->line, df_kind_name(i->kind));
	d->n_global++;
	return 0;
}

/* A reader at the first byte of a copy of the text. */
static struct df_reader reader(struct dockerfile *d, const char *text, size_t len, const char *name,
			       struct arena *a)
{
	char *copy = arena_strndup(a, text, len);
	size_t bom = str_starts(copy, "\xef\xbb\xbf") ? 3 : 0;

	*d = (struct dockerfile){.name = arena_strdup(a, name), .text = copy, .len = len};
	return (struct df_reader){.d = d, .a = a, .at = copy + bom, .end = copy + len};
}

int dockerfile_parse(const char *text, size_t len, const char *name, struct arena *a,
		     struct dockerfile *d, struct err *e)
{
	scoped(df_line) l = {0};
	size_t pairs = 0;
	int r = check_bytes(text, len, name, e);

	if (r < 0)
		return r;
	struct df_reader in = reader(d, text, len, name, a);
	while ((r = df_read(&in, &l, e)) > 0) {
		struct df_instr *i = bind_append(a, &d->instrs, sizeof *i);
		r = df_instr_read(&in, &l, i, e);
		if (r == 0)
			r = note(d, i, &pairs, a, e);
		if (r < 0)
			return r;
	}
	d->escape = d->escape ? d->escape : '\\';
	if (r < 0 || d->stages.n)
		return r;
	return err_fail(e, ERR_DOCKERFILE,
			d->instrs.n ? "%s: there is no FROM" : "%s: there are no instructions",
			name);
}

int dockerfile_parse_one(const char *text, const char *what, struct arena *a, struct df_instr *ret,
			 struct err *e)
{
	struct dockerfile d;
	scoped(df_line) l = {0};
	int r = check_bytes(text, strlen(text), what, e);

	*ret = (struct df_instr){0};
	if (r < 0)
		return r;
	struct df_reader in = reader(&d, text, strlen(text), what, a);
	in.past_head = true;
	r = df_read(&in, &l, e);
	if (r == 0)
		return err_fail(e, ERR_DOCKERFILE, "%s: there is no instruction", what);
	if (r > 0)
		r = df_instr_read(&in, &l, ret, e);
	if (r == 0)
		r = df_read(&in, &l, e);
	return r > 0 ? err_fail(e, ERR_DOCKERFILE, "%s:%d:1: more than one instruction", what,
				l.line)
		     : r;
}

const char *df_command(const struct df_instr *i)
{
	return i->whole + (i->rest - i->text);
}

const char *df_flag(const struct df_instr *i, const char *name)
{
	const struct df_flag *f = i->flags.v;

	for (size_t k = i->flags.n; k-- > 0;)
		if (!strcmp(f[k].name, name))
			return f[k].value ? f[k].value : "";
	return NULL;
}

int df_flag_bool(const struct df_instr *i, const char *name)
{
	const char *value = df_flag(i, name);

	return value ? strcasecmp(value, "false") != 0 : -1;
}

static void excerpt_line(const char *p, size_t n, int line, bool marked, struct str *out)
{
	scoped(str) text = {0};
	bool cut = n > EXCERPT_WIDTH;

	while (n && (p[n - 1] == '\n' || p[n - 1] == '\r'))
		n--;
	for (size_t i = 0; i < n && i < EXCERPT_WIDTH; i++)
		if (p[i] == '\t')
			str_add(&text, "    ");
		else
			str_addc(&text, p[i]);
	/* not through the middle of a character */
	while (cut && text.len && ((uint8_t)text.s[text.len - 1] & 0xc0) == 0x80)
		text.len--;
	if (cut && text.len && (uint8_t)text.s[text.len - 1] >= 0xc0)
		text.len--;
	str_addf(out, "%s%5d |", marked ? " >" : "  ", line);
	if (text.len)
		str_addc(out, ' ');
	str_add_escaped(out, str_cstr(&text), text.len);
	str_add(out, cut ? "...\n" : "\n");
}

void dockerfile_excerpt(const struct dockerfile *d, int first, int last, struct str *out)
{
	const char *p = d->text, *end = d->text + d->len;
	int from = first - EXCERPT_AROUND, to = last + EXCERPT_AROUND;

	if (last - first >= EXCERPT_MOST)
		to = last;
	for (int line = 1; p < end && line <= to; line++) {
		const char *nl = memchr(p, '\n', (size_t)(end - p)), *next = nl ? nl + 1 : end;
		bool shown = line >= from &&
			     (line < first + EXCERPT_MOST - 2 || line >= last || to != last);
		if (shown)
			excerpt_line(p, (size_t)(next - p), line, line >= first && line <= last,
				     out);
		else if (line == first + EXCERPT_MOST - 2)
			str_add(out, "        ...\n");
		p = next;
	}
}
