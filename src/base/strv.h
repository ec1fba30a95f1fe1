/*
 * strv.h - lists of strings: struct strv owns its strings; struct strs and struct pairs live in an arena.
 */
#ifndef BASE_STRV_H
#define BASE_STRV_H

/* An owning, growing, NULL-terminated list (v is NULL while empty). */
struct strv {
	char **v;
	size_t n, cap;
};
void strv_free(struct strv *l);
void strv_add(struct strv *l, const char *s);
void strv_addf(struct strv *l, const char *fmt, ...) printf_like(2, 3);
void strv_take(struct strv *l, char *s); /* takes ownership */
bool strv_has(const struct strv *l, const char *s);
void strv_sort(struct strv *l);
/* The one nearest to what was typed, for "did you mean"; NULL if none is near. */
const char *strv_nearest(const struct strv *l, const char *typed);
/* Splits s at each sep; empty pieces are kept. */
void strv_split(struct strv *l, const char *s, char sep);

/* A list of strings in an arena; v has a NULL behind the last one once something was added. */
struct strs {
	const char **v;
	size_t n;
};
void strs_add(struct arena *a, struct strs *l, const char *s); /* copies s */
bool strs_has(const struct strs *l, const char *s);

/* Key and value pairs in an arena, in the order they came; setting a key again replaces its value. */
struct pair {
	const char *k, *v;
};
struct pairs {
	struct pair *v;
	size_t n;
};
void pairs_set(struct arena *a, struct pairs *l, const char *k, const char *v); /* copies both */
const char *pairs_get(const struct pairs *l, const char *k);			/* NULL if absent */
/* Is there what text says, "KEY" (with any value) or "KEY=VALUE"? As filters ask for labels. */
bool pairs_fit(const struct pairs *l, const char *text);

/* The environment form: "KEY=value" strings. Setting replaces the entry of the same key in place. */
void env_set(struct arena *a, struct strs *env, const char *key, size_t key_len, const char *value);
const char *env_get(const struct strs *env, const char *key);

#endif
