/*
 * dbus.h - calling one method of somebody on a D-Bus socket: connect, say who we are, ask, hear the answer, hang up.
 *
 * Just enough of the D-Bus specification (1.0, "Message Protocol" and "Authentication Protocol", EXTERNAL) to ask systemd for something: the arguments are marshalled by the
 * caller with the functions here, of answers only kind, error name and its text are looked at. What arrives is bounded and checked; nobody is waited for longer
 * than DBUS_WAIT_MS in all.
 */
#ifndef SYS_DBUS_H
#define SYS_DBUS_H

#include "base/base.h"

enum { DBUS_WAIT_MS = 10000, DBUS_MESSAGE_MAX = 1 << 20, DBUS_TEXT_MAX = 200 };

struct dbus_call {
	const char *destination; /* NULL: the socket has only one at its other end */
	const char *path, *interface, *member;
	const char *signature; /* of body; NULL: no arguments */
	const struct str *body;
};

/* What an answer says. */
struct dbus_answer {
	uint32_t serial; /* of the call that it answers */
	bool is_answer;	 /* a return or an error; else it is a signal or a call, for others */
	bool is_error;
	char error[DBUS_TEXT_MAX]; /* "org.freedesktop.DBus.Error.ServiceUnknown" */
	char text[DBUS_TEXT_MAX];  /* the first argument, if that is a text */
};

/* Calls over the unix socket at this path. bus: a daemon is there, which wants to be greeted first. 0; -EREMOTEIO with the answer's
 * error filled; or another -errno: nobody there, no answer, or nonsense. */
int dbus_call(const char *socket_path, bool bus, const struct dbus_call *c,
	      struct dbus_answer *ret);

/* Arguments. Each is aligned to what its type wants, counted from the beginning of the body. */
void dbus_add_u32(struct str *body, uint32_t v);
void dbus_add_u64(struct str *body, uint64_t v);
void dbus_add_bool(struct str *body, bool v);
void dbus_add_string(struct str *body, const char *s);
void dbus_add_signature(struct str *body, const char *s);
void dbus_align(struct str *body, size_t to);
/* An array: begin gives what end needs. align is that of its elements (8 for structs), for both. */
size_t dbus_begin_array(struct str *body, size_t align);
void dbus_end_array(struct str *body, size_t begin, size_t align);

/* The length of the message that begins with these DBUS_FIXED bytes, or -EBADMSG. For the parser's tests. */
enum { DBUS_FIXED = 16 };
ssize_t dbus_length(const unsigned char *p);
/* A whole message. 0 or -EBADMSG. */
int dbus_parse(const unsigned char *p, size_t n, struct dbus_answer *ret);

#endif
