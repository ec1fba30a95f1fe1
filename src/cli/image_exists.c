#include "base/base.h"
#include "cli/command.h"
#include "engine/image.h"

static int exists_run(struct cli *c, void *opts, struct err *e)
{
	scoped(home) h = {.fd = -1};
	scoped(arena) a = {0};
	const char *id, *name;
	int r = home_open(&h, c->root, e);

	if (r == 0)
		r = image_find_id(&h, c->args[0], &a, &id, &name, e);
	return r < 0 && e->id == ERR_IMAGE_UNKNOWN ? 1 : r;
}

const struct command cmd_image_exists = {
	.name = "image exists",
	.group = "Images",
	.args = "IMAGE",
	.summary = "Ask whether an image is in the store",
	.description = "Prints nothing; the exit code is the answer.",
	.examples = "hoy image exists busybox && hoy run busybox true",
	.exits = "0 the image exists\n1 it does not",
	.run = exists_run,
	.complete = COMPLETE_IMAGE,
};
