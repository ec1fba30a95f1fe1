#include "base/base.h"
#include "cli/command.h"
#include "state/container.h"

struct exists_opts {
	bool external;
};

static const struct opt exists_rows[] = {
	{"external", 0, OPT_TO(OPT_BOOL, struct exists_opts, external), NULL,
	 "Taken for podman's sake: there are no others", .flags = OPT_IGNORED},
	{0},
};

static int exists_run(struct cli *c, void *opts, struct err *e)
{
	scoped(home) h = {.fd = -1};
	char id[CONTAINER_ID_LEN + 1];
	int r = home_open(&h, c->root, e);

	if (r == 0)
		r = container_resolve(&h, c->args[0], id, e);
	return r < 0 && e->id == ERR_CONTAINER_UNKNOWN ? 1 : r;
}

const struct command cmd_container_exists = {
	.name = "container exists",
	.group = "Containers",
	.args = "CONTAINER",
	.summary = "Ask whether a container exists",
	.description = "Prints nothing; the exit code is the answer.",
	.examples = "hoy container exists web || hoy run -d --name web busybox httpd -f",
	.exits = "0 the container exists\n1 it does not",
	.opts = exists_rows,
	.opts_size = sizeof(struct exists_opts),
	.run = exists_run,
	.complete = COMPLETE_CONTAINER,
};
