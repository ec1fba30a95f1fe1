/*
 * listener.h - one published port on one address of the host, and as whom its clients come to the container.
 */
#ifndef NET_LISTENER_H
#define NET_LISTENER_H

#include "net/netproc.h"

/* A host socket; its member owns it. */
struct listener {
	struct listener *next;
	struct watch w;
	struct member *m;
	struct ip ip;  /* what it is bound to */
	uint16_t port; /* the same, on the host */
	uint16_t container_port;
	bool udp;
	void *flows; /* net/pub_udp.h */
};

/* Where a client's bytes go in N, and as who: *ret_to is the member's address, *ret_from what a socket there is to be bound to. true: that
 * is the client's own address, and the port may be the client's too. */
bool listener_source(const struct member *m, const struct ip *client, struct ip *ret_to,
		     struct ip *ret_from);

#endif
