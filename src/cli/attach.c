#include "base/base.h"
#include "cli/run_opts.h"
#include "engine/list.h"
#include "engine/start.h"

struct attach_cmd_opts {
	bool latest, no_stdin, sig_proxy;
	const char *detach_keys;
};

#define TO(kind, field) OPT_TO(kind, struct attach_cmd_opts, field)
static const struct opt attach_rows[] = {
	{"detach-keys", 0, TO(OPT_STR, detach_keys), "KEYS",
	 "Keys that detach (default ctrl-p,ctrl-q; empty for none)"},
	{"latest", 'l', TO(OPT_BOOL, latest), NULL, "To the newest container, which is not named"},
	{"no-stdin", 0, TO(OPT_BOOL, no_stdin), NULL, "Do not pass our standard input on"},
	{"sig-proxy", 0, TO(OPT_BOOL, sig_proxy), NULL,
	 "Pass signals on to the container, if it has no terminal (default true)"},
	{0},
};
#undef TO

static int attach_run(struct cli *c, void *opts, struct err *e)
{
	struct attach_cmd_opts *o = opts;
	scoped(home) h = {.fd = -1};
	struct container ct = {.dir = -1};
	bool tty = false;
	int sock = -1;
	const char *name = c->args[0];

	if (o->latest == (c->nargs > 0)) {
		err_fail(e, ERR_USAGE,
			 o->latest ? "--latest takes no names" : "attach needs a container");
		return err_hint(e, "give its name or ID, see: hoy ps");
	}
	int r = home_open(&h, c->root, e);
	if (r == 0 && o->latest)
		r = container_newest(&h, &c->arena, &name, e);
	if (r == 0)
		r = container_open(&h, name, &ct, e);
	if (r == 0)
		r = container_load_config(&ct, e);
	if (r == 0 && ct.config.log_driver && str_starts(ct.config.log_driver, "passthrough")) {
		err_fail(e, ERR_NO_LOG, "container %s has its own streams (--log-driver %s)",
			 ct.state.name, ct.config.log_driver);
		r = err_hint(e, "what it writes goes where the output of its start went");
	}
	bool input = r == 0 && !o->no_stdin && ct.config.process.interactive;
	if (r == 0)
		r = container_attach(&h, &ct, input, &sock, &tty, e);
	if (r == 0) {
		const char *keys = o->detach_keys ? o->detach_keys : ct.config.detach_keys;
		struct attach_opts ao = {sock, input, tty, o->sig_proxy, keys};
		r = run_attached(c, &ao, e);
	}
	fd_close(&sock);
	container_free(&ct);
	return r;
}

static const struct attach_cmd_opts attach_defaults = {.sig_proxy = true};

const struct command cmd_attach = {
	.name = "attach",
	.aliases = "container attach",
	.group = "Containers",
	.args = "[CONTAINER]",
	.summary = "See the output of a running container, and give it input",
	.description = "Shows what the container prints from now on and passes input to it, if it "
		       "was started with -i. Several can be "
		       "attached at once. The detach keys leave it running.",
	.examples = "hoy attach web\nhoy attach --no-stdin web",
	.opts = attach_rows,
	.opts_size = sizeof(struct attach_cmd_opts),
	.defaults = &attach_defaults,
	.complete = COMPLETE_RUNNING,
	.run = attach_run,
};
