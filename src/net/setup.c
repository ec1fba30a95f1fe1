#include "base/base.h"
#include "net/setup.h"

int netns_setup(const struct network *n, bool fresh, struct netns_fds *ret, struct err *e)
{
	*ret = NETNS_FDS_NONE;
	ret->ns = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	return ret->ns < 0 ? err_set(e, errno, "open the network's namespace") : 0;
}

void netns_close(struct netns_fds *f)
{
	int *v[] = {&f->ns,	  &f->tun,	&f->listen4,  &f->listen6,
		    &f->dns_udp4, &f->dns_tcp4, &f->dns_udp6, &f->dns_tcp6};

	for (size_t i = 0; i < countof(v); i++)
		fd_close(v[i]);
}
