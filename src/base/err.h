/*
 * err.h - the one error type.
 *
 * A function that can fail takes `struct err *e` last and returns 0 or a negative errno. The error is filled once,
 * where the cause is known, and gets context on the way up (err_context, two levels at most). It has a fixed size
 * and no pointers, so a child process can send it over a socket as it is. Only main, the supervisor's log and the API print.
 *
 * Every error has a stable id from errids.def, which `hoy help E-ID` explains. An errno that has an obvious id (no
 * space, read-only file system, too many open files ...) gets that id and its hint by itself.
 *
 *   return err_set(e, errno, "open %s", path);                       hoy: error: open /x: Permission denied
 *   return err_fail(e, ERR_IMAGE_UNKNOWN, "no image %s", name);      with an id of its own
 *   err_hint(e, "load it with: hoy load -i FILE");                   added after either
 *
 * Text that comes from outside (names, images, archives) may stand in a message as it is: the printer escapes it.
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

/* Exit codes of the engine (the contract of podman run and docker run). */
enum { EXIT_ENGINE = 125, EXIT_NOEXEC = 126, EXIT_NOTFOUND = 127 };

enum err_id {
#define ERR_ID(sym, id, text) ERR_##sym,
#include "base/errids.def"
#undef ERR_ID
	ERR_ID_COUNT
};

struct err {
	int code;	/* errno, or 0 where none fits; > 0 */
	int exit;	/* exit code when this ends the command: 125 unless said otherwise */
	enum err_id id; /* why, for `hoy help E-ID` */
	char msg[512];	/* one line, without "error:" and without a final newline */
	char hint[320]; /* what to do about it, or empty */
};

/* Records "message: strerror(errnum)" (only the message if errnum is 0), with the id that fits errnum.
 * Returns -errnum, or -EINVAL if errnum is 0. e may be NULL: then only the return value counts. */
int err_set(struct err *e, int errnum, const char *fmt, ...) printf_like(3, 4);

/* Records a message with an id of its own; code is EINVAL unless set afterwards. Returns -EINVAL. */
int err_fail(struct err *e, enum err_id id, const char *fmt, ...) printf_like(3, 4);

/* The same with an errno as the code (returned negative), whose text is not appended. */
int err_fail_code(struct err *e, enum err_id id, int errnum, const char *fmt, ...)
	printf_like(4, 5);

/* Records that a child of ours ended without the word that it owed: ERR_WORKER_GONE, with its hint. Returns -EIO. */
int err_died(struct err *e, const char *fmt, ...) printf_like(2, 3);

/* Sets the hint. Returns -e->code, so that it can end a function: `return err_hint(e, ...)`. */
int err_hint(struct err *e, const char *fmt, ...) printf_like(2, 3);

/* Puts "context: " in front of the message. Returns -e->code. */
int err_context(struct err *e, const char *fmt, ...) printf_like(2, 3);

/* "E-IMAGE-UNKNOWN" and the explanation that `hoy help` shows. */
const char *err_id_name(enum err_id id);
const char *err_id_text(enum err_id id);

/* Finds an id by its name, case-insensitively; returns false if there is none. */
bool err_id_find(const char *name, enum err_id *ret);

#endif
