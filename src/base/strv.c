#include "base/base.h"

void strv_free(struct strv *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->v[i]);
	free(l->v);
	*l = (struct strv){0};
}

void strv_take(struct strv *l, char *s)
{
	if (l->n + 2 > l->cap) {
		l->cap = l->cap ? l->cap * 2 : 8;
		l->v = xrealloc(l->v, l->cap * sizeof *l->v);
	}
	l->v[l->n++] = s;
	l->v[l->n] = NULL;
}

void strv_add(struct strv *l, const char *s)
{
	strv_take(l, xstrdup(s));
}

void strv_addf(struct strv *l, const char *fmt, ...)
{
	va_list ap;
	char *s = NULL;

	va_start(ap, fmt);
	int n = vasprintf(&s, fmt, ap);
	va_end(ap);
	strv_take(l, n < 0 ? xstrdup("") : s);
}

bool strv_has(const struct strv *l, const char *s)
{
	for (size_t i = 0; i < l->n; i++)
		if (!strcmp(l->v[i], s))
			return true;
	return false;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

void strv_sort(struct strv *l)
{
	if (l->n > 1)
		qsort(l->v, l->n, sizeof *l->v, by_text);
}

const char *strv_nearest(const struct strv *l, const char *typed)
{
	size_t least = str_too_far(typed), n = strlen(typed);
	const char *best = NULL;

	for (size_t i = 0; i < l->n; i++) {
		size_t d = str_distance(typed, l->v[i]);
		if (d < least && d < n) {
			least = d;
			best = l->v[i];
		}
	}
	return best;
}

void strv_split(struct strv *l, const char *s, char sep)
{
	for (;;) {
		const char *end = strchr(s, sep);
		if (!end)
			break;
		strv_take(l, xstrndup(s, (size_t)(end - s)));
		s = end + 1;
	}
	strv_add(l, s);
}

/* Lists in arenas grow by doubling: room is made whenever n reaches a power of two. */
static bool at_capacity(size_t n)
{
	return n >= 4 ? !(n & (n - 1)) : n == 0;
}

void strs_add(struct arena *a, struct strs *l, const char *s)
{
	if (at_capacity(l->n)) {
		size_t cap = l->n ? l->n * 2 : 4;
		l->v = arena_grow(a, l->v, l->n * sizeof *l->v, (cap + 1) * sizeof *l->v);
	}
	l->v[l->n++] = arena_strdup(a, s);
	l->v[l->n] = NULL;
}

bool strs_has(const struct strs *l, const char *s)
{
	for (size_t i = 0; i < l->n; i++)
		if (!strcmp(l->v[i], s))
			return true;
	return false;
}

void pairs_set(struct arena *a, struct pairs *l, const char *k, const char *v)
{
	for (size_t i = 0; i < l->n; i++) {
		if (!strcmp(l->v[i].k, k)) {
			l->v[i].v = arena_strdup(a, v);
			return;
		}
	}
	if (at_capacity(l->n)) {
		size_t cap = l->n ? l->n * 2 : 4;
		l->v = arena_grow(a, l->v, l->n * sizeof *l->v, cap * sizeof *l->v);
	}
	l->v[l->n++] = (struct pair){arena_strdup(a, k), arena_strdup(a, v)};
}

const char *pairs_get(const struct pairs *l, const char *k)
{
	for (size_t i = 0; i < l->n; i++)
		if (!strcmp(l->v[i].k, k))
			return l->v[i].v;
	return NULL;
}

bool pairs_fit(const struct pairs *l, const char *text)
{
	size_t n = strcspn(text, "=");

	for (size_t i = 0; i < l->n; i++)
		if (strlen(l->v[i].k) == n && !strncmp(l->v[i].k, text, n))
			return !text[n] || !strcmp(l->v[i].v, text + n + 1);
	return false;
}

static const char **env_find(const struct strs *env, const char *key, size_t len)
{
	for (size_t i = 0; i < env->n; i++)
		if (!strncmp(env->v[i], key, len) && env->v[i][len] == '=')
			return &env->v[i];
	return NULL;
}

void env_set(struct arena *a, struct strs *env, const char *key, size_t key_len, const char *value)
{
	const char *entry = arena_printf(a, "%.*s=%s", (int)key_len, key, value);
	const char **slot = env_find(env, key, key_len);

	if (slot)
		*slot = entry;
	else
		strs_add(a, env, entry);
}

const char *env_get(const struct strs *env, const char *key)
{
	size_t len = strlen(key);
	const char **slot = env_find(env, key, len);

	return slot ? *slot + len + 1 : NULL;
}
