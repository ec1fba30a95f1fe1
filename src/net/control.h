/*
 * control.h - the socket of the network process: members come and go.
 *
 * One connection is one endpoint (net/attach.h is the other side). The first message is the request as JSON; the answer is 'E' + struct err, or 'K' + JSON
 * with three descriptors: N, a rtnetlink and an nfnetlink socket of N. When the connection ends, the member goes; when the last one has, the process ends.
 * Before it may come messages "B" with sockets that are bound already (net/bind.h).
 * A request with Update is no member: it brings what has changed in the record (dns: its name servers), or the new name of a container, is answered with 'K' alone, and is over.
 * A request may be of a later or an earlier hoy than the process: fields are only ever added.
 */
#ifndef NET_CONTROL_H
#define NET_CONTROL_H

#include "net/netproc.h"

enum {
	CONTROL_MAX = 128 << 10,
	CONTROL_BACKLOG = 128
}; /* bytes of a message; connections that wait */

struct control_request {
	int64_t version;
	const char *container, *name, *hostname, *ip4, *ip6;
	struct strs aliases, dns;
	bool first, dns_not_last, update;
	struct bind_list ports; /* struct port */
};
struct control_answer {
	struct bind_list ports; /* as the kernel gave them */
};
extern const struct bind_field control_request_fields[], control_answer_fields[];

int control_init(struct netproc *np, int listener, struct err *e);
/* Nothing could be set up: whoever connects is told, for a moment. */
void control_refuse(int listener, const struct err *why);
/* The process ends: takes the socket away, unless somebody with the lock is about to replace it, and every member. dir: networks/<name>. */
void control_end(struct netproc *np, int dir, int lock);

#endif
