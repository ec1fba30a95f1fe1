#include "base/base.h"
#include "engine/adding.h"
#include "store/gc.h"

int adding_run(const struct home *h, int (*fn)(const struct u0_map *map, void *arg, struct err *e),
	       void *arg, const struct task_wait *tick, struct err *e)
{
	scoped(task_signals) sig;
	struct task_wait w = tick ? *tick : TASK_WAIT_ONLY;
	struct store_adding adding;
	struct task t;
	size_t done;

	task_signals_hold(&sig);
	w.until = -1;
	w.sigfd = sig.fd;
	store_sweep(h);
	int r = store_adding_begin(h, &adding, e);
	if (r < 0)
		return r;
	r = u0_start(h, fn, arg, &t, e);
	if (r == 0)
		r = task_wait(&t, 1, &w, &done, e);
	task_kill(&t);
	if (r < 0)
		store_adding_failed(&adding);
	else
		store_adding_end(h, &adding);
	store_sweep(h);
	return r;
}
