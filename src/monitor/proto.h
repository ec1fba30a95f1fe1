/*
 * proto.h - what a client (hoy run, attach, exec, wait) and a monitor process (supervisor, exec monitor) say to each other.
 *
 * One message of a SOCK_SEQPACKET unix socket is one frame: a type byte, then its payload, host byte order (both ends are on one
 * machine). A supervisor outlives upgrades of hoy, so frames are only ever added: unknown types are ignored by both sides, and a
 * payload may grow at its end. PROTO_VERSION counts changes that the other side has to know of.
 */
#ifndef MONITOR_PROTO_H
#define MONITOR_PROTO_H

#include <stdint.h>

enum { PROTO_VERSION = 4, PROTO_CHUNK = 16384 }; /* most payload bytes of a stream frame */

enum frame_type {
	/* client to monitor */
	FRAME_HELLO = 'H',     /* struct frame_hello: the first frame of a connection */
	FRAME_STDIN = 'I',     /* bytes */
	FRAME_STDIN_EOF = 'X', /* no payload */
	FRAME_RESIZE = 'R',    /* struct frame_size */
	FRAME_SIGNAL = 'S',    /* int32_t: for PID 1 */
	FRAME_NETWORKS =
		'G', /* no payload: the container's networks.json has changed; since version 2 */
	FRAME_CLOSE = 'K',  /* uint8_t 'O' or 'E': nobody reads that stream any more */
	FRAME_HEALTH = 'C', /* no payload: check the container's health now; since version 3 */
	FRAME_CHANGED =
		'U', /* no payload: the container's config has changed; it comes back when that is known; since version 4 */
	/* monitor to client */
	FRAME_WELCOME = 'W',   /* struct frame_welcome */
	FRAME_STARTED = 'B',   /* int32_t: pid */
	FRAME_STDOUT = 'O',    /* bytes; of a terminal everything */
	FRAME_STDERR = 'E',    /* bytes */
	FRAME_EXIT = 'Q',      /* int32_t: exit code; the last frame */
	FRAME_ERROR = 'F',     /* struct err: it did not start; the last frame */
	FRAME_NOTE = 'N',      /* text for people */
	FRAME_NETWORKED = 'G', /* struct err, code 0: the container is in just those networks now */
	/* int32_t, under FRAME_HEALTH: 0: the check succeeded, 1: it failed, -1: there is none. */
	/* No payload: the last FRAME_STDIN went on. The next one is sent only then, so that signals never wait behind input. */
	FRAME_TAKEN = 'T',
};

enum { HELLO_OUTPUT = 1, HELLO_INPUT = 2 };
struct frame_hello {
	uint8_t version, want; /* HELLO_* */
};
struct frame_welcome {
	uint8_t version, tty;
};
struct frame_size {
	uint16_t rows, cols;
};

#endif
