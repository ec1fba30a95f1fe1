#include "base/base.h"
#include "cli/command.h"
#include "engine/container.h"

static int rename_run(struct cli *c, void *opts, struct err *e)
{
	scoped(home) h = {.fd = -1};
	struct container ct = {.dir = -1};
	const char *to = c->args[1];

	if (c->called == CALLED_DOCKER && to[0] == '/')
		to++; /* its own way to write names */
	int r = container_check_name(to, e);
	if (r == 0)
		r = home_open(&h, c->root, e);
	if (r == 0)
		r = container_open(&h, c->args[0], &ct, e);
	if (r == 0)
		r = container_rename(&h, ct.dir, ct.id, to, e);
	container_free(&ct);
	return r;
}

const struct command cmd_rename = {
	.name = "rename",
	.aliases = "container rename",
	.group = "Containers",
	.args = "CONTAINER NAME",
	.summary = "Give a container another name",
	.description =
		"The container may run. Its old name is free at once. What the container itself "
		"sees of its name (/etc/hosts) changes with its next start, and so does the name "
		"by which other containers of its networks find "
		"it.",
	.examples = "hoy rename web web-old",
	.run = rename_run,
	.complete = COMPLETE_CONTAINER,
};
