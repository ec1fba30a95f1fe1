/*
 * host_address.h - the address by which a container reaches its host: what 169.254.1.2 (host.containers.internal) stands for.
 *
 * It is the host's primary address, the one that its default route uses at that moment: a service on all addresses answers there, one on
 * 127.0.0.1 does not.
 */
#ifndef NET_HOST_ADDRESS_H
#define NET_HOST_ADDRESS_H

#include "net/addr.h"

/* Asked again when the last answer is older than a second. family 0: the host has no address but loopback. No packet is sent. */
struct ip host_address(void);

#endif
