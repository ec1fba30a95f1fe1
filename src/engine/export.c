#include <signal.h>

#include "base/base.h"
#include "engine/export.h"
#include "engine/target.h"
#include "state/tell.h"
#include "store/pack.h"

struct export_work {
	const struct home *h;
	struct tree *t;
	const struct target *to;
};

static int copy(struct source src, const struct target *to, struct err *e)
{
	enum { PIECE = 256 << 10 };
	autofree char *buf = xcalloc(1, PIECE);

	for (;;) {
		ssize_t n = src.read(src.arg, buf, PIECE, e);
		if (n <= 0)
			return (int)n;
		int r = fd_write_all(to->fd, buf, (size_t)n);
		if (r < 0)
			return err_set(e, r, "write %s", to->what);
	}
}

static int export_inside(const struct u0_map *map, void *arg, struct err *e)
{
	const struct export_work *w = arg;
	struct tree *t = w->t;
	scoped(view) v = VIEW_NONE;
	struct home seen;
	int r = tree_prepare(w->h, map, t, e);

	signal(SIGPIPE, SIG_IGN); /* an error like any other */
	if (r == 0)
		r = view_enter(w->h, &seen, e);
	if (r == 0)
		r = tree_view(&seen, t, &v, e);
	if (r < 0)
		return r;
	struct pack *p = pack_open(&seen, v.root, t->what);
	pack_without_root(p);
	if (t->mapped.on)
		pack_map_owners(p, &t->mapped.layers.ids);
	if (map->form == FORM_ONE)
		pack_kept_owners(p);
	r = copy(pack_source(p), w->to, e);
	pack_close(p);
	return r;
}

int container_export(const struct home *h, struct tree *t, const char *output, struct err *e)
{
	struct target to;
	sigset_t old, set;
	int r = target_open(&to, output, "hoy export CONTAINER > FILE", e);

	/* u0_run() takes signals; what is unfinished is removed by us */
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, &old);
	if (r == 0)
		r = u0_run(h, export_inside, &(struct export_work){h, t, &to}, e);
	if (r == 0)
		r = target_finish(&to, e);
	target_free(&to);
	sigprocmask(SIG_SETMASK, &old, NULL);
	if (r == 0)
		container_tell(h, &t->ct.state, "export", NULL, NULL);
	return tree_explain(h, t, r, e);
}
