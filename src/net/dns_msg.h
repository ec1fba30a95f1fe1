/*
 * dns_msg.h - DNS messages (RFC 1035, EDNS0 RFC 6891, errors RFC 8914): reading questions, writing answers, telling whether a message is whole.
 *
 * Foreign bytes: every read is bounded, compression pointers only ever lead backwards, nothing is allocated.
 */
#ifndef NET_DNS_MSG_H
#define NET_DNS_MSG_H

#include "net/addr.h"

enum {
	DNS_HEADER = 12,
	DNS_NAME_WIRE = 255, /* bytes of a name, lengths and the final zero with it */
	DNS_NAME_TEXT = 256, /* the same as text, without a final dot */
	DNS_UDP_SIZE = 512,  /* what who does not say anything else takes over UDP */
	DNS_MSG_MAX = 65535,
};

enum dns_type {
	DNS_A = 1,
	DNS_PTR = 12,
	DNS_AAAA = 28,
	DNS_TYPE_OPT = 41,
	DNS_IXFR = 251,
	DNS_AXFR = 252,
	DNS_ANY = 255,
};

enum dns_rcode {
	DNS_OK,
	DNS_FORMERR,
	DNS_SERVFAIL,
	DNS_NXDOMAIN,
	DNS_NOTIMP,
	DNS_REFUSED,
	DNS_BADVERS = 16,
};

/* Why, for who understands it (info codes of RFC 8914, section 4). */
enum dns_ede {
	DNS_EDE_OTHER = 0,
	DNS_EDE_BLOCKED = 15,
	DNS_EDE_NO_AUTHORITY = 22,
	DNS_EDE_NETWORK = 23
};

struct dns_question {
	uint16_t id, type, class,
		udp_size; /* udp_size: what fits into an answer over UDP, at least 512 */
	bool edns, dnssec;
	size_t end; /* where the question section ends in the message */
	char name
		[DNS_NAME_TEXT]; /* lower case, dots between; "" for the root, and if plain is false */
	bool plain;		 /* no label has a dot, a blank or another odd byte in it */
};

/* 0: a question that can be answered. An rcode > 0: it must be answered with that one (ret has all that was understood; end is 0 if not even the
 * question was). -1: not to be answered at all: too short, or itself an answer. */
int dns_question_parse(const uint8_t *msg, size_t n, struct dns_question *ret);

/* The length of the message as its counts have it (what is behind is not meant), 0: it is not whole, or a name in it never ends. */
size_t dns_whole(const uint8_t *msg, size_t n);

/* Is answer (any n bytes) one to the question msg asks (parsed as q), with this id? An error without a question section is one too. */
bool dns_is_answer(const uint8_t *answer, size_t n, const uint8_t *msg,
		   const struct dns_question *q, uint16_t id);
unsigned dns_rcode_of(const uint8_t *msg);
bool dns_is_cut(const uint8_t *msg); /* TC */
uint16_t dns_id(const uint8_t *msg);
void dns_set_id(uint8_t *msg, uint16_t id);

/* An answer on the way. The room that its end needs is kept free; what does not fit sets TC. */
struct dns_reply {
	uint8_t *buf;
	size_t len, limit;
	const struct dns_question *q;
	uint16_t answers;
	unsigned rcode;
	bool cut;
};

/* msg is the message q was parsed from. limit: of buf, and of what the asker takes; at least 512. */
void dns_reply_start(struct dns_reply *r, const struct dns_question *q, const uint8_t *msg,
		     uint8_t *buf, size_t limit, unsigned rcode);
void dns_reply_address(struct dns_reply *r, const struct ip *ip, uint32_t ttl);
void dns_reply_name(struct dns_reply *r, const char *name,
		    uint32_t ttl); /* PTR; a name that is none is left out */
/* Returns the length. why: a reason for people, sent with the code if the asker speaks EDNS; NULL: none. */
size_t dns_reply_end(struct dns_reply *r, enum dns_ede code, const char *why);

/* Makes an answer (a whole message to q) fit into limit by leaving out all its records, with TC. Returns its length. */
size_t dns_cut(uint8_t *answer, size_t n, const struct dns_question *q, size_t limit);

/* "4.3.2.1.in-addr.arpa", "...ip6.arpa" with all its labels: the address. -EINVAL. */
int dns_ptr_parse(const char *name, struct ip *ret);

#endif
