/*
 * tell.h - telling a network process what has changed in its record.
 *
 * The process cannot read the record itself: it sees no file. Where none runs there is nothing to do, for the next one is made from the record.
 */
#ifndef NET_TELL_H
#define NET_TELL_H

#include "net/network.h"

/* The name servers that it asks from now on. */
int tell_dns(const struct home *h, const struct network *n, struct err *e);

/* A container that is in the network has another name from now on. */
int tell_name(const struct home *h, const char *network, const char *container, const char *name,
	      struct err *e);

#endif
