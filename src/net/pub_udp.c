#include "base/base.h"
#include "net/pub_udp.h"

int pub_udp_open(struct listener *l, struct err *e)
{
	return err_fail(e, ERR_INTERNAL, "this build publishes no UDP ports");
}

void pub_udp_close(struct listener *l)
{
	loop_remove(&l->m->np->loop, &l->w);
}
