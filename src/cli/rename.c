#include "base/base.h"
#include "cli/command.h"
#include "engine/container.h"
#include "net/tell.h"
#include "state/tell.h"

/* Others in its networks find it by the new name at once; where that fails, with its next start. */
static void tell_networks(struct cli *c, const struct home *h, const struct container *ct,
			  const char *name)
{
	struct endpoints all = {0};
	struct err e = {0};

	if (ct->status != CONTAINER_RUNNING || endpoints_read(ct->dir, &all, &c->arena, NULL) < 0)
		return;
	for (size_t i = 0; i < all.v.n; i++)
		if (tell_name(h, ((struct endpoint *)all.v.v)[i].network, ct->id, name, &e) < 0)
			cli_warn(c, "others do not know the new name yet: %s", e.msg);
}

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
	if (r == 0) {
		struct event ev = {.action = "rename", .attributes = {{"oldName", ct.state.name}}};
		container_tell_all(&h, ct.dir, &ct.state, &ev, 1);
		tell_networks(c, &h, &ct, to);
	}
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
		"sees of its name (/etc/hosts) changes with its next start; other containers of "
		"its networks find "
		"it by the new name at once.",
	.examples = "hoy rename web web-old",
	.run = rename_run,
	.complete = COMPLETE_CONTAINER,
};
