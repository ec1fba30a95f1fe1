/*
 * relay.h - the streams between a process and its clients, for the supervisor and for exec monitors alike.
 *
 * Output (one pty, or two pipes) goes to the log first and then to every client that wants it, as one frame a chunk. A client that does
 * not take its frame stops the reading of that stream until it does or goes away: output is never lost and never piles up; the
 * process feels it as it would feel a slow pipe. Input frames go to the pty or to the stdin pipe in the order they come, one at a
 * time; one that has no room waits in its client's socket, and only other input waits behind it.
 * The owner embeds struct relay in static memory; nothing is allocated while it runs.
 */
#ifndef MONITOR_RELAY_H
#define MONITOR_RELAY_H

#include "base/loop.h"
#include "monitor/log.h"
#include "monitor/proto.h"

enum { RELAY_CLIENTS = 32 }; /* bits of relay_stream.pending */

struct relay_stream {
	int fd;		  /* -1: closed */
	struct watch w;	  /* fd -1: closed, or paused because a client is slow */
	char type;	  /* FRAME_STDOUT, FRAME_STDERR */
	uint32_t pending; /* clients that still have to take the chunk */
	size_t len;	  /* bytes of the chunk, with the type byte */
	char chunk[1 + PROTO_CHUNK];
	bool pumping;
	int budget; /* bytes that may still be read when the process has ended */
	struct relay *r;
};

struct relay_client {
	struct watch w; /* fd -1: free */
	uint8_t want;
	bool greeted, primary;	    /* primary: the one that started the process */
	bool owed_taken, owed_last; /* frames that had no room yet and must not get lost */
	bool served; /* the last frame is meant for it: it goes before the process is started again */
	struct relay *r;
};

struct relay {
	struct loop *loop;
	struct log *log; /* NULL: none */
	bool tty;
	struct relay_stream out[2];
	struct relay_client clients[RELAY_CLIENTS];
	struct watch in; /* the pty again (a duplicate), or the stdin pipe; fd -1: closed */
	size_t in_len, in_at;
	bool in_eof;
	struct relay_client *in_from; /* whose input is in the buffer; NULL: it is gone */
	char in_buf[PROTO_CHUNK];
	bool finishing, ending, ended;
	size_t last_len;
	char last[16];
	struct watch listener;
	uid_t owner;
	void (*on_signal)(struct relay *r, int sig);
	void (*on_networks)(struct relay *r, size_t client); /* may be NULL */
	void (*on_health)(struct relay *r, size_t client);   /* may be NULL */
	void (*on_changed)(struct relay *r);		     /* may be NULL */
	void (*on_closed)(struct relay *r); /* the starting client reads no more; may be NULL */
	void (*on_gone)(struct relay *r);   /* the starting client is gone; may be NULL */
	void (*on_drained)(
		struct relay *r); /* both streams are at their end and taken by all clients */
	void (*on_ended)(struct relay *r); /* all clients have the last frame */
};

/* Takes over the descriptors given (-1: none): pty, or out, err and in. */
int relay_init(struct relay *r, struct loop *l, struct log *log, int pty, int out, int err, int in);

/* After relay_end(): the same with the streams of the next process. Clients that came since then stay, the listener as well. */
int relay_again(struct relay *r, int pty, int out, int err, int in);

/* A client that is there from the start; it needs no HELLO. */
int relay_add_client(struct relay *r, int sock, uint8_t want, bool primary);
/* Makes the socket `attach` in the container's directory: a listening descriptor. */
int relay_bind(int container_dir, struct err *e);
/* Accepts clients on a listening socket, of the user owner only. */
int relay_listen(struct relay *r, int listener, uid_t owner);

/* Sends a frame to one client (by its number), if it is there and has room. */
void relay_answer(struct relay *r, size_t client, char type, const void *payload, size_t n);

/* The process has ended: passes on what is left in its streams, and closes them, whoever else may hold their other ends. */
void relay_finish(struct relay *r);
bool relay_is_drained(const struct relay *r);

/* The process has ended and nobody wants to wait any longer: lets the clients go that do not take what they have to get. */
void relay_abandon(struct relay *r);

/* Sends the last frame (at most 15 bytes of payload) to all clients; for one that has no room for it, it waits. Then on_ended. */
void relay_end(struct relay *r, char type, const void *payload, size_t n);

/* Sends a frame to all clients, whatever they want to see; those that cannot take it lose it. */
void relay_tell(struct relay *r, char type, const void *payload, size_t n);

#endif
