/*
 * holder.h - a port that cannot be published because it is taken: by whom?
 *
 * The network process finds out that it is taken, and can see nothing else: no /proc, no store. So its error says which port, in words that
 * holder_explain() reads again where the error arrives, outside of all namespaces; both are here.
 */
#ifndef NET_HOLDER_H
#define NET_HOLDER_H

#include "net/addr.h"
#include "state/home.h"

/* ERR_PORT_TAKEN. Returns its code. */
int holder_taken(const struct ip *ip, uint16_t port, const char *protocol, struct err *e);

/* If e is such an error, gives it a hint: the container of this store that publishes the port, else the program and its process id, else the
 * user whose program it is. Leaves all other errors alone. */
void holder_explain(const struct home *h, struct err *e);

/* One line of /proc/net/tcp, tcp6, udp or udp6. */
struct holder_socket {
	struct ip ip;
	uint16_t port;
	unsigned state;
	uint64_t uid, inode;
};
bool holder_parse(const char *line, struct holder_socket *ret);

#endif
