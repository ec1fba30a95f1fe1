#include "base/base.h"
#include "cli/command.h"
#include "state/events.h"
#include "state/secret.h"

struct rm_opts {
	bool all, ignore;
};

#define TO(kind, field) OPT_TO(kind, struct rm_opts, field)
static const struct opt rm_rows[] = {
	{"all", 'a', TO(OPT_BOOL, all), NULL, "Remove all secrets"},
	{"ignore", 'i', TO(OPT_BOOL, ignore), NULL, "Let a secret that does not exist be no error"},
	{0},
};
#undef TO

static int remove_one(struct cli *c, const struct home *h, const char *text, struct err *e)
{
	struct secret s;
	int r = secret_find(h, text, &s, NULL, &c->arena, e);

	/* one that is damaged still has its name */
	if (r < 0 && e->id == ERR_SECRET_DAMAGED)
		s = (struct secret){.id = text, .name = text};
	else if (r < 0)
		return r;
	r = secret_remove(h, &s, e);
	if (r < 0)
		return r;
	event_write(h->fd, &(struct event){.type = "secret",
					   .action = "remove",
					   .id = s.id,
					   .name = s.name,
					   .labels = &s.labels});
	out_printf(&c->out, "%s\n", s.id);
	return 0;
}

static int rm_run(struct cli *c, void *opts, struct err *e)
{
	const struct rm_opts *o = opts;
	scoped(home) h = {.fd = -1};
	scoped(strv) names = {0};

	if (o->all ? c->nargs > 0 : !c->nargs) {
		err_fail(e, ERR_USAGE, o->all ? "--all and names" : "secret rm needs a name");
		return err_hint(e, "hoy secret ls lists them");
	}
	int r = home_open(&h, c->root, e);
	if (r == 0 && o->all)
		r = secret_names(&h, &names, e);
	if (r < 0)
		return r;
	for (size_t i = 0; i < (o->all ? names.n : c->nargs); i++) {
		struct err one = {0};
		r = remove_one(c, &h, o->all ? names.v[i] : c->args[i], &one);
		if (r < 0 && !(o->ignore && one.id == ERR_SECRET_UNKNOWN))
			cli_report(c, &one);
	}
	return 0;
}

const struct command cmd_secret_rm = {
	.name = "secret rm",
	.aliases = "secret remove",
	.group = "Secrets",
	.args = "[SECRET...]",
	.summary = "Remove secrets",
	.description = "Removes secrets and prints their IDs. Containers keep the copies that they "
		       "have.",
	.examples = "hoy secret rm db-password\nhoy secret rm --all",
	.opts = rm_rows,
	.opts_size = sizeof(struct rm_opts),
	.run = rm_run,
	.complete = COMPLETE_SECRET,
};

/* ---- exists */

static int exists_run(struct cli *c, void *opts, struct err *e)
{
	scoped(home) h = {.fd = -1};
	struct secret s;
	int r = home_open(&h, c->root, e);

	if (r == 0)
		r = secret_find(&h, c->args[0], &s, NULL, &c->arena, e);
	return r < 0 && e->id == ERR_SECRET_UNKNOWN ? 1 : r;
}

const struct command cmd_secret_exists = {
	.name = "secret exists",
	.group = "Secrets",
	.args = "SECRET",
	.summary = "Ask whether a secret exists",
	.description = "Prints nothing; the exit code is the answer.",
	.examples = "hoy secret exists db-password || echo make it first",
	.exits = "0 the secret exists\n1 it does not",
	.run = exists_run,
	.complete = COMPLETE_SECRET,
};
