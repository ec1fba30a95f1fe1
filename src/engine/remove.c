#include <poll.h>
#include <signal.h>

#include "base/base.h"
#include "base/proc.h"
#include "engine/remove.h"
#include "engine/stop.h"
#include "state/tmp.h"

int container_remove_files(const struct home *h, struct container *c, struct err *e)
{
	char path[100];

	container_name_drop(h, c->state.name, c->id);
	snprintf(path, sizeof path, "containers/%s", c->id);
	int r = home_discard(h, path, e);
	return r == -ENOENT ? 0 : r;
}

void container_end_lost(struct container *c)
{
	autoclose int pidfd = proc_open((pid_t)c->state.pid, (uint64_t)c->state.pid_start);
	struct pollfd p = {.fd = pidfd, .events = POLLIN};

	if (pidfd < 0)
		return;
	proc_signal(pidfd, SIGKILL);
	poll(&p, 1, 5000);
	c->state.pid = 0;
	c->state.exit_code = 137;
	c->state.error = "its supervisor was killed";
	c->status = CONTAINER_EXITED;
}

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
