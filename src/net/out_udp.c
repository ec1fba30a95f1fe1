#include "base/base.h"
#include "net/out_udp.h"

int out_udp_init(struct netproc *np, struct err *e)
{
	return 0;
}

void out_udp_packet(struct netproc *np, const struct packet *p)
{
}

void out_udp_member_gone(struct netproc *np, struct member *m)
{
}

void out_udp_flush(struct netproc *np)
{
}
