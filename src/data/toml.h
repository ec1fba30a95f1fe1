/*
 * toml.h - TOML 1.0 (https://toml.io/en/v1.0.0) to the tree of json.h: how containers.conf and registries.conf are written.
 *
 * Strict: what the specification forbids is refused with line and column (keys given twice, tables opened twice, bad escapes, control
 * bytes, text that is no UTF-8). Of the whole language only dates, times, inf and nan are missing: no file that hoy reads has them, and
 * they are refused, too. Tables become objects, arrays of tables arrays of objects; members keep the order of the text.
 * Input is hostile: size, depth and number of values are bounded.
 */
#ifndef DATA_TOML_H
#define DATA_TOML_H

#include "data/json.h"

enum { TOML_MAX_BYTES = 1 << 20, TOML_MAX_DEPTH = 32, TOML_MAX_VALUES = 1 << 14 };

/* Parses the whole text; what names it in errors ("/etc/x.conf"). The tree lives in the arena, the text need not. NULL and *e filled on failure (ERR_TOML). */
struct json *toml_parse(struct arena *a, const char *text, size_t len, const char *what,
			struct err *e);

#endif
