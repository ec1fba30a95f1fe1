/*
 * events_read.h - events (events.h) read back: what is there, and what comes.
 *
 * Reading takes no lock. A reader holds the file that is written and, once that was moved away, the old one too, to which somebody may still
 * add who opened it before. What is no event (torn lines, foreign bytes, too long) is left out, and never hides the next one.
 */
#ifndef STATE_EVENTS_READ_H
#define STATE_EVENTS_READ_H

#include "data/json.h"
#include "state/events.h"

struct event_record {
	int64_t time; /* nanoseconds since 1970 */
	const char *type,
		*action; /* never NULL, nor is any of the strings: "" if it is not known */
	const char *id, *name, *image;
	bool has_code;
	int64_t code;
	struct pairs attributes, labels;
};

/* One line without its newline. False if it is no event; a torn one before it on the same line does not matter. */
bool event_parse(const char *line, size_t n, struct arena *a, struct event_record *ret);

struct events_reader {
	int store;
	struct events_file {
		int fd;
		off_t at;
		struct str line; /* the beginning of one whose end is not there yet */
		bool skip;	 /* it is too long: what follows up to the newline belongs to it */
	} files[2];		 /* the older one first; -1: none */
	bool missed;		 /* files were moved away before they could be read */
};

/* Begins with what is there, or behind it. store stays the caller's. A store without events is fine; they may come. */
void events_open(struct events_reader *r, int store, bool from_start);
void events_close(struct events_reader *r);

/* Hands over every event that there is and was not handed over yet. Non-zero from the callback stops and is returned; else 0, or -errno. The record is valid
 * during the call. */
int events_read(struct events_reader *r, int (*fn)(void *arg, const struct event_record *ev),
		void *arg);

#endif
