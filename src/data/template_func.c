#include <ctype.h>

#include "base/base.h"
#include "data/template_func.h"

enum { MAX_PAD = 4096 };

static int by_key(const void *a, const void *b)
{
	return strcmp((*(const struct json_member *const *)a)->key,
		      (*(const struct json_member *const *)b)->key);
}

static void print_map(struct str *out, const struct json *v)
{
	autofree const struct json_member **sorted = xcalloc(v->obj.n, sizeof *sorted);

	for (size_t i = 0; i < v->obj.n; i++)
		sorted[i] = &v->obj.v[i];
	qsort(sorted, v->obj.n, sizeof *sorted, by_key);
	str_add(out, "map[");
	for (size_t i = 0; i < v->obj.n; i++) {
		str_addf(out, "%s%s:", i ? " " : "", sorted[i]->key);
		template_print(out, sorted[i]->value);
	}
	str_addc(out, ']');
}

void template_print(struct str *out, const struct json *v)
{
	switch (v->type) {
	case JSON_NULL:
		str_add(out, "<nil>");
		break;
	case JSON_BOOL:
		str_add(out, v->b ? "true" : "false");
		break;
	case JSON_STR:
		str_add(out, v->s);
		break;
	case JSON_ARR:
		str_addc(out, '[');
		for (size_t i = 0; i < v->arr.n; i++) {
			str_add(out, i ? " " : "");
			template_print(out, v->arr.v[i]);
		}
		str_addc(out, ']');
		break;
	case JSON_OBJ:
		print_map(out, v);
		break;
	default:
		json_write(out, v, 0);
	}
}

static const struct json *give(struct arena *a, const struct str *b)
{
	return json_new_str(a, str_cstr(b));
}

static int f_json(const struct json **v, size_t n, struct arena *a, const struct json **ret)
{
	scoped(str) b = {0};

	json_write(&b, v[0], 0);
	*ret = give(a, &b);
	return 0;
}

/* The text with each byte mapped; letters outside ASCII stay. */
static int mapped(const struct json *v, struct arena *a, int (*map)(int), bool words,
		  const struct json **ret)
{
	scoped(str) b = {0};

	if (v->type != JSON_STR)
		return -EINVAL;
	for (const char *s = v->s; *s; s++) {
		bool start = s == v->s || !(isalnum((unsigned char)s[-1]) || s[-1] == '\'');
		str_addc(&b, !words || start ? (char)map((unsigned char)*s) : *s);
	}
	*ret = give(a, &b);
	return 0;
}

static int f_upper(const struct json **v, size_t n, struct arena *a, const struct json **ret)
{
	return mapped(v[0], a, toupper, false, ret);
}

static int f_lower(const struct json **v, size_t n, struct arena *a, const struct json **ret)
{
	return mapped(v[0], a, tolower, false, ret);
}

static int f_title(const struct json **v, size_t n, struct arena *a, const struct json **ret)
{
	return mapped(v[0], a, toupper, true, ret);
}

static int f_join(const struct json **v, size_t n, struct arena *a, const struct json **ret)
{
	scoped(str) b = {0};

	if (v[0]->type != JSON_ARR || v[1]->type != JSON_STR)
		return -EINVAL;
	for (size_t i = 0; i < v[0]->arr.n; i++) {
		str_add(&b, i ? v[1]->s : "");
		template_print(&b, v[0]->arr.v[i]);
	}
	*ret = give(a, &b);
	return 0;
}

static int f_split(const struct json **v, size_t n, struct arena *a, const struct json **ret)
{
	if (v[0]->type != JSON_STR || v[1]->type != JSON_STR || !*v[1]->s)
		return -EINVAL;
	struct json *list = json_new(a, JSON_ARR);
	const char *s = v[0]->s;
	for (const char *p; (p = strstr(s, v[1]->s)); s = p + strlen(v[1]->s))
		json_add(a, list, json_new_str(a, arena_strndup(a, s, (size_t)(p - s))));
	json_add(a, list, json_new_str(a, s));
	*ret = list;
	return 0;
}

static int f_pad(const struct json **v, size_t n, struct arena *a, const struct json **ret)
{
	bool fits = v[0]->type == JSON_STR && v[1]->type == JSON_INT && v[2]->type == JSON_INT;

	if (!fits || v[1]->i < 0 || v[2]->i < 0 || v[1]->i > MAX_PAD || v[2]->i > MAX_PAD)
		return -EINVAL;
	*ret = *v[0]->s ? json_new_str(a, arena_printf(a, "%*s%s%*s", (int)v[1]->i, "", v[0]->s,
						       (int)v[2]->i, ""))
			: v[0];
	return 0;
}

static int f_truncate(const struct json **v, size_t n, struct arena *a, const struct json **ret)
{
	if (v[0]->type != JSON_STR || v[1]->type != JSON_INT || v[1]->i < 0)
		return -EINVAL;
	size_t len = strlen(v[0]->s);
	if ((uint64_t)v[1]->i < len)
		len = (size_t)v[1]->i;
	*ret = json_new_str(a, arena_strndup(a, v[0]->s, len));
	return 0;
}

static int f_len(const struct json **v, size_t n, struct arena *a, const struct json **ret)
{
	if (v[0]->type != JSON_STR && v[0]->type != JSON_ARR && v[0]->type != JSON_OBJ)
		return -EINVAL;
	*ret = json_new_int(a, (int64_t)(v[0]->type == JSON_STR	  ? strlen(v[0]->s)
					 : v[0]->type == JSON_ARR ? v[0]->arr.n
								  : v[0]->obj.n));
	return 0;
}

/* index list 0, index map "key", and further keys into what was found. A key that is missing gives "". */
static int f_index(const struct json **v, size_t n, struct arena *a, const struct json **ret)
{
	const struct json *at = v[0];

	for (size_t i = 1; i < n; i++) {
		if (at->type == JSON_ARR && v[i]->type == JSON_INT) {
			if (v[i]->i < 0 || (uint64_t)v[i]->i >= at->arr.n)
				return -ERANGE;
			at = at->arr.v[v[i]->i];
		} else if (at->type == JSON_OBJ && v[i]->type == JSON_STR) {
			const struct json *hit = json_get(at, v[i]->s);
			at = hit ? hit : json_new_str(a, "");
		} else {
			return -EINVAL;
		}
	}
	*ret = at;
	return 0;
}

static int f_print(const struct json **v, size_t n, struct arena *a, const struct json **ret)
{
	scoped(str) b = {0};

	for (size_t i = 0; i < n; i++) {
		if (i && v[i]->type != JSON_STR && v[i - 1]->type != JSON_STR)
			str_addc(&b, ' ');
		template_print(&b, v[i]);
	}
	*ret = give(a, &b);
	return 0;
}

static int f_println(const struct json **v, size_t n, struct arena *a, const struct json **ret)
{
	scoped(str) b = {0};

	for (size_t i = 0; i < n; i++) {
		str_add(&b, i ? " " : "");
		template_print(&b, v[i]);
	}
	str_addc(&b, '\n');
	*ret = give(a, &b);
	return 0;
}

/* %s %v %d %q with an optional "-" and width, and %%. */
static int f_printf(const struct json **v, size_t n, struct arena *a, const struct json **ret)
{
	scoped(str) b = {0};
	size_t used = 1;

	if (v[0]->type != JSON_STR)
		return -EINVAL;
	for (const char *s = v[0]->s; *s; s++) {
		if (*s != '%' || s[1] == '%') {
			str_addc(&b, *s);
			s += *s == '%';
			continue;
		}
		bool left = s[1] == '-';
		size_t width = 0;
		for (s += 1 + left; isdigit((unsigned char)*s) && width <= MAX_PAD; s++)
			width = width * 10 + (size_t)(*s - '0');
		if (!*s || !strchr("svdq", *s) || used >= n || width > MAX_PAD)
			return -EINVAL;
		scoped(str) one = {0};
		if (*s == 'q' && v[used]->type == JSON_STR)
			json_write_str(&one, v[used]->s);
		else
			template_print(&one, v[used]);
		used++;
		str_addf(&b, "%*s", left ? -(int)width : (int)width, str_cstr(&one));
	}
	*ret = give(a, &b);
	return 0;
}

static const struct {
	const char *name;
	size_t min, max;
	int (*call)(const struct json **v, size_t n, struct arena *a, const struct json **ret);
	const char *usage;
} functions[] = {
	{"json", 1, 1, f_json, "json VALUE"},
	{"split", 2, 2, f_split, "split TEXT SEPARATOR"},
	{"join", 2, 2, f_join, "join LIST SEPARATOR"},
	{"title", 1, 1, f_title, "title TEXT"},
	{"lower", 1, 1, f_lower, "lower TEXT"},
	{"upper", 1, 1, f_upper, "upper TEXT"},
	{"pad", 3, 3, f_pad, "pad TEXT BEFORE AFTER"},
	{"truncate", 2, 2, f_truncate, "truncate TEXT LENGTH"},
	{"len", 1, 1, f_len, "len LIST, MAP or TEXT"},
	{"index", 1, SIZE_MAX, f_index, "index LIST NUMBER, or index MAP KEY"},
	{"print", 0, SIZE_MAX, f_print, "print VALUE..."},
	{"println", 0, SIZE_MAX, f_println, "println VALUE..."},
	{"printf", 1, SIZE_MAX, f_printf, "printf FORMAT VALUE..., with %s %v %d %q"},
};

bool template_func_known(const char *name)
{
	for (size_t i = 0; i < countof(functions); i++)
		if (!strcmp(functions[i].name, name))
			return true;
	return false;
}

const char *template_func_names(void)
{
	return "json split join title lower upper pad truncate len index print println printf";
}

int template_func(const char *name, const struct json **args, size_t n, struct arena *a,
		  const struct json **ret, struct err *e)
{
	size_t i = 0;

	while (strcmp(functions[i].name, name))
		i++;
	int r = -EINVAL;
	if (n >= functions[i].min && n <= functions[i].max)
		r = functions[i].call(args, n, a, ret);
	if (r == 0)
		return 0;
	err_fail(e, ERR_FORMAT, "%s: %s", name,
		 r == -ERANGE ? "the list is not that long" : "the arguments do not fit");
	return err_hint(e, "it is used as: %s", functions[i].usage);
}
