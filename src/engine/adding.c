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

int watched_run(const struct home *h, int (*fn)(const struct u0_map *map, void *arg, struct err *e),
		void *arg, struct board *board, const struct board_watch *w, struct err *e)
{
	scoped(task_signals) sig;
	struct showing s = {board, w};
	bool shown = board && w->show;
	struct task t;
	size_t done;

	task_signals_hold(&sig);
	struct task_wait wait = {.until = -1,
				 .sigfd = sig.fd,
				 .every = shown ? w->every : 0,
				 .tick = shown ? tick : NULL,
				 .arg = &s};
	int r = u0_start(h, fn, arg, &t, e);
	if (r < 0)
		return r;
	r = task_wait(&t, 1, &wait, &done, e);
	task_kill(&t);
	if (board)
		board_await_workers(board);
	if (shown)
		w->show(w->arg, board, true);
	return r;
}

int adding_run(const struct home *h, int (*fn)(const struct u0_map *map, void *arg, struct err *e),
	       void *arg, struct board *board, const struct board_watch *w, struct err *e)
{
	scoped(task_signals) sig; /* for the tidying up, too */
	struct store_adding adding;

	task_signals_hold(&sig);
	store_sweep(h);
	int r = store_adding_begin(h, &adding, e);
	if (r < 0)
		return r;
	r = watched_run(h, fn, arg, board, w, e);
	if (r < 0)
		store_adding_failed(&adding);
	else
		store_adding_end(h, &adding);
	store_sweep(h);
	return r;
}
