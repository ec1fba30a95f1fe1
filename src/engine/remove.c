#include <signal.h>

#include "base/base.h"
#include "base/loop.h"
#include "engine/depends.h"
#include "engine/remove.h"
#include "engine/stop.h"

/* Ends it; that it has just ended by itself is as good. */
static int end(const struct home *h, struct container *c, int64_t time_s, struct err *e)
{
	struct stop_report rep;
	bool stop = time_s >= 0 || c->state.restart;
	int r = stop ? container_stop(h, c, time_s >= 0 ? time_s : 0, 0, &rep, e)
		     : container_kill(h, c, SIGKILL, e);

	return r < 0 && r != -ESRCH ? r : container_await_end(c, 20000, e);
}

static int check_ended(const struct container *c, struct err *e)
{
	if (!container_is_up(c->status))
		return 0;
	err_fail_code(e, ERR_CONTAINER_RUNNING, EBUSY, "container %s is %s", c->state.name,
		      container_status_name(c->status));
	return err_hint(e, "stop it first (hoy stop %s), or use rm -f", c->state.name);
}

int container_remove_check(const struct home *h, const struct container *c, bool force, bool alone,
			   struct err *e)
{
	int r = force ? 0 : check_ended(c, e);

	return r < 0 || force || !alone ? r : depends_check(h, c, e);
}

static int remove_it(const struct home *h, struct container *c, bool force, int64_t time_s,
		     bool volumes, struct err *e)
{
	int64_t until = time_mono_ms() + 5000;
	int r;

	/* One that is being started has its lock taken before it counts as running: looked at again until it is either. */
	for (;;) {
		r = force ? 0 : check_ended(c, e);
		if (r < 0)
			return r;
		if (container_is_up(c->status)) {
			r = end(h, c, time_s, e);
			if (r < 0)
				return r;
			if (c->state.auto_remove)
				return 0; /* its supervisor did it */
		}
		r = container_lock(c, 200, e);
		if (r == 0)
			break;
		if (r != -EBUSY || time_mono_ms() >= until)
			return r;
		r = container_refresh(h, c, e);
		if (r < 0)
			return r == -ENOENT ? 0 : r;
	}
	r = force ? 0 : depends_check(h, c, e);
	if (r < 0)
		return r;
	if (container_refresh(h, c, NULL) == 0)
		container_end_lost(h, c);
	return container_remove_files(h, c, volumes, e);
}

int container_remove(const struct home *h, struct container *c, bool force, int64_t time_s,
		     struct err *e)
{
	return remove_it(h, c, force, time_s, false, e);
}

int container_remove_with_volumes(const struct home *h, struct container *c, bool force,
				  int64_t time_s, struct err *e)
{
	return remove_it(h, c, force, time_s, true, e);
}
