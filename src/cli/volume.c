#include "base/base.h"
#include "cli/volume.h"

const struct command cmd_group_volume = {
	.name = "volume",
	.group = "Groups",
	.summary = "Commands that work on volumes",
	.description =
		"A volume is a directory that hoy keeps: it outlives the containers that use it, "
		"and "
		"several may use it at once. `hoy run -v NAME:/path` makes it if it is not there "
		"yet; `-v /path` makes one without a name, which goes with the container "
		"(--rm, rm -v). The first container that uses a volume fills it with what its "
		"image "
		"has at that place.",
};

void volume_exit_code(const struct cli *c, struct err *e)
{
	if (c->called == CALLED_DOCKER || e->id == ERR_VOLUME_UNKNOWN)
		e->exit = 1;
	else if (e->id == ERR_VOLUME_IN_USE)
		e->exit = 2;
}

void volume_warn_broken(const struct cli *c, const struct volumes_list *l)
{
	if (l->broken == 1)
		cli_warn(c, "a damaged volume is left out: %s", l->why.msg);
	else if (l->broken)
		cli_warn(c, "%zu damaged volumes are left out, the first: %s", l->broken,
			 l->why.msg);
}
