#include "base/base.h"
#include "engine/adding.h"
#include "store/gc.h"

struct showing {
	const struct board *board;
	const struct board_watch *watch;
};

static void tick(void *arg)
{
	const struct showing *s = arg;

	s->watch->show(s->watch->arg, s->board, false);
}

int adding_run(const struct home *h, int (*fn)(const struct u0_map *map, void *arg, struct err *e),
	       void *arg, struct board *board, const struct board_watch *w, struct err *e)
{
	scoped(task_signals) sig;
	struct showing s = {board, w};
	bool shown = board && w->show;
	struct store_adding adding;
	struct task t;
	size_t done;

	task_signals_hold(&sig);
	struct task_wait wait = {.until = -1,
				 .sigfd = sig.fd,
				 .every = shown ? w->every : 0,
				 .tick = shown ? tick : NULL,
				 .arg = &s};
	store_sweep(h);
	int r = store_adding_begin(h, &adding, e);
	if (r < 0)
		return r;
	r = u0_start(h, fn, arg, &t, e);
	if (r == 0)
		r = task_wait(&t, 1, &wait, &done, e);
	task_kill(&t);
	if (board)
		board_await_workers(board);
	if (r < 0)
		store_adding_failed(&adding);
	else
		store_adding_end(h, &adding);
	store_sweep(h);
	if (shown)
		w->show(w->arg, board, true);
	return r;
}
