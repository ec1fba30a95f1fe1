#include "base/base.h"
#include "net/out_icmp.h"

int out_icmp_init(struct netproc *np, struct err *e)
{
	return 0;
}

void out_icmp_packet(struct netproc *np, const struct packet *p)
{
}

void out_icmp_member_gone(struct netproc *np, struct member *m)
{
}
