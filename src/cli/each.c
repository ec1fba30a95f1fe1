#include "base/base.h"
#include "cli/each.h"

static int one(struct cli *c, const struct each *x, struct home *h, const char *text, void *opts)
{
	struct container ct;
	struct err e = {0};
	int r = container_open(h, text, &ct, &e);

	if (r < 0 && x->missing_exit && e.id == ERR_CONTAINER_UNKNOWN)
		e.exit = x->missing_exit;
	if (r < 0 && x->ignore_missing && e.id == ERR_CONTAINER_UNKNOWN)
		r = 0;
	else if (r == 0 && (!x->all || !x->wanted || x->wanted(&ct)))
		r = x->fn(c, h, &ct, text, opts, &e);
	if (r < 0)
		cli_report(c, &e);
	container_free(&ct);
	return r;
}

int each_container(struct cli *c, const struct each *x, void *opts, struct err *e)
{
	scoped(strv) ids = {0};
	scoped(home) h = {.fd = -1};

	if (x->all && c->nargs)
		return err_fail(e, ERR_USAGE, "--all takes no container names");
	if (!x->all && !c->nargs && !x->ignore_missing) {
		err_fail(e, ERR_USAGE, "%s needs at least one container", c->cmd->name);
		return err_hint(e, "give names or IDs, see: hoy ps -a");
	}
	int r = home_open(&h, c->root, e);
	if (r < 0)
		return r;
	containers_recover(&h);
	if (x->all)
		r = container_ids(&h, &ids, e);
	for (size_t i = 0; i < (x->all ? ids.n : c->nargs) && r == 0; i++)
		one(c, x, &h, x->all ? ids.v[i] : c->args[i], opts);
	return r;
}
