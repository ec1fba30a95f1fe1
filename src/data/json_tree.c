/* Reading and building of trees; json.c parses them, json_write.c writes them. */
#include "base/base.h"
#include "data/json.h"

const char *json_type_name(enum json_type t)
{
	static const char *const names[] = {"null",	"a boolean", "a number", "a number",
					    "a string", "an array",  "an object"};

	return t <= JSON_OBJ ? names[t] : "nothing";
}

struct json *json_get(const struct json *obj, const char *key)
{
	if (!obj || obj->type != JSON_OBJ)
		return NULL;
	for (size_t i = 0; i < obj->obj.n; i++)
		if (obj->obj.v[i].key[0] == key[0] && !strcmp(obj->obj.v[i].key, key))
			return obj->obj.v[i].value;
	return NULL;
}

struct json *json_path(const struct json *obj, const char *dotted)
{
	char key[128];
	struct json *j = NULL;

	for (;;) {
		size_t n = strcspn(dotted, ".");
		if (n >= sizeof key)
			return NULL;
		memcpy(key, dotted, n);
		key[n] = 0;
		j = json_get(obj, key);
		if (!j || !dotted[n])
			return j;
		obj = j;
		dotted += n + 1;
	}
}

const char *json_str(const struct json *obj, const char *key)
{
	const struct json *j = json_get(obj, key);

	return j && j->type == JSON_STR ? j->s : NULL;
}

int64_t json_int(const struct json *obj, const char *key, int64_t dflt)
{
	const struct json *j = json_get(obj, key);

	if (j && j->type == JSON_INT)
		return j->i;
	if (j && j->type == JSON_DOUBLE && j->d >= -9223372036854775808.0 &&
	    j->d < 9223372036854775808.0 && (double)(int64_t)j->d == j->d)
		return (int64_t)j->d;
	return dflt;
}

bool json_bool(const struct json *obj, const char *key, bool dflt)
{
	const struct json *j = json_get(obj, key);

	return j && j->type == JSON_BOOL ? j->b : dflt;
}

struct json *json_new(struct arena *a, enum json_type t)
{
	struct json *j = arena_alloc(a, sizeof *j);

	j->type = t;
	return j;
}

struct json *json_new_str(struct arena *a, const char *s)
{
	struct json *j = json_new(a, s ? JSON_STR : JSON_NULL);

	if (s)
		j->s = arena_strdup(a, s);
	return j;
}

struct json *json_new_int(struct arena *a, int64_t i)
{
	struct json *j = json_new(a, JSON_INT);

	j->i = i;
	return j;
}

struct json *json_new_u64(struct arena *a, uint64_t u)
{
	struct json *j = json_new(a, u > INT64_MAX ? JSON_DOUBLE : JSON_INT);

	if (u <= INT64_MAX) {
		j->i = (int64_t)u;
		return j;
	}
	j->d = (double)u;
	j->exact = u;
	return j;
}

struct json *json_new_bool(struct arena *a, bool b)
{
	struct json *j = json_new(a, JSON_BOOL);

	j->b = b;
	return j;
}

struct json *json_new_strs(struct arena *a, const struct strs *l)
{
	struct json *j = json_new(a, JSON_ARR);

	for (size_t i = 0; i < l->n; i++)
		json_add(a, j, json_new_str(a, l->v[i]));
	return j;
}

struct json *json_new_pairs(struct arena *a, const struct pairs *l)
{
	struct json *j = json_new(a, JSON_OBJ);

	for (size_t i = 0; i < l->n; i++)
		json_set_str(a, j, l->v[i].k, l->v[i].v);
	return j;
}

/* Lists grow by doubling: there is no room when n is 0 or a power of two from 4 on. */
static size_t new_capacity(size_t n)
{
	if (n == 0)
		return 4;
	return n >= 4 && !(n & (n - 1)) ? n * 2 : 0;
}

void json_add(struct arena *a, struct json *arr, struct json *v)
{
	size_t cap = new_capacity(arr->arr.n), size = sizeof *arr->arr.v;

	if (cap)
		arr->arr.v = arena_grow(a, arr->arr.v, arr->arr.n * size, cap * size);
	arr->arr.v[arr->arr.n++] = v;
}

void json_set(struct arena *a, struct json *obj, const char *key, struct json *v)
{
	for (size_t i = 0; i < obj->obj.n; i++) {
		if (obj->obj.v[i].key[0] == key[0] && !strcmp(obj->obj.v[i].key, key)) {
			obj->obj.v[i].value = v;
			return;
		}
	}
	json_put(a, obj, arena_strdup(a, key), v);
}

void json_put(struct arena *a, struct json *obj, const char *key, struct json *v)
{
	size_t cap = new_capacity(obj->obj.n), size = sizeof *obj->obj.v;

	if (cap)
		obj->obj.v = arena_grow(a, obj->obj.v, obj->obj.n * size, cap * size);
	obj->obj.v[obj->obj.n++] = (struct json_member){key, v};
}

void json_set_str(struct arena *a, struct json *obj, const char *key, const char *s)
{
	json_set(a, obj, key, json_new_str(a, s));
}

void json_set_int(struct arena *a, struct json *obj, const char *key, int64_t i)
{
	json_set(a, obj, key, json_new_int(a, i));
}

void json_set_bool(struct arena *a, struct json *obj, const char *key, bool b)
{
	json_set(a, obj, key, json_new_bool(a, b));
}
