#include <signal.h>
#include <sys/file.h>

#include "base/base.h"
#include "engine/adding.h"
#include "store/gc.h"

static int run_marked(const struct home *h,
		      int (*fn)(const struct u0_map *map, void *arg, struct err *e), void *arg,
		      struct err *e)
{
	struct store_adding adding;

	store_sweep(h);
	int r = store_adding_begin(h, &adding, e);
	if (r < 0)
		return r;
	r = u0_run(h, fn, arg, e);
	/* After a failure the mark stays without its owner: what was added for no image is collected now. Unlocked by word, since a helper of
	 * the child that was killed may still have the descriptor. */
	if (r < 0) {
		flock(adding.fd, LOCK_UN);
		fd_close(&adding.fd);
	} else {
		store_adding_end(h, &adding);
	}
	store_sweep(h);
	return r;
}

int adding_run(const struct home *h, int (*fn)(const struct u0_map *map, void *arg, struct err *e),
	       void *arg, struct err *e)
{
	sigset_t old, set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, &old);
	int r = run_marked(h, fn, arg, e);
	sigprocmask(SIG_SETMASK, &old, NULL);
	return r;
}
