#include "base/base.h"
#include "cli/command.h"
#include "engine/image.h"

static int untag_run(struct cli *c, void *opts, struct err *e)
{
	scoped(home) h = {.fd = -1};
	int r = home_open(&h, c->root, e);

	return r < 0 ? r : image_drop_names(&h, c->args[0], c->args + 1, c->nargs - 1, e);
}

const struct command cmd_untag = {
	.name = "untag",
	.aliases = "image untag",
	.group = "Images",
	.args = "IMAGE [NAME...]",
	.summary = "Take names away from an image",
	.description =
		"Removes the given names of an image, or all its names if none is given. The image "
		"itself stays and can be used by its id.",
	.examples = "hoy untag app app:old\nhoy untag 3f57d9401f8d",
	.run = untag_run,
	.complete = COMPLETE_IMAGE,
};
