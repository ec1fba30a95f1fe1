#include "base/base.h"
#include "engine/restart.h"
#include "state/tell.h"

int container_keep(struct container *c, struct err *e)
{
	if (!c->state.auto_remove)
		return 0;
	int fd = openat(c->dir, CONTAINER_KEEP, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_set(e, errno, "mark container %s for its restart", c->state.name);
	close(fd);
	return 0;
}

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
