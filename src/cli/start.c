#include "base/base.h"
#include "cli/each.h"
#include "cli/run_opts.h"
#include "engine/start.h"

struct start_cmd_opts {
	struct each_which which;
	bool all, attach, interactive, sig_proxy;
	const char *detach_keys;
	int code; /* of the attached one */
};

#define TO(kind, field) OPT_TO(kind, struct start_cmd_opts, field)
static const struct opt start_rows[] = {
	{"all", 0, TO(OPT_BOOL, all), NULL, "Start all containers that do not run"},
	{"attach", 'a', TO(OPT_BOOL, attach), NULL,
	 "Stay with it: its output is ours, and its exit code"},
	{"detach-keys", 0, TO(OPT_STR, detach_keys), "KEYS",
	 "Keys that detach (default ctrl-p,ctrl-q; empty for none)"},
	{"interactive", 'i', TO(OPT_BOOL, interactive), NULL,
	 "With -a: give it our standard input"},
	{"sig-proxy", 0, TO(OPT_BOOL, sig_proxy), NULL,
	 "Pass signals on to the container, if it has no terminal (default true)"},
	{.kind = OPT_TABLE,
	 .offset = offsetof(struct start_cmd_opts, which),
	 .sub = each_which_rows},
	{0},
};
#undef TO

static bool not_running(const struct container *ct)
{
	return !container_is_up(ct->status);
}

/* As elsewhere: there is nothing to start, and --attach attaches. */
static int already_running(struct cli *c, const struct home *h, struct container *ct,
			   const char *text, struct start_cmd_opts *o, struct err *e)
{
	bool tty = false, input = o->interactive && ct->config.process.interactive;
	int sock;

	if (!o->attach) {
		out_printf(&c->out, "%s\n", text);
		return 0;
	}
	int r = container_attach(h, ct, input, &sock, &tty, e);
	if (r < 0)
		return r;
	struct attach_opts ao = {sock, input, tty, o->sig_proxy,
				 o->detach_keys ? o->detach_keys : ct->config.detach_keys};
	r = run_attached(c, &ao, e);
	o->code = r > 0 ? r : 0;
	close(sock);
	return r < 0 ? r : 0;
}

static int start_one(struct cli *c, struct home *h, struct container *ct, const char *text,
		     void *opts, struct err *e)
{
	struct start_cmd_opts *o = opts;
	bool input = o->attach && o->interactive;
	int sock, r = container_load_config(ct, e);

	if (r < 0)
		return r;
	if (ct->status == CONTAINER_RUNNING && ct->state.paused)
		return container_is_paused(ct, e);
	if (ct->status == CONTAINER_RUNNING)
		return already_running(c, h, ct, text, o, e);
	struct start_opts so = {o->attach, input, false, run_terminal_size()};
	r = container_start(h, ct, &so, &sock, e);
	if (r < 0)
		return r;
	if (o->attach) {
		const char *keys = o->detach_keys ? o->detach_keys : ct->config.detach_keys;
		struct attach_opts ao = {sock, input && ct->config.process.interactive,
					 ct->config.process.tty, o->sig_proxy, keys};
		ao.monitor = ct->monitor;
		r = run_attached(c, &ao, e);
		o->code = r > 0 ? r : 0;
	} else {
		r = run_await(c, sock, ct->monitor, e);
		if (r == 0)
			out_printf(&c->out, "%s\n", text);
	}
	close(sock);
	return r < 0 ? r : 0;
}

static int start_run(struct cli *c, void *opts, struct err *e)
{
	struct start_cmd_opts *o = opts;
	const struct each x = {
		.all = o->all, .which = &o->which, .wanted = not_running, .fn = start_one};

	if (o->interactive)
		o->attach = true;
	if (o->attach && c->nargs != 1 && !(o->which.latest && !o->all && !c->nargs))
		return err_fail(e, ERR_USAGE, "--attach takes exactly one container");
	int r = each_container(c, &x, o, e);
	return r < 0 ? r : o->code;
}

static const struct start_cmd_opts start_defaults = {.sig_proxy = true};

const struct command cmd_start = {
	.name = "start",
	.aliases = "container start",
	.group = "Containers",
	.args = "[CONTAINER...]",
	.summary = "Start containers that were made or have ended",
	.description = "Starts each container again with its own files, as it was made. With "
		       "--attach, its output and exit code are "
		       "those of hoy.",
	.examples = "hoy start web\nhoy start -ai shell",
	.opts = start_rows,
	.opts_size = sizeof(struct start_cmd_opts),
	.defaults = &start_defaults,
	.complete = COMPLETE_STOPPED,
	.run = start_run,
};
