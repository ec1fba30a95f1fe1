#include "base/base.h"
#include "net/netproc.h"

struct member *netproc_member(struct netproc *np, const struct ip *ip)
{
	for (struct member *m = np->members; m; m = m->next)
		if (ip_equal(ip->family == 6 ? &m->ip6 : &m->ip4, ip))
			return m;
	return NULL;
}
