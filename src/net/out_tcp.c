#include "base/base.h"
#include "net/out_tcp.h"

int out_tcp_init(struct netproc *np, struct err *e)
{
	return 0;
}

void out_tcp_packet(struct netproc *np, const struct packet *p)
{
}

void out_tcp_member_gone(struct netproc *np, struct member *m)
{
}
