/*
 * events.h - the store's record of what happened: the file `events`, which `hoy events` reads.
 *
 * A JSON text sequence (RFC 7464): each event is RS, one JSON object, newline, and is added by one write(2) with O_APPEND, so events
 * of any number of processes never mix, and what follows a torn one (full disk, power cut) is found again at the next RS, which
 * no text inside JSON can hold. Beyond EVENTS_MAX bytes the file becomes `events.1`, and the one before is gone: nothing grows without limit.
 *
 * Writing never fails, waits, syncs or allocates, and may be done from any process, also below U0 or where the store is full: an event
 * that cannot be written is not there. Nothing is derived from events but what they tell the user.
 */
#ifndef STATE_EVENTS_H
#define STATE_EVENTS_H

#include "base/base.h"

#define EVENTS_FILE	"events"
#define EVENTS_OLD_FILE "events.1"

enum {
	EVENTS_MAX = 1 << 20, /* bytes of the file; a few more before somebody looks */
	EVENT_BYTES =
		1 << 14, /* of one event: labels and attributes that do not fit are left out */
	EVENT_TEXT_MAX = 1024, /* of one name, image or id; longer ones are cut */
	EVENT_ATTRIBUTES = 8,
};

/* What is NULL or zero is left out; strings may hold anything. Types: "container", "image", "volume", "network", "secret", "system".
 * Actions have podman's names ("create", "init", "start", "attach", "exec", "died", "health_status", "remove" ...); `hoy events` says docker's
 * ("die", "destroy") where those are asked for. */
struct event {
	const char *type, *action;
	const char *id, *name; /* of the object; a volume has only a name */
	const char *image;     /* of a container, as it was asked for */
	bool has_code;	       /* died, exec_died */
	int code;
	struct timespec time; /* zero: now */
	struct pair attributes
		[EVENT_ATTRIBUTES]; /* up to the first without a key; those without a value are left out */
	const struct pairs *labels; /* of the object; may be NULL */
};

/* Adds one event to the store, whose directory the descriptor is (struct home's fd): open, write, close, and once in some events a look at the size. */
void event_write(int store, const struct event *e);
/* The same for several that happened together, at the cost of one. */
void events_write(int store, const struct event *v, size_t n);

#endif
