#include <signal.h>

#include "base/base.h"
#include "engine/remove.h"
#include "engine/stop.h"

int container_remove(const struct home *h, struct container *c, bool force, int64_t time_s,
		     struct err *e)
{
	if (c->status == CONTAINER_RUNNING && !force) {
		err_fail_code(e, ERR_CONTAINER_RUNNING, EBUSY, "container %s is running",
			      c->state.name);
		return err_hint(e, "stop it first (hoy stop %s), or use rm -f", c->state.name);
	}
	if (c->status == CONTAINER_RUNNING) {
		struct stop_report rep;
		int r = time_s >= 0 ? container_stop(h, c, time_s, &rep, e)
				    : container_kill(c, SIGKILL, e);
		if (r == 0)
			r = container_await_end(c, 20000, e);
		if (r < 0)
			return r;
		if (c->state.auto_remove)
			return 0; /* its supervisor did it */
	}
	int r = container_lock(c, 2000, e);
	if (r < 0)
		return r;
	if (container_refresh(h, c, NULL) == 0 && c->status == CONTAINER_LOST)
		container_end_lost(c);
	return container_remove_files(h, c, e);
}
