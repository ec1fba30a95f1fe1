#include "base/base.h"
#include "cli/format.h"
#include "data/template.h"

enum { GAP = 3 };

/* Measures and prints one table: the text twice, first for the widths of the columns. */
static size_t cell_columns(const char *s, size_t n)
{
	autofree char *cell = xstrndup(s, n);

	return output_columns(cell);
}

void format_columns(struct str *out, const char *text)
{
	size_t widths[64] = {0};

	for (const char *s = text; *s;) {
		for (size_t col = 0; *s && *s != '\n'; col++) {
			size_t n = strcspn(s, "\t\n"), w = cell_columns(s, n);
			if (s[n] == '\t' && col < countof(widths) && w > widths[col])
				widths[col] = w;
			s += n + (s[n] == '\t');
		}
		s += *s == '\n';
	}
	for (const char *s = text; *s;) {
		for (size_t col = 0; *s && *s != '\n'; col++) {
			size_t n = strcspn(s, "\t\n"), w = cell_columns(s, n);
			str_addn(out, s, n);
			if (s[n] == '\t' && col < countof(widths))
				str_addf(out, "%*s", (int)(widths[col] - w + GAP), "");
			s += n + (s[n] == '\t');
		}
		str_addc(out, '\n');
		s += *s == '\n';
	}
}

/* A copy of an object's values with every text made harmless, for cells. Tabs would break the columns. */
static const struct json *harmless(struct arena *a, const struct json *v)
{
	scoped(str) b = {0};

	if (v->type == JSON_STR) {
		str_add_escaped(&b, v->s, strlen(v->s));
		return json_new_str(a, str_cstr(&b));
	}
	if (v->type == JSON_ARR) {
		struct json *copy = json_new(a, JSON_ARR);
		for (size_t i = 0; i < v->arr.n; i++)
			json_add(a, copy, (struct json *)harmless(a, v->arr.v[i]));
		return copy;
	}
	if (v->type != JSON_OBJ)
		return v;
	struct json *copy = json_new(a, JSON_OBJ);
	for (size_t i = 0; i < v->obj.n; i++)
		json_set(a, copy, v->obj.v[i].key, (struct json *)harmless(a, v->obj.v[i].value));
	return copy;
}

static int print_table(struct cli *c, const struct format_list *f, const char *columns,
		       bool heading, const struct json *fields, struct err *e)
{
	scoped(str) text = {0}, aligned = {0};
	struct template *t = template_parse(&c->arena, columns, e);

	if (!t)
		return -EINVAL;
	if (heading) {
		int r = template_headline(t, f->headers, &c->arena, &text, e);
		if (r < 0)
			return r;
		str_addc(&text, '\n');
	}
	for (size_t i = 0; i < fields->arr.n; i++) {
		const struct json *row = harmless(&c->arena, fields->arr.v[i]);
		int r = template_run(t, row, &c->arena, &text, e);
		if (r < 0)
			return r;
		str_addc(&text, '\n');
	}
	format_columns(&aligned, str_cstr(&text));
	out_bytes(&c->out, aligned.s, aligned.len);
	return 0;
}

/* docker's JSON Lines: the fields it has, all values as texts. */
static void print_docker_lines(struct cli *c, const struct format_list *f,
			       const struct json *fields)
{
	for (size_t i = 0; i < fields->arr.n; i++) {
		const struct json *row = fields->arr.v[i];
		struct json *line = json_new(&c->arena, JSON_OBJ);
		for (size_t k = 0; k < row->obj.n; k++) {
			const char *key = row->obj.v[k].key;
			scoped(str) value = {0};
			if (f->json_fields && !opt_word_in(f->json_fields, key, strlen(key)))
				continue;
			template_print(&value, row->obj.v[k].value);
			json_set_str(&c->arena, line, key, str_cstr(&value));
		}
		scoped(str) text = {0};
		json_write(&text, line, 0);
		str_addc(&text, '\n');
		out_bytes(&c->out, text.s, text.len);
	}
}

static void print_json(struct cli *c, const struct json *v, int indent)
{
	scoped(str) text = {0};

	json_write(&text, v, indent);
	str_addc(&text, '\n');
	out_bytes(&c->out, text.s, text.len);
}

static int print_each(struct cli *c, const char *format, const struct json *list, struct err *e)
{
	struct template *t = template_parse(&c->arena, format, e);

	if (!t)
		return -EINVAL;
	for (size_t i = 0; i < list->arr.n; i++) {
		scoped(str) text = {0};
		int r = template_run(t, list->arr.v[i], &c->arena, &text, e);
		if (r < 0)
			return r;
		str_addc(&text, '\n');
		out_bytes(&c->out, text.s, text.len);
	}
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

int format_list(struct cli *c, const struct format_list *f, const char *format, bool heading,
		const struct json *fields, const struct json *objects, struct err *e)
{
	if (!format || !strcmp(format, "table"))
		return print_table(c, f, f->columns, heading, fields, e);
	if (str_starts(format, "table ") || str_starts(format, "table\t") ||
	    str_starts(format, "table\\t")) {
		const char *columns = format + 5 + (format[5] == '\\') + 1;
		if (c->called != CALLED_DOCKER)
			columns = blanks_to_tabs(&c->arena, columns);
		return print_table(c, f, columns, heading, fields, e);
	}
	if (strcmp(format, "json"))
		return print_each(c, format, fields, e);
	if (c->called == CALLED_DOCKER)
		print_docker_lines(c, f, fields);
	else
		print_json(c, objects, 4);
	return 0;
}

int format_objects(struct cli *c, const char *format, const struct json *list, struct err *e)
{
	struct json *one = json_new(&c->arena, JSON_ARR);

	if (!format || !*format || !strcmp(format, "json")) {
		print_json(c, list, c->called == CALLED_DOCKER && !str_is_empty(format) ? 0 : 4);
		return 0;
	}
	if (list->type == JSON_ARR)
		return print_each(c, format, list, e);
	json_add(&c->arena, one, (struct json *)list);
	return print_each(c, format, one, e);
}
