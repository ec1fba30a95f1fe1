/*
 * json.h - JSON text to a tree in an arena, and back. yajl is seen by json.c only.
 *
 * Input is hostile: depth and size are limited, NUL bytes inside strings and keys, duplicate keys, invalid UTF-8 and trailing
 * garbage are errors, and every error says line:column. Integers that do not fit int64 become doubles. The tree
 * lives in the caller's arena; nodes are never freed one by one. Members of an object keep the order of the text.
 */
#ifndef DATA_JSON_H
#define DATA_JSON_H

#include "base/base.h"

enum json_type { JSON_NULL, JSON_BOOL, JSON_INT, JSON_DOUBLE, JSON_STR, JSON_ARR, JSON_OBJ };

struct json {
	enum json_type type;
	int line, col; /* where it stood in the text; 0 if it was built */
	union {
		bool b;
		int64_t i;
		struct {
			double d;
			uint64_t exact; /* of a whole number from 2^63 to 2^64 - 1; else 0 */
		};
		const char *s; /* no NUL inside */
		struct {
			struct json **v;
			size_t n;
		} arr;
		struct {
			struct json_member *v;
			size_t n;
		} obj;
	};
};

struct json_member {
	const char *key;
	struct json *value;
};

struct json_limits {
	size_t max_bytes; /* 0: 8 MiB */
	int max_depth;	  /* 0: 64 */
	size_t max_nodes; /* values in the whole document; 0: one million */
};

/* Parses the whole text. what names the document in errors ("config.json"). NULL and *e filled on failure (ERR_JSON).
 * lim may be NULL for the defaults. */
struct json *json_parse(struct arena *a, const char *text, size_t len, const char *what,
			const struct json_limits *lim, struct err *e);

/* Reading. All accept NULL and give NULL or the default then, so that lookups chain. */
const char *json_type_name(enum json_type t);
struct json *json_get(const struct json *obj,
		      const char *key); /* NULL if absent or not an object */
struct json *json_path(const struct json *obj, const char *dotted); /* "Config.Labels" */
const char *json_str(const struct json *obj, const char *key); /* NULL if absent or not a string */
int64_t json_int(const struct json *obj, const char *key,
		 int64_t dflt); /* also takes whole doubles */
bool json_bool(const struct json *obj, const char *key, bool dflt);

/* Building; strings are copied into the arena. */
struct json *json_new(struct arena *a, enum json_type t);
struct json *json_new_str(struct arena *a, const char *s); /* NULL gives a JSON null */
struct json *json_new_int(struct arena *a, int64_t i);
struct json *json_new_u64(struct arena *a, uint64_t u);
struct json *json_new_bool(struct arena *a, bool b);
struct json *json_new_strs(struct arena *a, const struct strs *l);   /* array; empty gives [] */
struct json *json_new_pairs(struct arena *a, const struct pairs *l); /* object; empty gives {} */
void json_add(struct arena *a, struct json *arr, struct json *v);
void json_set(struct arena *a, struct json *obj, const char *key,
	      struct json *v); /* replaces an existing key */
/* The same for a key that is not there yet, without a look; a long object with many rows is made of these. The key is not copied. */
void json_put(struct arena *a, struct json *obj, const char *key, struct json *v);
void json_set_str(struct arena *a, struct json *obj, const char *key, const char *s);
void json_set_int(struct arena *a, struct json *obj, const char *key, int64_t i);
void json_set_bool(struct arena *a, struct json *obj, const char *key, bool b);

/* Writing: indent 0 is compact on one line (no blank anywhere), else that many blanks per level; no final newline.
 * <, > and & are not escaped; DEL, C1 controls, line separators and bidi overrides are (the value stays the same, but no terminal
 * acts on it). Invalid UTF-8 in built strings becomes U+FFFD. */
void json_write(struct str *out, const struct json *j, int indent);
void json_write_str(struct str *out, const char *s); /* one quoted string */
void json_write_double(struct str *out, double d); /* the shortest form that reads back the same */
/* The fewest decimal digits that read back as d (finite), without zeros at the end; returns the power of ten of the first. */
enum { JSON_DIGITS = 20 };
int json_digits(double d, char digits[JSON_DIGITS]);

#endif
