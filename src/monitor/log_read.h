/*
 * log_read.h - the log of a container given back as the output it was (log.h says how it is written, log_form.h in which forms).
 *
 * A reader is fed the bytes of a log in pieces of any size and calls back with text. It holds the beginning of one entry at
 * most, so an entry of any length takes no more memory than a short one. Parts (P) are joined, so that the text is the output byte for
 * byte. A line that is no entry is given back as it is, as a line of standard output.
 */
#ifndef MONITOR_LOG_READ_H
#define MONITOR_LOG_READ_H

#include "monitor/log_files.h"
#include "monitor/log_form.h"

/* Non-zero from a callback stops the reading and is passed on. */
struct log_sink {
	/* A line of output begins. when is empty if it is not known. */
	int (*line)(void *arg, bool is_stderr, const char *when);
	int (*text)(void *arg, bool is_stderr, const char *p, size_t n);
	void *arg;
};

struct log_reader {
	struct log_sink sink;
	struct timespec since, until; /* entries of other times are left out; both 0: none */
	bool filter;		      /* since and until are set */
	bool times;		      /* the sink wants to know when */
	int64_t anchor; /* of the local form: the moment that entries count from, in microseconds; 0: not known */
	/* Offset from which entries of standard output and error are wanted (for --tail). */
	off_t from[2];
	off_t at; /* offset of the next byte to be fed */

	char head[LOG_HEAD_MAX];
	size_t nhead;		/* bytes collected of a line whose head is not parsed yet */
	off_t line_at;		/* where that line begins */
	bool inside;		/* the head was parsed; what follows is text */
	bool show;		/* and it is wanted */
	struct log_entry entry; /* the entry inside which we are */
	struct log_text json;	/* and its text, if that is JSON */
	bool midline[2];	/* of the output, by stream */
};

/* Takes the next bytes of the log. */
int log_reader_feed(struct log_reader *r, const char *p, size_t n);
/* The log has come to its end for now: gives out what is held back of a line that is no entry. */
int log_reader_end(struct log_reader *r);

/* Finds where the last `lines` lines of output begin, by reading the log backward from end; fills ret[0] (standard output) and
 * ret[1] (error). 0 or -errno. */
int log_tail(const struct log_files *f, off_t end, uint64_t lines, off_t ret[2]);

/* The moment from which the entries at this offset count, in a log of the local form; 0: not known, or it is of the other form. */
int64_t log_anchor_at(const struct log_files *f, off_t at);

#endif
