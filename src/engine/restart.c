#include "base/base.h"
#include "engine/restart.h"
#include "state/tell.h"

int container_start_again(const struct home *h, struct container *c, struct winsize size,
			  int *ret_sock, struct err *e)
{
	const struct start_opts so = {.size = size};

	*ret_sock = -1;
	int r = container_refresh(h, c, e);
	if (r < 0)
		return r;
	r = container_start(h, c, &so, ret_sock, e);
	if (r == 0)
		container_tell(h, &c->state, "restart", NULL, NULL);
	return r < 0 && e->id == ERR_CONTAINER_RUNNING ? 0 : r;
}
