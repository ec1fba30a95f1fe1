#include "base/base.h"
#include "cli/run_opts.h"
#include "engine/autostart.h"
#include "engine/list.h"
#include "engine/start.h"

/* One of those that should run. 1: it runs already. */
static int start_one(struct cli *c, const struct home *h, const char *id, struct err *e)
{
	struct container ct;
	int sock, r = container_open(h, id, &ct, e);

	if (r == 0 && container_is_up(ct.status)) {
		container_free(&ct);
		return 1;
	}
	if (r == 0)
		r = container_load_config(&ct, e);
	if (r == 0)
		r = container_start(h, &ct, &(struct start_opts){0}, &sock, e);
	if (r == 0) {
		r = run_await(c, sock, ct.monitor, e);
		close(sock);
	}
	if (r == 0)
		out_printf(&c->out, "%s\n", ct.state.name);
	container_free(&ct);
	return r;
}

/* What needs another container comes after it: those that failed are tried again as long as one more could be started. */
static int start_all(struct cli *c, const struct home *h, struct err *e)
{
	struct list_query q = {.all = true, .ids_only = true};
	struct list_result found;
	bool progress = true;

	strs_add(&c->arena, &q.filters, "should-start-on-boot=true");
	int r = containers_list(h, &q, &c->arena, &found, e);
	if (r < 0)
		return r;
	bool *done = arena_alloc(&c->arena, found.ids.n + 1);
	memset(done, 0, found.ids.n + 1);
	struct err *why = arena_alloc(&c->arena, (found.ids.n + 1) * sizeof *why);
	while (progress) {
		progress = false;
		for (size_t i = 0; i < found.ids.n; i++) {
			if (done[i])
				continue;
			why[i] = (struct err){0};
			done[i] = start_one(c, h, found.ids.v[i], &why[i]) >= 0;
			progress |= done[i];
		}
	}
	for (size_t i = 0; i < found.ids.n; i++)
		if (!done[i])
			cli_report(c, &why[i]);
	return 0;
}

static const char *way_text(const struct autostart *s)
{
	return s->way == AUTOSTART_SYSTEMD ? "systemd" : "cron";
}

static int turn_on(struct cli *c, struct err *e)
{
	struct autostart s;
	int r = autostart_on(c->root, &s, &c->arena, e);

	if (r < 0)
		return r;
	out_printf(&c->out, "on (%s): ", way_text(&s));
	out_escaped(&c->out, s.where);
	out_text(&c->out, "\n");
	if (s.way == AUTOSTART_SYSTEMD && geteuid() != 0)
		cli_warn(c, "it happens at login; at boot after: loginctl enable-linger");
	return 0;
}

static int turn_off(struct cli *c, struct err *e)
{
	struct autostart s;
	int r = autostart_off(&s, &c->arena, e);

	if (r == 0)
		out_text(&c->out, s.changed ? "off\n" : "off (it was not on)\n");
	return r;
}

static int show(struct cli *c, struct err *e)
{
	struct autostart s;
	int r = autostart_look(&s, &c->arena, e);

	if (r < 0)
		return r;
	if (s.way == AUTOSTART_OFF) {
		out_text(&c->out, "off\n");
		return 1;
	}
	out_printf(&c->out, "on (%s): ", way_text(&s));
	out_escaped(&c->out, s.where);
	out_text(&c->out, "\n");
	return 0;
}

static int autostart_run(struct cli *c, void *opts, struct err *e)
{
	static const struct {
		const char *word;
		int (*fn)(struct cli *c, struct err *e);
	} verbs[] = {{"on", turn_on}, {"off", turn_off}, {"status", show}};
	scoped(home) h = {.fd = -1};

	for (size_t i = 0; i < countof(verbs) && c->nargs; i++)
		if (!strcmp(c->args[0], verbs[i].word))
			return verbs[i].fn(c, e);
	if (c->nargs) {
		err_fail(e, ERR_USAGE, "autostart does not know \"%.60s\"", c->args[0]);
		return err_hint(e, "on, off or status; without a word it starts containers");
	}
	int r = home_open(&h, c->root, e);
	if (r < 0)
		return r;
	containers_recover(&h);
	return start_all(c, &h, e);
}

const struct command cmd_autostart = {
	.name = "autostart",
	.group = "Containers",
	.args = "[on|off|status]",
	.summary = "Start the containers that are to run after each boot",
	.description =
		"Starts what was made with --restart always, and with unless-stopped if nobody has "
		"stopped it, and prints the names of what it started; what runs is left alone, and "
		"what needs another container comes after it.\n\n"
		"on arranges that this happens after each boot. Where systemd runs, it writes the "
		"unit " AUTOSTART_UNIT
		" of your user manager (root: of the system) and enables it; "
		"elsewhere it adds one @reboot line to your crontab, whose other lines stay as "
		"they "
		"are. off takes that away again, and status says what there is.",
	.examples = "hoy autostart\nhoy autostart status || echo it is off",
	.exits = "0 done; it is on\n1 status: it is off",
	.run = autostart_run,
	.complete = COMPLETE_WORDS,
	.words = "on off status",
};
