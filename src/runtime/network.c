#include "base/base.h"
#include "net/guest.h"
#include "runtime/stage.h"
#include "runtime/sysctl.h"

int stage_network(struct stage *s, struct err *e)
{
	struct stage_network_msg msg;
	ssize_t n;

	if (!ns_is_networked(s->c))
		return 0;
	while ((n = fd_recv_msg(s->sync, &msg, sizeof msg, NULL, NULL)) == -EINTR)
		;
	if (n < (ssize_t)sizeof msg.type || msg.type[0] != 'A')
		return err_set(e, n < 0 ? (int)n : EPROTO, "hear of the container's networks");
	for (size_t i = 0; i < ((size_t)n - sizeof msg.type) / sizeof msg.v[0]; i++) {
		int r = guest_configure(&msg.v[i], e);
		if (r < 0)
			return r;
	}
	return sysctl_write_later(s->c, &s->sysctl_later, e);
}
