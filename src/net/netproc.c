#include "base/base.h"
#include "net/netproc.h"

struct member *netproc_member(struct netproc *np, const struct ip *ip)
{
	for (struct member *m = np->members; m; m = m->next)
		if (ip_equal(ip->family == 6 ? &m->ip6 : &m->ip4, ip))
			return m;
	return NULL;
}

bool netproc_may_keep(const struct netproc *np, const struct member *m, int fd, uint32_t promised)
{
	int64_t left = (int64_t)np->fd_limit - fd - promised;

	return left > 0 && 2 * (int64_t)m->flows.conns <= 3 * left;
}
