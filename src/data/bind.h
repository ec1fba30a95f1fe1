/*
 * bind.h - structs to JSON and back by tables: one row per field serves both directions.
 *
 *   struct point { int64_t x; const char *label; };
 *   static const struct bind_field point_fields[] = {
 *           {"x", BIND_INT, offsetof(struct point, x)},
 *           {"label", BIND_STR, offsetof(struct point, label)},
 *           {0},
 *   };
 *
 * Reading fills only fields whose key is present and not null; a value of the wrong type is an error that names the document,
 * line, column and key. Unknown keys are skipped. Writing leaves out NULL strings, empty lists, empty maps, zero numbers and
 * false, except for fields with BIND_ALWAYS. Everything read lives in the arena.
 */
#ifndef DATA_BIND_H
#define DATA_BIND_H

#include "data/json.h"

enum bind_kind {
	BIND_STR = 1, /* const char * */
	BIND_BOOL,    /* bool */
	BIND_INT,     /* int64_t; whole numbers only */
	BIND_U64,     /* uint64_t; whole numbers only */
	BIND_STRS,    /* struct strs: an array of strings */
	BIND_PAIRS,   /* struct pairs: an object of strings */
	BIND_SET, /* struct strs: the keys of an object whose values are empty objects (ExposedPorts, Volumes) */
	BIND_OBJ,  /* an embedded struct, described by sub */
	BIND_PTR,  /* pointer to a struct of size sub_size, NULL if absent, described by sub */
	BIND_LIST, /* struct bind_list: an array of structs of size sub_size, described by sub */
	BIND_JSON, /* struct json *: any value, taken as it is */
};

enum { BIND_ALWAYS = 1, BIND_REQUIRED = 2 };

struct bind_list {
	void *v; /* array of structs */
	size_t n;
};

struct bind_field {
	const char *key;
	enum bind_kind
		kind : 8; /* packed: each process has a copy of all tables, for they hold pointers */
	uint32_t offset;
	const struct bind_field *sub;
	uint32_t sub_size;
	uint32_t flags;
};

/* Reads an object into *out, which the caller has zeroed or filled with defaults. what names the document in errors. */
int bind_read(const struct bind_field *fields, void *out, const struct json *obj, const char *what,
	      struct arena *a, struct err *e);

struct json *bind_write(const struct bind_field *fields, const void *in, struct arena *a);

/* Appends a zeroed element to a list of structs and returns it. */
void *bind_append(struct arena *a, struct bind_list *l, size_t size);

#endif
