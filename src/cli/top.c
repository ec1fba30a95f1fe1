#include "base/base.h"
#include "cli/command.h"
#include "data/table.h"
#include "engine/list.h"
#include "engine/top.h"

struct top_opts {
	bool latest;
};

static const struct opt top_rows[] = {
	{"latest", 'l', OPT_TO(OPT_BOOL, struct top_opts, latest), NULL, "The newest container"},
	{0},
};

static int top_run(struct cli *c, void *opts, struct err *e)
{
	static const struct table_style docker = {20, 3};
	const struct top_opts *o = opts;
	struct top_query q = {.docker = c->called == CALLED_DOCKER};
	scoped(home) h = {.fd = -1};
	scoped(str) text = {0};
	scoped(str) table = {0};
	struct container ct = {.dir = -1};
	const char *name = o->latest ? NULL : c->args[0];

	if (!name && !o->latest) {
		err_fail(e, ERR_USAGE, "top needs a container");
		return err_hint(e, "give its name or ID, see: hoy ps");
	}
	for (size_t i = o->latest ? 0 : 1; i < c->nargs; i++)
		strs_add(&c->arena, &q.words, c->args[i]);
	int r = home_open(&h, c->root, e);
	if (r == 0 && o->latest)
		r = container_newest(&h, &c->arena, &name, e);
	if (r == 0)
		r = container_open(&h, name, &ct, e);
	if (r == 0)
		r = container_top(&h, &ct, &q, &text, e);
	if (r == 0) {
		table_align(&table, str_cstr(&text), q.docker ? &docker : &table_podman, 0);
		out_text(&c->out, str_cstr(&table));
	}
	container_free(&ct);
	return r;
}

const struct command cmd_top = {
	.name = "top",
	.aliases = "container top",
	.group = "Containers",
	.args = "[CONTAINER] [COLUMN...]",
	.summary = "Show the processes of a container",
	.description =
		"Reads /proc and runs nothing, neither of the machine nor of the image. Users and "
		"process IDs are those of the container, but for hpid, huser, hgroup and hgroups, "
		"which are the machine's.\n\n"
		"Columns: args capamb capbnd capeff capinh capprm comm etime group groups hgroup "
		"hgroups hpid huser label nice pcpu pgid pid ppid rgroup rss ruser seccomp state "
		"stime time tty user vsz; and their short forms (%p, %U ...).\n\n"
		"In their place the usual options of ps: -e, -f, aux, -o LIST with the names of "
		"ps, "
		"--no-headers. Called by the name docker, -ef is the default and process IDs are "
		"the "
		"machine's, as there.",
	.examples = "hoy top web\nhoy top web pid,huser,args\nhoy top web -o pid,etime,cmd",
	.opts = top_rows,
	.opts_size = sizeof(struct top_opts),
	.stop_at_operand = true,
	.complete = COMPLETE_RUNNING,
	.complete_rest = COMPLETE_WORDS,
	.words = ",args capamb capbnd capeff capinh capprm comm etime group groups hgroup hgroups "
		 "hpid huser label nice pcpu pgid pid ppid rgroup rss ruser seccomp state stime "
		 "time "
		 "tty user vsz",
	.run = top_run,
};
