/* The functions of text/template, and the eight of docker and podman (docker/cli templates/templates.go). */
#include "base/base.h"
#include "data/template_ast.h"

static const char *text_of(struct val v)
{
	return v.j && v.j->type == JSON_STR ? v.j->s : NULL;
}

static int wrong(struct run *r, struct pos pos, const char *func, struct val v, const char *wanted)
{
	return template_fail(r->e, pos, "%s needs %s, not %s", func, wanted,
			     v.j ? json_type_name(v.j->type) : "no value");
}

static int give_json(const struct json *j, struct val *ret)
{
	*ret = (struct val){j, false};
	return 0;
}

static int give_bool(struct run *r, bool b, struct val *ret)
{
	return give_json(json_new_bool(r->a, b), ret);
}

static int give(struct run *r, struct pos pos, const struct str *b, struct val *ret)
{
	return template_str(r, pos, b->s, b->len, ret);
}

/* A whole number that an index or a length may be. */
static int get_int(struct run *r, struct pos pos, const char *func, struct val v, size_t max,
		   size_t *ret)
{
	if (!v.j || v.j->type != JSON_INT)
		return wrong(r, pos, func, v, "a whole number");
	if (v.j->i < 0 || (uint64_t)v.j->i > max)
		return template_fail(r->e, pos, "%s: %" PRId64 " is out of range", func, v.j->i);
	*ret = (size_t)v.j->i;
	return 0;
}

/* ---- logic and comparison ---- */

static int fn_not(struct run *r, struct pos pos, const struct val *args, size_t n, struct val *ret)
{
	return give_bool(r, !template_truth(args[0]), ret);
}

static bool is_number(const struct json *j)
{
	return j->type == JSON_INT || j->type == JSON_DOUBLE;
}

static int compare_numbers(const struct json *a, const struct json *b)
{
	if (a->type == JSON_INT && b->type == JSON_INT)
		return (a->i > b->i) - (a->i < b->i);
	double x = a->type == JSON_INT ? (double)a->i : a->d;
	double y = b->type == JSON_INT ? (double)b->i : b->d;
	return (x > y) - (x < y);
}

static int equal(struct run *r, struct pos pos, const char *func, struct val a, struct val b,
		 bool *ret)
{
	enum json_type s = a.j ? a.j->type : JSON_NULL, t = b.j ? b.j->type : JSON_NULL;

	*ret = false;
	if (s == JSON_NULL || t == JSON_NULL) {
		*ret = s == t;
		return 0;
	}
	if (s >= JSON_ARR || t >= JSON_ARR)
		return template_fail(r->e, pos, "%s cannot compare %s with %s", func,
				     json_type_name(s), json_type_name(t));
	if (is_number(a.j) && is_number(b.j))
		*ret = compare_numbers(a.j, b.j) == 0;
	else if (s != t)
		return template_fail(r->e, pos, "%s cannot compare %s with %s", func,
				     json_type_name(s), json_type_name(t));
	else
		*ret = s == JSON_BOOL ? a.j->b == b.j->b : !strcmp(a.j->s, b.j->s);
	return 0;
}

/* True if the first is equal to any other one. */
static int fn_eq(struct run *r, struct pos pos, const struct val *args, size_t n, struct val *ret)
{
	bool same = false;

	for (size_t i = 1; i < n && !same; i++) {
		int err = equal(r, pos, "eq", args[0], args[i], &same);
		if (err < 0)
			return err;
	}
	return give_bool(r, same, ret);
}

static int fn_ne(struct run *r, struct pos pos, const struct val *args, size_t n, struct val *ret)
{
	bool same;
	int err = equal(r, pos, "ne", args[0], args[1], &same);

	return err < 0 ? err : give_bool(r, !same, ret);
}

static int order(struct run *r, struct pos pos, const char *func, const struct val *v, int *ret)
{
	if (v[0].j && v[1].j && is_number(v[0].j) && is_number(v[1].j))
		*ret = compare_numbers(v[0].j, v[1].j);
	else if (text_of(v[0]) && text_of(v[1]))
		*ret = strcmp(text_of(v[0]), text_of(v[1]));
	else
		return template_fail(r->e, pos, "%s cannot compare %s with %s", func,
				     json_type_name(v[0].j ? v[0].j->type : JSON_NULL),
				     json_type_name(v[1].j ? v[1].j->type : JSON_NULL));
	return 0;
}

static int fn_lt(struct run *r, struct pos pos, const struct val *args, size_t n, struct val *ret)
{
	int c = 0, err = order(r, pos, "lt", args, &c);

	return err < 0 ? err : give_bool(r, c < 0, ret);
}

static int fn_le(struct run *r, struct pos pos, const struct val *args, size_t n, struct val *ret)
{
	int c = 0, err = order(r, pos, "le", args, &c);

	return err < 0 ? err : give_bool(r, c <= 0, ret);
}

static int fn_gt(struct run *r, struct pos pos, const struct val *args, size_t n, struct val *ret)
{
	int c = 0, err = order(r, pos, "gt", args, &c);

	return err < 0 ? err : give_bool(r, c > 0, ret);
}

static int fn_ge(struct run *r, struct pos pos, const struct val *args, size_t n, struct val *ret)
{
	int c = 0, err = order(r, pos, "ge", args, &c);

	return err < 0 ? err : give_bool(r, c >= 0, ret);
}

/* and, or: the executor looks at one argument after the other itself. */
static int fn_logic(struct run *r, struct pos pos, const struct val *args, size_t n,
		    struct val *ret)
{
	return template_fail(r->e, pos, "and, or need an argument");
}

static int fn_call(struct run *r, struct pos pos, const struct val *args, size_t n, struct val *ret)
{
	return wrong(r, pos, "call", args[0], "a function");
}

/* ---- parts of values ---- */

static int fn_len(struct run *r, struct pos pos, const struct val *args, size_t n, struct val *ret)
{
	const struct json *j = args[0].j;
	size_t len;

	if (text_of(args[0]))
		len = strlen(j->s);
	else if (j && j->type == JSON_ARR)
		len = j->arr.n;
	else if (j && j->type == JSON_OBJ)
		len = j->obj.n;
	else
		return wrong(r, pos, "len", args[0], "a string, an array or a map");
	return give_json(json_new_int(r->a, (int64_t)len), ret);
}

/* What Go gives for a key that a map does not have: the zero value, which for a map of strings is "". */
static int missing_key(struct run *r, const struct json *obj, struct val *ret)
{
	for (size_t i = 0; i < obj->obj.n; i++) {
		if (obj->obj.v[i].value->type != JSON_STR) {
			*ret = (struct val){0};
			return 0;
		}
	}
	return give_json(json_new_str(r->a, ""), ret);
}

static int index_one(struct run *r, struct pos pos, struct val v, struct val at, struct val *ret)
{
	size_t i = 0;
	int err;

	if (v.j && v.j->type == JSON_OBJ) {
		if (!text_of(at))
			return wrong(r, pos, "index of a map", at, "a string");
		const struct json *j = json_get(v.j, text_of(at));
		return j ? give_json(j, ret) : missing_key(r, v.j, ret);
	}
	if (v.j && v.j->type == JSON_ARR) {
		if ((err = get_int(r, pos, "index", at, v.j->arr.n, &i)) < 0)
			return err;
		if (i == v.j->arr.n)
			return template_fail(r->e, pos, "index: %zu is out of range", i);
		return give_json(v.j->arr.v[i], ret);
	}
	if (!text_of(v))
		return wrong(r, pos, "index", v, "an array, a map or a string");
	size_t len = strlen(v.j->s);
	if ((err = get_int(r, pos, "index", at, len, &i)) < 0)
		return err;
	if (i == len)
		return template_fail(r->e, pos, "index: %zu is out of range", i);
	return give_json(json_new_int(r->a, (unsigned char)v.j->s[i]), ret);
}

static int fn_index(struct run *r, struct pos pos, const struct val *args, size_t n,
		    struct val *ret)
{
	*ret = args[0];
	for (size_t i = 1; i < n; i++) {
		int err = index_one(r, pos, *ret, args[i], ret);
		if (err < 0)
			return err;
	}
	return 0;
}

static int fn_slice(struct run *r, struct pos pos, const struct val *args, size_t n,
		    struct val *ret)
{
	const struct json *j = args[0].j;
	bool text = text_of(args[0]) != NULL;

	if (!text && (!j || j->type != JSON_ARR))
		return wrong(r, pos, "slice", args[0], "a string or an array");
	if (text && n == 4)
		return template_fail(r->e, pos, "slice of a string takes at most two numbers");
	size_t len = text ? strlen(j->s) : j->arr.n, at[3] = {0, len, len};
	for (size_t i = 1; i < n; i++) {
		int err = get_int(r, pos, "slice", args[i], len, &at[i - 1]);
		if (err < 0)
			return err;
	}
	if (at[0] > at[1] || at[1] > at[2])
		return template_fail(r->e, pos, "slice: the numbers are in the wrong order");
	if (text)
		return template_str(r, pos, j->s + at[0], at[1] - at[0], ret);
	struct json *part = json_new(r->a, JSON_ARR);
	part->arr.v = j->arr.v ? j->arr.v + at[0] : NULL;
	part->arr.n = at[1] - at[0];
	return give_json(part, ret);
}

/* ---- printing and escaping ---- */

static int fn_print(struct run *r, struct pos pos, const struct val *args, size_t n,
		    struct val *ret)
{
	scoped(str) b = {0};

	template_sprint(&b, args, n, false);
	return give(r, pos, &b, ret);
}

static int fn_println(struct run *r, struct pos pos, const struct val *args, size_t n,
		      struct val *ret)
{
	scoped(str) b = {0};

	template_sprint(&b, args, n, true);
	return give(r, pos, &b, ret);
}

static int fn_printf(struct run *r, struct pos pos, const struct val *args, size_t n,
		     struct val *ret)
{
	scoped(str) b = {0};

	if (!text_of(args[0]))
		return wrong(r, pos, "printf", args[0], "a format string");
	template_printf(&b, args[0].j->s, args + 1, n - 1);
	return give(r, pos, &b, ret);
}

/* What html, js and urlquery escape: like print, but nothing is "<no value>". */
static void plain_text(struct str *out, const struct val *args, size_t n)
{
	static const struct json none = {.type = JSON_STR, .s = "<no value>"};
	autofree struct val *copy = xcalloc(n, sizeof *copy);

	for (size_t i = 0; i < n; i++) {
		copy[i] = args[i];
		if (!args[i].j || args[i].j->type == JSON_NULL)
			copy[i].j = &none;
	}
	template_sprint(out, copy, n, false);
}

static int fn_html(struct run *r, struct pos pos, const struct val *args, size_t n, struct val *ret)
{
	static const char from[] = "<>&\"'";
	static const char *const to[] = {"&lt;", "&gt;", "&amp;", "&#34;", "&#39;"};
	scoped(str) in = {0};
	scoped(str) b = {0};

	plain_text(&in, args, n);
	for (const char *s = str_cstr(&in); *s; s++) {
		const char *p = strchr(from, *s);
		if (p)
			str_add(&b, to[p - from]);
		else
			str_addc(&b, *s);
	}
	return give(r, pos, &b, ret);
}

static int fn_js(struct run *r, struct pos pos, const struct val *args, size_t n, struct val *ret)
{
	scoped(str) in = {0};
	scoped(str) b = {0};
	uint32_t c;

	plain_text(&in, args, n);
	for (size_t i = 0; i < in.len;) {
		size_t len = str_utf8_next(in.s + i, in.len - i, &c);
		if (len == 1 && strchr("\\'\"", (int)c))
			str_addf(&b, "\\%c", (int)c);
		else if (len && ((c < 0x80 && strchr("<>&=", (int)c)) || c < 0x20 || c == 0x2028 ||
				 c == 0x2029))
			str_addf(&b, "\\u%04X", c);
		else
			str_addn(&b, in.s + i, len ? len : 1);
		i += len ? len : 1;
	}
	return give(r, pos, &b, ret);
}

static int fn_urlquery(struct run *r, struct pos pos, const struct val *args, size_t n,
		       struct val *ret)
{
	scoped(str) in = {0};
	scoped(str) b = {0};

	plain_text(&in, args, n);
	for (const char *s = str_cstr(&in); *s; s++) {
		bool plain = (*s >= 'a' && *s <= 'z') || (*s >= 'A' && *s <= 'Z') ||
			     (*s >= '0' && *s <= '9') || strchr("-_.~", *s);
		if (*s == ' ')
			str_addc(&b, '+');
		else if (plain)
			str_addc(&b, *s);
		else
			str_addf(&b, "%%%02X", (unsigned char)*s);
	}
	return give(r, pos, &b, ret);
}

/* ---- docker's and podman's own ---- */

static int fn_json(struct run *r, struct pos pos, const struct val *args, size_t n, struct val *ret)
{
	scoped(str) b = {0};

	json_write(&b, args[0].j, 0);
	return give(r, pos, &b, ret);
}

static int fn_split(struct run *r, struct pos pos, const struct val *args, size_t n,
		    struct val *ret)
{
	const char *s = text_of(args[0]), *sep = text_of(args[1]);
	struct json *arr = json_new(r->a, JSON_ARR);
	struct val piece;
	uint32_t c;

	if (!s || !sep)
		return wrong(r, pos, "split", s ? args[1] : args[0], "a string");
	for (size_t len = strlen(s);;) {
		const char *end = *sep ? strstr(s, sep) : NULL;
		size_t part = end ? (size_t)(end - s) : len;
		if (!*sep && len) { /* between all characters */
			part = str_utf8_next(s, len, &c);
			part = part ? part : 1;
		}
		bool last = *sep ? !end : part == len;
		if (!*sep && !len)
			break;
		int err = template_str(r, pos, s, part, &piece);
		if (err < 0)
			return err;
		json_add(r->a, arr, (struct json *)piece.j);
		if (last)
			break;
		s += part + strlen(sep);
		len -= part + strlen(sep);
	}
	return give_json(arr, ret);
}

static int fn_join(struct run *r, struct pos pos, const struct val *args, size_t n, struct val *ret)
{
	const struct json *j = args[0].j;
	scoped(str) b = {0};

	if (j && j->type != JSON_ARR && j->type != JSON_NULL)
		return wrong(r, pos, "join", args[0], "an array");
	if (!text_of(args[1]))
		return wrong(r, pos, "join", args[1], "a string");
	for (size_t i = 0; j && j->type == JSON_ARR && i < j->arr.n; i++) {
		if (i)
			str_add(&b, text_of(args[1]));
		template_print(&b, j->arr.v[i]);
		if (b.len > 64 << 20)
			break;
	}
	return give(r, pos, &b, ret);
}

/* Upper and lower case of the alphabets that have it most: Latin, Greek, Cyrillic. */
static uint32_t to_case(uint32_t c, bool up)
{
	static const struct {
		uint32_t first, last; /* of the lower-case letters */
		uint32_t off;	      /* to the upper-case ones */
	} rows[] = {{'a', 'z', 32},	{0xe0, 0xf6, 32},   {0xf8, 0xfe, 32},  {0x3b1, 0x3c1, 32},
		    {0x3c3, 0x3c9, 32}, {0x430, 0x44f, 32}, {0x450, 0x45f, 80}};

	for (size_t i = 0; i < countof(rows); i++) {
		if (up && c >= rows[i].first && c <= rows[i].last)
			return c - rows[i].off;
		if (!up && c >= rows[i].first - rows[i].off && c <= rows[i].last - rows[i].off)
			return c + rows[i].off;
	}
	/* ÿ, µ and ſ have their capitals elsewhere; the dotless and the dotted i meet the plain ones. */
	static const uint32_t ups[][2] = {{0xff, 0x178}, {0xb5, 0x39c}, {0x17f, 'S'}, {0x131, 'I'}};
	for (size_t i = 0; up && i < countof(ups); i++)
		if (c == ups[i][0])
			return ups[i][1];
	if (!up && (c == 0x178 || c == 0x130))
		return c == 0x178 ? 0xff : 'i';
	bool odd_up = (c >= 0x139 && c <= 0x148) || (c >= 0x179 && c <= 0x17e);
	bool even_up = (c >= 0x100 && c <= 0x137 && c != 0x130 && c != 0x131) ||
		       (c >= 0x14a && c <= 0x177);
	if (!odd_up && !even_up)
		return c;
	bool is_up = (c & 1) == odd_up;
	return is_up == up ? c : up ? c - 1 : c + 1;
}

static void add_rune(struct str *b, uint32_t c)
{
	if (c < 0x80) {
		str_addc(b, (char)c);
	} else {
		str_addc(b, (char)(0xc0 | c >> 6));
		str_addc(b, (char)(0x80 | (c & 0x3f)));
	}
}

/* first_only: of each word. strings.Title takes letters, digits and _ for parts of words. */
static int change_case(struct run *r, struct pos pos, const char *func, struct val v, bool up,
		       bool first_only, struct val *ret)
{
	const char *s = text_of(v);
	scoped(str) b = {0};
	bool inside = false;
	uint32_t c;

	if (!s)
		return wrong(r, pos, func, v, "a string");
	for (size_t len = strlen(s), i = 0; i < len;) {
		size_t n = str_utf8_next(s + i, len - i, &c);
		bool letter = n > 1 || (n && (c == '_' || (c >= '0' && c <= '9') ||
					      ((c | 0x20) >= 'a' && (c | 0x20) <= 'z')));
		uint32_t changed = n && !(first_only && inside) ? to_case(c, up) : c;
		if (n && changed != c)
			add_rune(&b, changed);
		else
			str_addn(&b, s + i, n ? n : 1);
		inside = letter;
		i += n ? n : 1;
	}
	return give(r, pos, &b, ret);
}

static int fn_title(struct run *r, struct pos pos, const struct val *args, size_t n,
		    struct val *ret)
{
	return change_case(r, pos, "title", args[0], true, true, ret);
}

static int fn_lower(struct run *r, struct pos pos, const struct val *args, size_t n,
		    struct val *ret)
{
	return change_case(r, pos, "lower", args[0], false, false, ret);
}

static int fn_upper(struct run *r, struct pos pos, const struct val *args, size_t n,
		    struct val *ret)
{
	return change_case(r, pos, "upper", args[0], true, false, ret);
}

static int fn_pad(struct run *r, struct pos pos, const struct val *args, size_t n, struct val *ret)
{
	const char *s = text_of(args[0]);
	size_t before = 0, after = 0;
	scoped(str) b = {0};
	int err;

	if (!s)
		return wrong(r, pos, "pad", args[0], "a string");
	if ((err = get_int(r, pos, "pad", args[1], 10000, &before)) < 0 ||
	    (err = get_int(r, pos, "pad", args[2], 10000, &after)) < 0)
		return err;
	if (*s)
		str_addf(&b, "%*s%s%*s", (int)before, "", s, (int)after, "");
	return give(r, pos, &b, ret);
}

/* Bytes, as docker counts them, but never half a character. */
static int fn_truncate(struct run *r, struct pos pos, const struct val *args, size_t n,
		       struct val *ret)
{
	const char *s = text_of(args[0]);
	size_t max = 0;
	int err;

	if (!s)
		return wrong(r, pos, "truncate", args[0], "a string");
	if ((err = get_int(r, pos, "truncate", args[1], SIZE_MAX / 2, &max)) < 0)
		return err;
	size_t len = strlen(s);
	if (len > max) {
		for (len = max; len && ((unsigned char)s[len] & 0xc0) == 0x80;)
			len--;
	}
	return template_str(r, pos, s, len, ret);
}

static const struct template_func funcs[] = {
	{"and", 1, -1, fn_logic},
	{"call", 1, -1, fn_call},
	{"eq", 2, -1, fn_eq},
	{"ge", 2, 2, fn_ge},
	{"gt", 2, 2, fn_gt},
	{"html", 0, -1, fn_html},
	{"index", 1, -1, fn_index, true},
	{"join", 2, 2, fn_join, true},
	{"js", 0, -1, fn_js},
	{"json", 1, 1, fn_json, true},
	{"le", 2, 2, fn_le},
	{"len", 1, 1, fn_len, true},
	{"lower", 1, 1, fn_lower, true},
	{"lt", 2, 2, fn_lt},
	{"ne", 2, 2, fn_ne},
	{"not", 1, 1, fn_not},
	{"or", 1, -1, fn_logic},
	{"pad", 3, 3, fn_pad},
	{"print", 0, -1, fn_print},
	{"printf", 1, -1, fn_printf},
	{"println", 0, -1, fn_println},
	{"slice", 1, 4, fn_slice, true},
	{"split", 2, 2, fn_split, true},
	{"title", 1, 1, fn_title, true},
	{"truncate", 2, 2, fn_truncate, true},
	{"upper", 1, 1, fn_upper, true},
	{"urlquery", 0, -1, fn_urlquery},
};

const struct template_func *template_func_find(const char *name)
{
	for (size_t i = 0; i < countof(funcs); i++)
		if (!strcmp(funcs[i].name, name))
			return &funcs[i];
	return NULL;
}

const char *template_func_nearest(const char *name)
{
	const char *near = NULL;
	size_t best = 3;

	for (size_t i = 0; i < countof(funcs); i++) {
		size_t d = strcasecmp(funcs[i].name, name) ? str_distance(funcs[i].name, name) : 0;
		if (d < best) {
			best = d;
			near = funcs[i].name;
		}
	}
	return near;
}
