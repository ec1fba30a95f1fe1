#include "base/base.h"
#include "cli/network.h"

const struct command cmd_group_network = {
	.name = "network",
	.group = "Groups",
	.summary = "Commands that work on networks",
	.description =
		"Containers on one network reach each other, by name too, if it is not the default "
		"one; those on different networks do not. bridge (also called default and podman) "
		"is the network of containers for which no other is named.",
};

void network_exit_code(const struct cli *c, struct err *e)
{
	if (c->called == CALLED_DOCKER)
		e->exit = 1;
	else if (e->id == ERR_NETWORK_UNKNOWN)
		e->exit = 1;
	else if (e->id == ERR_NETWORK_IN_USE)
		e->exit = 2;
}

void network_warn_broken(const struct cli *c, const struct networks_list *l)
{
	if (l->broken == 1)
		cli_warn(c, "a damaged network is left out: %s", l->why.msg);
	else if (l->broken)
		cli_warn(c, "%zu damaged networks are left out, the first: %s", l->broken,
			 l->why.msg);
}
