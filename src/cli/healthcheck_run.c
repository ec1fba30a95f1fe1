#include "base/base.h"
#include "cli/command.h"
#include "engine/container.h"
#include "monitor/client.h"
#include "state/health.h"

struct healthcheck_opts {
	bool ignore;
};

static const struct opt healthcheck_rows[] = {
	{"ignore-result", 0, OPT_TO(OPT_BOOL, struct healthcheck_opts, ignore), NULL,
	 "End with 0 also if the check failed"},
	{0},
};

static int no_check(const struct container *ct, struct err *e)
{
	err_fail(e, ERR_HEALTH_NONE, "container %s has no health check", ct->state.name);
	return err_hint(e, "hoy run --health-cmd COMMAND gives it one; hoy exec asks from outside");
}

static int paused(const struct container *ct, struct err *e)
{
	err_fail_code(e, ERR_CONTAINER_PAUSED, EBUSY, "container %s is paused", ct->state.name);
	return err_hint(e, "nothing can be checked meanwhile; hoy unpause %s lets it go on",
			ct->state.name);
}

static int healthcheck_run_run(struct cli *c, void *opts, struct err *e)
{
	scoped(home) h = {.fd = -1};
	struct container ct = {.dir = -1};
	struct health_report rep;
	int r = home_open(&h, c->root, e);

	if (r == 0)
		r = container_open(&h, c->args[0], &ct, e);
	if (r == 0)
		r = container_load_config(&ct, e);
	if (r == 0 && !ct.config.health.test.n)
		r = no_check(&ct, e);
	if (r == 0 && ct.status != CONTAINER_RUNNING)
		r = container_not_running(&ct, e);
	if (r == 0 && ct.state.paused)
		r = paused(&ct, e);
	if (r == 0)
		r = monitor_check_health(ct.dir, e);
	if (r == 1) {
		health_read(ct.dir, HEALTH_FILE, &rep, &ct.arena);
		out_printf(&c->out, "%s\n",
			   strcmp(rep.status, "starting") ? "unhealthy" : rep.status);
	}
	container_free(&ct);
	return r == 1 && ((const struct healthcheck_opts *)opts)->ignore ? 0 : r;
}

const struct command cmd_healthcheck_run = {
	.name = "healthcheck run",
	.group = "Containers",
	.args = "CONTAINER",
	.summary = "Check the health of a container now",
	.description =
		"Runs the container's health check (--health-cmd, or HEALTHCHECK of its image) "
		"once "
		"more, "
		"beside those that its supervisor runs by itself. What comes of it counts as of "
		"those. "
		"A check that fails prints unhealthy, or starting as long as failures do not "
		"count.",
	.examples = "hoy healthcheck run web && echo fine",
	.exits = "0 the check succeeded, or --ignore-result\n1 it failed\n125 hoy itself failed: "
		 "there is no check, or "
		 "the "
		 "container does not run",
	.opts = healthcheck_rows,
	.opts_size = sizeof(struct healthcheck_opts),
	.complete = COMPLETE_RUNNING,
	.run = healthcheck_run_run,
};
