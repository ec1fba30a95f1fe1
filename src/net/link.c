#include "base/base.h"
#include "net/link.h"

int link_make(int rtnl, int nfnl, const struct network *n, const struct endpoint *ep, pid_t pid,
	      struct err *e)
{
	return err_set(e, ENOSYS, "make the device of network %s", n->name);
}

void link_remove(int rtnl, int nfnl, const struct network *n, const struct endpoint *ep)
{
}
