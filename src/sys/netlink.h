/*
 * netlink.h - netlink messages: a batch of requests in one buffer, sent with one system call, and the answers.
 *
 * The kernel carries requests out while send(2) runs, so all answers lie ready when it returns: nothing here ever waits. Each message has
 * words for what it does ("make the bridge"), which stand in the error together with what the kernel says (its extended ack).
 * Requests of rtnetlink are independent: one that fails does not stop those behind it. Those of nftables (sys/nft.h) take
 * effect together or not at all. A socket belongs to one process at a time: answers have no other address.
 * Source: netlink(7), rtnetlink(7).
 */
#ifndef SYS_NETLINK_H
#define SYS_NETLINK_H

#include <linux/netlink.h>

#include "base/base.h"

enum { NL_ROOM = 16384, NL_MESSAGES = 96 };

struct nl_batch {
	size_t len, at; /* bytes used; where the last message begins */
	unsigned n;	/* messages */
	bool full;	/* something did not fit; sending it fails */
	struct {
		const char *what; /* static text */
		int may;	  /* an errno that is as good as success; 0: none */
	} info[NL_MESSAGES];
	_Alignas(8) uint8_t buf[NL_ROOM];
};

/* A socket of the own network namespace that tells errors in words. A descriptor, or -errno. Another process may use it with its own
 * rights: what is sent to an address, as all is here, is judged by the sender alone, whoever opened the socket. */
int nl_open(int protocol, struct err *e);
void nl_words(int fd); /* a socket that was opened elsewhere tells errors in words, too */

void nl_reset(struct nl_batch *b);
/* Begins a message; NLM_F_REQUEST is added. Returns its fixed part, zeroed, to be filled in. */
void *nl_message(struct nl_batch *b, const char *what, uint16_t type, uint16_t flags, size_t fixed);
/* The errno that the last message may end with. */
void nl_may(struct nl_batch *b, int errnum);

void nl_put(struct nl_batch *b, uint16_t attr, const void *p, size_t n);
void nl_put_u8(struct nl_batch *b, uint16_t attr, uint8_t v);
void nl_put_u16(struct nl_batch *b, uint16_t attr, uint16_t v);
void nl_put_u32(struct nl_batch *b, uint16_t attr, uint32_t v);
void nl_put_be32(struct nl_batch *b, uint16_t attr, uint32_t v);
void nl_put_text(struct nl_batch *b, uint16_t attr, const char *s); /* with its NUL */
size_t nl_nest(struct nl_batch *b, uint16_t attr);		    /* what nl_nest_end() wants */
void nl_nest_end(struct nl_batch *b, size_t nest);

/* Sends the batch, if it has messages, and reads all answers. The error is that of the first message that failed; *ret_failed (may
 * be NULL) is its number, or -1. The batch is empty afterwards. */
int nl_talk(int fd, struct nl_batch *b, int *ret_failed, struct err *e);

/* Sends the one message in the batch, made with NLM_F_DUMP or NLM_F_ECHO, and calls fn for each message of the answer: its type, and what
 * follows the header. fn returns 0, or something negative, which ends it. */
int nl_dump(int fd, struct nl_batch *b,
	    int (*fn)(uint16_t type, const uint8_t *p, size_t n, void *arg), void *arg,
	    struct err *e);

/* Walks over attributes: false at the end or where the bytes are none. *pos begins at 0. */
struct nl_attr {
	uint16_t type; /* without flags */
	const uint8_t *p;
	size_t n;
};
bool nl_next(const uint8_t *p, size_t n, size_t *pos, struct nl_attr *ret);
uint32_t nl_u32(const struct nl_attr *a); /* 0 if it is too short */

/* Walks over the messages of an answer, in the same way. */
struct nl_msg {
	uint16_t type, flags;
	uint32_t seq;
	const uint8_t *p;
	size_t n;
};
bool nl_next_msg(const uint8_t *p, size_t n, size_t *pos, struct nl_msg *ret);

/* The errno of an NLMSG_ERROR (0: an acknowledgement), with the kernel's words or NULL. */
int nl_error(const struct nl_msg *m, char text[160]);

#endif
