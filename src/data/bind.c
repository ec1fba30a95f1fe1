#include "base/base.h"
#include "data/bind.h"

struct ctx {
	struct arena *a;
	const char *what;
	struct err *e;
};

static int wrong(struct ctx *c, const struct json *j, const char *key, const char *wanted)
{
	return err_fail(c->e, ERR_JSON, "%s:%d:%d: \"%.60s\" is %s, wanted %s", c->what, j->line,
			j->col, key, json_type_name(j->type), wanted);
}

static int read_object(struct ctx *c, const struct bind_field *fields, void *out,
		       const struct json *obj, const char *key);

static int read_int(struct ctx *c, const struct json *j, const char *key, int64_t *ret)
{
	double d = j->type == JSON_DOUBLE ? j->d : 0;

	if (j->type == JSON_INT) {
		*ret = j->i;
		return 0;
	}
	if (j->type == JSON_DOUBLE && d >= -9223372036854775808.0 && d < 9223372036854775808.0 &&
	    (double)(int64_t)d == d) {
		*ret = (int64_t)d;
		return 0;
	}
	return wrong(c, j, key, "a whole number that fits into 64 bits");
}

static int read_u64(struct ctx *c, const struct json *j, const char *key, uint64_t *ret)
{
	int64_t i = 0;

	if (j->type == JSON_DOUBLE && j->exact) {
		*ret = j->exact;
		return 0;
	}
	if (read_int(c, j, key, &i) < 0 || i < 0)
		return wrong(c, j, key, "a whole number from 0 to 2^64 - 1");
	*ret = (uint64_t)i;
	return 0;
}

static int read_strs(struct ctx *c, const struct json *j, const char *key, struct strs *out)
{
	if (j->type != JSON_ARR)
		return wrong(c, j, key, "an array of strings");
	*out = (struct strs){0};
	for (size_t i = 0; i < j->arr.n; i++) {
		if (j->arr.v[i]->type != JSON_STR)
			return wrong(c, j->arr.v[i], key, "only strings in its array");
		strs_add(c->a, out, j->arr.v[i]->s);
	}
	return 0;
}

/* The keys of a parsed object are unique, so nothing needs to be looked up. */
static int read_pairs(struct ctx *c, const struct json *j, const char *key, struct pairs *out)
{
	if (j->type != JSON_OBJ)
		return wrong(c, j, key, "an object of strings");
	*out = (struct pairs){0};
	size_t cap = 4;
	while (cap < j->obj.n)
		cap *= 2;
	out->v = arena_alloc(c->a, cap * sizeof *out->v);
	for (size_t i = 0; i < j->obj.n; i++) {
		const struct json *v = j->obj.v[i].value;
		if (v->type != JSON_STR)
			return wrong(c, v, j->obj.v[i].key, "a string");
		out->v[out->n++] = (struct pair){arena_strdup(c->a, j->obj.v[i].key),
						 arena_strdup(c->a, v->s)};
	}
	return 0;
}

static int read_set(struct ctx *c, const struct json *j, const char *key, struct strs *out)
{
	if (j->type != JSON_OBJ)
		return wrong(c, j, key, "an object of empty objects");
	*out = (struct strs){0};
	for (size_t i = 0; i < j->obj.n; i++) {
		const struct json *v = j->obj.v[i].value;
		if (v->type != JSON_OBJ && v->type != JSON_NULL)
			return wrong(c, v, j->obj.v[i].key, "an object");
		strs_add(c->a, out, j->obj.v[i].key);
	}
	return 0;
}

static int read_list(struct ctx *c, const struct bind_field *f, const struct json *j,
		     struct bind_list *out)
{
	if (j->type != JSON_ARR)
		return wrong(c, j, f->key, "an array");
	size_t cap = 4;
	while (cap < j->arr.n)
		cap *= 2;
	*out = (struct bind_list){arena_alloc(c->a, cap * f->sub_size), 0};
	for (size_t i = 0; i < j->arr.n; i++) {
		void *elem = (char *)out->v + i * f->sub_size;
		int r = read_object(c, f->sub, elem, j->arr.v[i], f->key);
		if (r < 0)
			return r;
		out->n++;
	}
	return 0;
}

static int read_field(struct ctx *c, const struct bind_field *f, void *at, struct json *j)
{
	switch (f->kind) {
	case BIND_STR:
		if (j->type != JSON_STR)
			return wrong(c, j, f->key, "a string");
		*(const char **)at = arena_strdup(c->a, j->s);
		return 0;
	case BIND_BOOL:
		if (j->type != JSON_BOOL)
			return wrong(c, j, f->key, "a boolean");
		*(bool *)at = j->b;
		return 0;
	case BIND_INT:
		return read_int(c, j, f->key, at);
	case BIND_U64:
		return read_u64(c, j, f->key, at);
	case BIND_STRS:
		return read_strs(c, j, f->key, at);
	case BIND_PAIRS:
		return read_pairs(c, j, f->key, at);
	case BIND_SET:
		return read_set(c, j, f->key, at);
	case BIND_OBJ:
		return read_object(c, f->sub, at, j, f->key);
	case BIND_PTR:
		*(void **)at = arena_alloc(c->a, f->sub_size);
		return read_object(c, f->sub, *(void **)at, j, f->key);
	case BIND_LIST:
		return read_list(c, f, j, at);
	case BIND_JSON:
		*(struct json **)at = j;
		return 0;
	}
	return err_fail(c->e, ERR_INTERNAL, "a binding table has a row of an unknown kind for %s",
			f->key);
}

static int read_object(struct ctx *c, const struct bind_field *fields, void *out,
		       const struct json *obj, const char *key)
{
	if (obj->type != JSON_OBJ)
		return wrong(c, obj, key, "an object");
	size_t next = 0; /* what we wrote stands in the order of the table */
	for (const struct bind_field *f = fields; f->key; f++) {
		bool here = next < obj->obj.n && !strcmp(obj->obj.v[next].key, f->key);
		struct json *j = here ? obj->obj.v[next++].value : json_get(obj, f->key);
		if (!j || j->type == JSON_NULL) {
			if (!(f->flags & BIND_REQUIRED))
				continue;
			return err_fail(c->e, ERR_JSON, "%s:%d:%d: \"%s\" is missing", c->what,
					obj->line, obj->col, f->key);
		}
		int r = read_field(c, f, (char *)out + f->offset, j);
		if (r < 0)
			return r;
	}
	return 0;
}

int bind_read(const struct bind_field *fields, void *out, const struct json *obj, const char *what,
	      struct arena *a, struct err *e)
{
	struct ctx c = {a, what, e};

	if (!obj || obj->type != JSON_OBJ)
		return err_fail(e, ERR_JSON, "%s: the document is %s, wanted an object", what,
				obj ? json_type_name(obj->type) : "empty");
	return read_object(&c, fields, out, obj, what);
}

static struct json *write_set(const struct strs *l, struct arena *a)
{
	struct json *j = json_new(a, JSON_OBJ);

	for (size_t i = 0; i < l->n; i++)
		json_set(a, j, l->v[i], json_new(a, JSON_OBJ));
	return j;
}

static struct json *write_list(const struct bind_field *f, const struct bind_list *l,
			       struct arena *a)
{
	struct json *j = json_new(a, JSON_ARR);

	for (size_t i = 0; i < l->n; i++)
		json_add(a, j, bind_write(f->sub, (const char *)l->v + i * f->sub_size, a));
	return j;
}

/* NULL: the field is empty and not BIND_ALWAYS. */
static struct json *write_field(const struct bind_field *f, const void *at, struct arena *a)
{
	bool always = f->flags & BIND_ALWAYS;
	struct json *j;

	switch (f->kind) {
	case BIND_STR:
		return *(const char *const *)at || always
			       ? json_new_str(a, *(const char *const *)at)
			       : NULL;
	case BIND_BOOL:
		return *(const bool *)at || always ? json_new_bool(a, *(const bool *)at) : NULL;
	case BIND_INT:
		return *(const int64_t *)at || always ? json_new_int(a, *(const int64_t *)at)
						      : NULL;
	case BIND_U64:
		return *(const uint64_t *)at || always ? json_new_u64(a, *(const uint64_t *)at)
						       : NULL;
	case BIND_STRS:
		return ((const struct strs *)at)->n || always ? json_new_strs(a, at) : NULL;
	case BIND_PAIRS:
		return ((const struct pairs *)at)->n || always ? json_new_pairs(a, at) : NULL;
	case BIND_SET:
		return ((const struct strs *)at)->n || always ? write_set(at, a) : NULL;
	case BIND_OBJ:
		j = bind_write(f->sub, at, a);
		return j->obj.n || always ? j : NULL;
	case BIND_PTR:
		if (*(void *const *)at)
			return bind_write(f->sub, *(void *const *)at, a);
		return always ? json_new(a, JSON_NULL) : NULL;
	case BIND_LIST:
		return ((const struct bind_list *)at)->n || always ? write_list(f, at, a) : NULL;
	case BIND_JSON:
		j = *(struct json *const *)at;
		return j || !always ? j : json_new(a, JSON_NULL);
	}
	return NULL;
}

struct json *bind_write(const struct bind_field *fields, const void *in, struct arena *a)
{
	struct json *obj = json_new(a, JSON_OBJ);

	for (const struct bind_field *f = fields; f->key; f++) {
		struct json *j = write_field(f, (const char *)in + f->offset, a);
		if (j)
			json_set(a, obj, f->key, j);
	}
	return obj;
}

void *bind_append(struct arena *a, struct bind_list *l, size_t size)
{
	if (l->n == 0 || (l->n >= 4 && !(l->n & (l->n - 1)))) {
		size_t cap = l->n ? l->n * 2 : 4;
		l->v = arena_grow(a, l->v, l->n * size, cap * size);
	}
	return memset((char *)l->v + l->n++ * size, 0, size);
}
