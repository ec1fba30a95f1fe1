/*
 * dns_parts.h - what the files of the name server share: dns.c (questions over UDP, what becomes of one), dns_tcp.c (clients over TCP),
 * dns_upstream.c (servers that are asked).
 *
 * A question is answered at once, or it becomes a waiter of a query that is under way. A waiter knows where its answer goes; it goes away with its member
 * or its connection. A query goes away with its last waiter.
 */
#ifndef NET_DNS_PARTS_H
#define NET_DNS_PARTS_H

#include <netinet/in.h>

#include "net/dns.h"
#include "net/dns_msg.h"
#include "net/resolv.h"

enum {
	DNS_WAITERS = 512, /* in all */
	DNS_WAITERS_MEMBER = 128,
	DNS_CONNS = 256, /* TCP connections in all */
	DNS_CONNS_MEMBER = 32,
	DNS_CONN_WAITERS = 16, /* questions of one connection at once */
	DNS_IDLE_MS = 5000,
	DNS_QUESTION_MAX = 4096, /* bytes; longer ones are refused */
	DNS_SERVERS = RESOLV_SERVERS,
};

struct dns_conn;
struct query;

/* Where an answer goes. */
struct dns_client {
	const struct member *member;
	int udp; /* the listening socket, or -1 */
	union {
		struct sockaddr sa;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
	} from;
	struct dns_conn *conn; /* NULL for UDP */
};

struct dns_waiter {
	struct dns_waiter *next;
	struct dns_client client;
	uint16_t id;
};

/* A server that did not answer, or cannot be reached, is asked last for a while. */
struct dns_health {
	struct ip ip;
	uint8_t fails;
	int64_t dead_until;
};

struct dns {
	struct netproc *np;
	struct watch listener[4]; /* UDP, TCP of IPv4; the same of IPv6 */
	struct timer timer;	  /* the next thing that is due, of queries and connections */
	struct query *queries;
	size_t waiters, tries; /* tries: sockets to servers */
	struct dns_conn *conns;
	size_t nconns;
	unsigned turn;
	struct resolv host; /* the last resolv.conf that named a server */
	int64_t host_next;  /* when it may be looked at again */
	struct timespec host_mtime;
	uint64_t host_dev, host_ino, host_size;
	struct dns_health health[2 * DNS_SERVERS];
	uint8_t in[DNS_QUESTION_MAX + 1];
	uint8_t out[DNS_MSG_MAX]; /* one answer at a time; untouched pages cost nothing */
	uint8_t up[DNS_MSG_MAX];
};

/* dns.c. A message from a client: answers it now or later. False: nothing will come of it. */
bool dns_take(struct dns *d, const struct dns_client *c, const uint8_t *msg, size_t n);
/* An answer to a client; msg is changed (the id, and it may be cut). q: the question as it was parsed. */
void dns_deliver(struct dns *d, const struct dns_client *c, const struct dns_question *q,
		 uint16_t id, uint8_t *msg, size_t n);
/* Something is due at that time (monotonic milliseconds). */
void dns_due(struct dns *d, int64_t at);

/* dns_tcp.c */
void dns_tcp_accept(struct dns *d, struct watch *listener, int family);
void dns_tcp_deliver(struct dns *d, struct dns_conn *c, const uint8_t *msg, size_t n);
int64_t dns_tcp_tick(struct dns *d, int64_t now); /* the next time, or 0 */
/* Ends the connections of a member, or all (NULL). */
void dns_tcp_end(struct dns *d, const struct member *m);

/* dns_upstream.c. Makes c a waiter: the answer comes through dns_deliver(), within 5 s whatever happens. */
void dns_upstream_ask(struct dns *d, const struct dns_client *c, const struct dns_question *q,
		      const uint8_t *msg, size_t n);
int64_t dns_upstream_tick(struct dns *d, int64_t now);
/* Forgets the waiters of a member, of a connection, or all (both NULL). */
void dns_upstream_forget(struct dns *d, const struct member *m, const struct dns_conn *c);
/* An answer of our own with a reason; used where there is none of a server. */
void dns_answer_error(struct dns *d, const struct dns_client *c, const struct dns_question *q,
		      const uint8_t *msg, unsigned rcode, enum dns_ede code, const char *why);

#endif
