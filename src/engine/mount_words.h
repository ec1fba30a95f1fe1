/*
 * mount_words.h - the words that a mount in config.json may have as options, and which of them exclude each other.
 *
 * A word belongs to a group: of ro and rw a mount has one at most, and of the six kinds of propagation. What comes with a value
 * ("size=64m") is checked by its kind.
 */
#ifndef ENGINE_MOUNT_WORDS_H
#define ENGINE_MOUNT_WORDS_H

#include "runtime/config.h"

/* What a word may stand at. */
enum {
	WORDS_BIND = 1,
	WORDS_TMPFS = 2,
	WORDS_VOLUME = 4,
	WORDS_IMAGE = 8,
	WORDS_RAMFS = 16,
	WORDS_DEVPTS = 32,
};

/* A text being read: what errors quote, and where the words go. */
struct words {
	struct arena *a;
	const char *flag, *text; /* "--volume" and what stands behind it */
	unsigned kind;		 /* one of WORDS_* */
	struct config_mount *m;
};

/* Adds one word. A word that fits no mount of this kind, contradicts an earlier one or cannot work without root is ERR_MOUNT. Words that
 * mean nothing here (labels of SELinux, consistency) are taken and forgotten. */
int words_add(struct words *w, const char *word, struct err *e);

/* What is left to say about all words together; adds the defaults of tmpfs. strict: docker's. */
int words_finish(struct words *w, bool strict, struct err *e);

/* ERR_MOUNT with the text that it is about. */
int words_bad(const struct words *w, struct err *e, const char *fmt, ...) printf_like(3, 4);

/* The candidate nearest to what was typed; NULL if none is near. names ends with NULL. */
const char *words_nearest(const char *typed, const char *const *names);

#endif
