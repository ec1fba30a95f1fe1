/*
 * dns_names.h - which names a network itself knows, and what they mean for a member that asks (the rules are in dns.h).
 */
#ifndef NET_DNS_NAMES_H
#define NET_DNS_NAMES_H

#include "net/dns_msg.h"
#include "net/netproc.h"

enum { DNS_FOUND_MAX = 256, DNS_TTL = 1 };

enum dns_own {
	DNS_OWN_ANSWER,	  /* it is ours: what is found, or nothing of that type */
	DNS_OWN_NONE,	  /* it is ours to know, and there is no such name */
	DNS_OWN_INTERNAL, /* not ours, and the network is internal: there is no such name either */
	DNS_OWN_NEXT,	  /* another server of the member may know it */
	DNS_OWN_FORWARD,  /* ask upstream */
};

struct dns_found {
	struct ip v[DNS_FOUND_MAX];
	size_t n;
	const char *ptr; /* for PTR; NULL: none */
};

/* turn: counts questions, so that of several addresses each comes first in its turn. */
enum dns_own dns_names_find(const struct netproc *np, const struct member *asker,
			    const struct dns_question *q, unsigned turn, struct dns_found *ret);

#endif
