#include "base/base.h"
#include "cli/format.h"
#include "data/table.h"
#include "sys/tty.h"
#include "data/template.h"

enum { INDENT = 4 };

/* ---- tables ---- */

static bool is_plain(const char *s)
{
	while (*s >= ' ' && *s <= '~')
		s++;
	return !*s;
}

/* Is there nothing in the value that harmless() would change? */
static bool is_harmless(const struct json *v)
{
	bool ok = v->type != JSON_STR || is_plain(v->s);

	for (size_t i = 0; v->type == JSON_ARR && ok && i < v->arr.n; i++)
		ok = is_harmless(v->arr.v[i]);
	for (size_t i = 0; v->type == JSON_OBJ && ok && i < v->obj.n; i++)
		ok = is_plain(v->obj.v[i].key) && is_harmless(v->obj.v[i].value);
	return ok;
}

/* A copy of a value with every text made harmless, so that tabs and newlines in it do not look like ends of cells. What is
 * harmless already, as most is, is not copied. */
static struct json *harmless(struct arena *a, const struct json *v)
{
	scoped(str) b = {0};
	struct json *copy;

	if (is_harmless(v))
		return (struct json *)v;
	if (v->type == JSON_STR) {
		str_add_escaped(&b, v->s, strlen(v->s));
		return json_new_str(a, str_cstr(&b));
	}
	if (v->type == JSON_ARR) {
		copy = json_new(a, JSON_ARR);
		for (size_t i = 0; i < v->arr.n; i++)
			json_add(a, copy, harmless(a, v->arr.v[i]));
		return copy;
	}
	copy = json_new(a, JSON_OBJ);
	for (size_t i = 0; i < v->obj.n; i++) {
		str_reset(&b);
		str_add_escaped(&b, v->obj.v[i].key, strlen(v->obj.v[i].key));
		json_set(a, copy, str_cstr(&b), harmless(a, v->obj.v[i].value));
	}
	return copy;
}

/* The terminal's width, for the default table; 0: as wide as it is. */
static size_t width(const struct cli *c, const char *format)
{
	struct winsize ws;
	bool cut = str_is_empty(format) && tty_size(1, &ws) && !cli_given(c, "no-trunc");

	return cut ? ws.ws_col : 0;
}

static int print_table(struct cli *c, const struct format_list *f, const struct template *t,
		       size_t most, bool heading, const struct json *fields, struct err *e)
{
	scoped(str) text = {0}, aligned = {0};
	int r;

	if (heading) {
		if ((r = template_headline(t, f->headers, &c->arena, &text, e)) < 0)
			return r;
		str_addc(&text, '\n');
	}
	for (size_t i = 0; i < fields->arr.n; i++) {
		const struct json *row = harmless(&c->arena, fields->arr.v[i]);
		if ((r = template_run(t, row, &c->arena, &text, e)) < 0)
			return r;
		str_addc(&text, '\n');
	}
	table_align(&aligned, str_cstr(&text),
		    c->called == CALLED_DOCKER ? &table_docker : &table_podman, most);
	out_bytes(&c->out, aligned.s, aligned.len);
	return 0;
}

/* podman lets a blank between two fields of a table separate its columns. */
static const char *blanks_to_tabs(struct arena *a, const char *columns)
{
	char *s = arena_strdup(a, columns);

	for (char *p = s; (p = strstr(p, "}} {{")); p += 3)
		p[2] = '\t';
	return s;
}

/* What follows "table" in a format, or NULL if it is no table; the default columns if nothing follows. */
static const char *table_columns(struct cli *c, const struct format_list *f, const char *format)
{
	if (str_is_empty(format) || !strcmp(format, "table"))
		return f->columns;
	if (!str_starts(format, "table"))
		return NULL;
	const char *rest = format + 5;
	if (str_starts(rest, "\\t"))
		rest += 2;
	else if (*rest == ' ' || *rest == '\t')
		rest++;
	else
		return NULL;
	return c->called == CALLED_DOCKER ? rest : blanks_to_tabs(&c->arena, rest);
}

/* ---- JSON ---- */

static void print_json(struct cli *c, const struct json *v, int indent)
{
	scoped(str) text = {0};

	json_write(&text, v, indent);
	str_addc(&text, '\n');
	out_bytes(&c->out, text.s, text.len);
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* All values are texts for docker: lists as a,b and maps as k=v,l=w. */
static void docker_text(struct str *out, struct arena *a, const struct json *v)
{
	bool obj = v->type == JSON_OBJ;
	size_t n = obj ? v->obj.n : v->type == JSON_ARR ? v->arr.n : 0;

	if (v->type == JSON_NULL)
		return;
	if (v->type != JSON_ARR && !obj) {
		template_print(out, v);
		return;
	}
	autofree const char **parts = xcalloc(n + 1, sizeof *parts);
	for (size_t i = 0; i < n; i++) {
		scoped(str) b = {0};
		if (obj)
			str_addf(&b, "%s=", v->obj.v[i].key);
		template_print(&b, obj ? v->obj.v[i].value : v->arr.v[i]);
		parts[i] = arena_strdup(a, str_cstr(&b));
	}
	if (obj)
		qsort(parts, n, sizeof *parts, by_text);
	for (size_t i = 0; i < n; i++) {
		str_add(out, i ? "," : "");
		str_add(out, parts[i]);
	}
}

/* One of docker's JSON Lines: the fields it has, in the order of their names as Go writes a map. */
static struct json *docker_object(struct arena *a, const struct format_list *f,
				  const struct json *row)
{
	struct json *line = json_new(a, JSON_OBJ);
	autofree const char **keys = xcalloc(row->obj.n + 1, sizeof *keys);
	size_t n = 0;

	for (size_t k = 0; k < row->obj.n; k++) {
		const char *key = row->obj.v[k].key;
		if (!f->json_fields || opt_word_in(f->json_fields, key, strlen(key)))
			keys[n++] = key;
	}
	qsort(keys, n, sizeof *keys, by_text);
	for (size_t k = 0; k < n; k++) {
		scoped(str) value = {0};
		docker_text(&value, a, json_get(row, keys[k]));
		json_set_str(a, line, keys[k], str_cstr(&value));
	}
	return line;
}

static void print_lines(struct cli *c, const struct format_list *f, const struct json *fields,
			const struct json *objects)
{
	bool docker = c->called == CALLED_DOCKER;
	const struct json *list = docker ? fields : objects;

	for (size_t i = 0; i < list->arr.n; i++) {
		const struct json *v = list->arr.v[i];
		print_json(c, docker ? docker_object(&c->arena, f, v) : v, 0);
	}
}

/* ---- templates ---- */

/* True if the format is one action made of these words and nothing else, or begins with it if more may follow. */
static bool is_action(const char *format, const char *const *words, bool more)
{
	const char *s = format;

	if (!str_starts(s, "{{"))
		return false;
	s += 2 + (s[2] == '-');
	for (; *words; words++) {
		s += strspn(s, " \t");
		if (!str_starts(s, *words))
			return false;
		s += strlen(*words);
	}
	s += strspn(s, " \t");
	s += *s == '-';
	return str_starts(s, "}}") && (more || !s[2]);
}

static int check_fields(struct cli *c, const struct template *t, const struct json *sample,
			bool all, struct err *e)
{
	struct json *list = json_new(&c->arena, JSON_ARR);

	if (!all)
		return template_check(t, sample, e);
	json_add(&c->arena, list, (struct json *)sample);
	return template_check(t, list, e);
}

/* Each expansion ends its line. podman takes a newline that the template ends in for it, docker adds one. */
static int print_each(struct cli *c, const struct template *t, const char *format,
		      const struct json *const *items, size_t n, struct err *e)
{
	bool ends = str_ends(format, "\n") || str_ends(format, "\\n");
	scoped(str) text = {0};

	for (size_t i = 0; i < n; i++) {
		int r = template_run(t, items[i], &c->arena, &text, e);
		if (r < 0)
			return r;
		if (!ends || c->called == CALLED_DOCKER)
			str_addc(&text, '\n');
	}
	out_bytes(&c->out, text.s, text.len);
	return 0;
}

static const char *const json_all[] = {"json", ".", NULL};

bool format_wants_facts(const struct cli *c, const char *format)
{
	return format && c->called != CALLED_DOCKER &&
	       (!strcmp(format, "json") || is_action(format, json_all, false));
}

int format_list(struct cli *c, const struct format_list *f, const char *format, bool heading,
		const struct json *sample, const struct json *fields, const struct json *objects,
		struct err *e)
{
	static const char *const range_all[] = {"range", ".", NULL};
	const char *columns = table_columns(c, f, format);

	if (!objects)
		objects = fields;
	if (!columns && !strcmp(format, "json") && c->called != CALLED_DOCKER) {
		print_json(c, objects, INDENT);
		return 0;
	}
	if (!columns && (!strcmp(format, "json") || is_action(format, json_all, false))) {
		print_lines(c, f, fields, objects);
		return 0;
	}
	struct template *t = template_parse(&c->arena, columns ? columns : format, e);
	if (!t)
		return -EINVAL;
	bool all = !columns && c->called != CALLED_DOCKER && is_action(format, range_all, true);
	int r = check_fields(c, t, sample, all, e);
	if (r < 0)
		return r;
	if (all)
		return print_each(c, t, format, &fields, 1, e);
	if (columns)
		return print_table(c, f, t, width(c, format), heading, fields, e);
	return print_each(c, t, format, (const struct json *const *)fields->arr.v, fields->arr.n,
			  e);
}

int format_objects(struct cli *c, const char *format, const struct json *list, struct err *e)
{
	if (str_is_empty(format) || !strcmp(format, "json")) {
		print_json(c, list, c->called == CALLED_DOCKER && format && *format ? 0 : INDENT);
		return 0;
	}
	struct template *t = template_parse(&c->arena, format, e);
	if (!t)
		return -EINVAL;
	if (list->type != JSON_ARR)
		return print_each(c, t, format, &list, 1, e);
	return print_each(c, t, format, (const struct json *const *)list->arr.v, list->arr.n, e);
}
