/*
 * log_form.h - how one entry of a log begins, in the three forms that log files have. A reader takes all, line by line, so a log that was begun in one form and
 * went on in the other is read as one.
 *
 *   k8s-file   "2026-01-02T03:04:05.123456789Z stdout F TEXT\n": 41 bytes a line
 *   local      "@2026-01-02T03:04:05.123456Z\n" once in a while, and then "1hZ>TEXT\n": the microseconds since that moment in digits of base 64,
 *              as many as it takes (three to six), and the kind: > and ! are lines of standard output and error, + and * parts of
 *              such lines. 5 or 6 bytes a line
 *
 *   json-file  {"time":"2026-01-02T03:04:05.123456789Z","stream":"stdout","log":"TEXT\n"}: docker's, with the keys in an order of our own, so that what an entry is
 *              stands before its text. A line's newline is part of the text, a part of a line has none. Being JSON it holds text only: bytes that are no UTF-8
 *              become U+FFFD
 *
 * In all of them an entry ends with a newline, and neither time nor kind can be part of one, so after damage of any sort the next line is an entry again; the
 * text is the container's bytes as they are. From anywhere in a local log the last "@" before it is at most LOG_ANCHOR_EVERY bytes and an entry away, and nothing else
 * in front of an entry is needed to understand it: so the end of a log is read without its beginning.
 */
#ifndef MONITOR_LOG_FORM_H
#define MONITOR_LOG_FORM_H

#include "base/base.h"

enum log_form { LOG_K8S, LOG_LOCAL, LOG_JSON };

enum {
	LOG_HEAD_MAX =
		80, /* bytes before the text of an entry at most, an anchor in front of it included */
	LOG_ANCHOR_EVERY = 32 * 1024,
};

/* The writer's state of the local form; all zero: the next entry begins with an anchor. */
struct log_anchor {
	int64_t us;   /* since 1970; 0: none is written yet */
	size_t since; /* bytes written behind it */
};

/* Puts the head of an entry into buf (LOG_HEAD_MAX bytes), in front of it an anchor if it needs one. Returns the bytes. a may be NULL for
 * k8s-file. */
size_t log_put_head(char *buf, enum log_form form, struct log_anchor *a, struct timespec now,
		    bool is_stderr, bool partial);
/* Only the anchor, for a file that begins in the middle. Returns the bytes. */
size_t log_put_anchor(char *buf, const struct log_anchor *a);

struct log_entry {
	enum { LOG_LINE, LOG_RELATIVE, LOG_ANCHOR, LOG_TORN, LOG_OBJECT } what;
	bool is_stderr, partial; /* LOG_OBJECT: partial is told by the end of its text */
	size_t head;		 /* bytes before the text; 0: this is no entry */
	int64_t us;		 /* LOG_ANCHOR: the moment; LOG_RELATIVE: since the last one */
	char when[40];		 /* LOG_LINE, LOG_OBJECT: the time as it is written, */
	struct timespec time;	 /* and parsed */
};

/* Parses the head of a line. n bytes are there; what it needs is LOG_HEAD_MAX bytes or the line's newline. LOG_TORN: a head of the local form
 * that was cut off before its kind; it has no text. */
struct log_entry log_parse_head(const char *p, size_t n);

/* The text of a LOG_OBJECT, as it is read byte for byte; zero it where the text begins. */
struct log_text {
	char esc[8]; /* of an escape that is not whole yet */
	unsigned nesc;
	bool newline; /* the last character was one: it is only given out when another one follows */
	bool closed;  /* the text is over */
};
enum { LOG_STEP_MAX = 5 };
/* Takes a byte and gives the bytes of output that come of it: how many. Without a newline at its end, an entry is a part of a line. */
size_t log_text_step(struct log_text *t, char c, char out[LOG_STEP_MAX]);

/* The other way round: writes what stands for the character at p (n bytes are there, at least one) into out, LOG_CHAR_MAX bytes; *ret_used is how many bytes of p it
 * was. */
enum { LOG_CHAR_MAX = 6 };
size_t log_put_char(char *out, const char *p, size_t n, size_t *ret_used);
/* How many bytes at the end of the text are a character whose rest is missing. */
size_t log_open_char(const char *p, size_t n);

#endif
