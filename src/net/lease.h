/*
 * lease.h - who has which address of a network.
 *
 * networks/<name>/leases/<address> is a link whose text is the id of the container that has it: taken by symlink(2), never by a
 * scan, so that any number of containers may start at once. IPv4 and IPv6 addresses and MACs lie side by side; every endpoint has a MAC, so
 * the links also tell which containers a network has. networks/<name>/last is a link that says where the last search ended.
 * A lease whose container is gone (it was killed, or the machine went down) is taken over by the next search that comes by; all of them
 * are taken away when the network process is made.
 * leases/ is made with the network only: where it is missing, the network is being removed. Its lock is held shared by who takes, and
 * exclusively by who removes the network.
 */
#ifndef NET_LEASE_H
#define NET_LEASE_H

#include "net/network.h"

/* Takes addresses for an endpoint of the network, as ep->ip4, ip6 and mac ask for (fixed*) or free ones, and fills them in. The
 * container (which exists, or is being made under the lock of tmp/<id>) owns them until leases_drop(). Leases whose container is gone are taken over. ERR_NETWORK_ADDRESS: taken (says by
 * whom), outside of the subnet, or none left; nothing is taken then. */
int leases_take(const struct home *h, const struct network *n, const char *container,
		struct endpoint *ep, struct arena *a, struct err *e);
/* Gives back what the container has of the endpoint's network. */
void leases_drop(const struct home *h, const char *container, const struct endpoint *ep);
/* All that it has: of every endpoint in its directory. */
void leases_drop_all(const struct home *h, const char *container, int container_dir);

/* Takes away what belongs to containers that are gone. Never fails; what is being taken meanwhile is left alone. */
void leases_tidy(const struct home *h, const char *network);

/* The ids of the containers that have addresses in the network, each once, sorted; without those that are gone. */
int leases_users(const struct home *h, const char *network, struct strv *ret, struct err *e);

/* Ends taking for good, if no container has an address: then the network can be removed. -EBUSY: one has (ret_users says who). */
int leases_close(const struct home *h, const char *network, struct strv *ret_users, struct err *e);

#endif
