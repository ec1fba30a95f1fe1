#include "base/base.h"
#include "net/tun.h"

int tun_init(struct netproc *np, struct err *e)
{
	return 0;
}

void tun_send(struct netproc *np, const void *packet, size_t len)
{
	(void)!write(np->fds.tun, packet, len);
}
