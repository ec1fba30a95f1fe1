/* kill and delete. */
#include <signal.h>

#include "base/base.h"
#include "base/parse.h"
#include "cli/oci.h"

struct kill_opts {
	bool all;
};

static const struct opt kill_rows[] = {
	{"all", 'a', OPT_TO(OPT_BOOL, struct kill_opts, all), NULL,
	 "Send it to all processes of the container"},
	{0},
};

static int kill_run(struct cli *c, void *opts, struct err *e)
{
	const struct kill_opts *o = opts;
	struct oci_container ct = {.root = -1, .dir = -1};
	int sig = SIGTERM;

	if (c->nargs > 1 && parse_signal(c->args[1], &sig) < 0)
		return err_fail(e, ERR_USAGE, "unknown signal \"%s\"", c->args[1]);
	int r = oci_open(c->oci, c->args[0], &ct, e);
	if (r == 0)
		r = oci_kill(&ct, sig, o->all, e);
	oci_container_free(&ct);
	return r;
}

const struct command cmd_oci_kill = {
	.name = "oci kill",
	.group = "OCI runtime",
	.args = "ID [SIGNAL]",
	.summary = "Send a signal to a container's process",
	.description = "The signal is TERM unless another is named, by name or number.",
	.examples = "hoy oci kill c1 KILL",
	.exits = "0 it was sent\n1 the container does not exist or does not run",
	.opts = kill_rows,
	.opts_size = sizeof(struct kill_opts),
	.run = kill_run,
};

struct delete_opts {
	bool force;
};

static const struct opt delete_rows[] = {
	{"force", 'f', OPT_TO(OPT_BOOL, struct delete_opts, force), NULL,
	 "Kill it first if it runs; one that does not exist is no error"},
	{0},
};

static int delete_run(struct cli *c, void *opts, struct err *e)
{
	const struct delete_opts *o = opts;
	struct oci_container ct = {.root = -1, .dir = -1};
	struct strs warnings = {0};
	int r = oci_open(c->oci, c->args[0], &ct, e);

	if (r == 0)
		r = oci_delete(&ct, o->force, &warnings, e);
	else if (e->id == ERR_OCI_UNKNOWN && o->force)
		r = 0;
	oci_warn(c, &warnings);
	oci_container_free(&ct);
	return r;
}

const struct command cmd_oci_delete = {
	.name = "oci delete",
	.group = "OCI runtime",
	.args = "ID",
	.summary = "Take away what is left of a container",
	.description = "Its control groups and its state go, and the hooks poststop are run. The "
		       "bundle stays.",
	.examples = "hoy oci delete --force c1",
	.exits = "0 it is gone\n1 it does not exist, or runs",
	.opts = delete_rows,
	.opts_size = sizeof(struct delete_opts),
	.run = delete_run,
};
