#include "base/base.h"
#include "cli/command.h"
#include "engine/image.h"

static int tag_run(struct cli *c, void *opts, struct err *e)
{
	scoped(home) h = {.fd = -1};
	int r = home_open(&h, c->root, e);

	if (r < 0)
		return r;
	return image_add_names(&h, c->args[0], c->args + 1, c->nargs - 1,
			       c->called == CALLED_DOCKER ? "docker.io" : "localhost", e);
}

const struct command cmd_tag = {
	.name = "tag",
	.aliases = "image tag",
	.group = "Images",
	.args = "IMAGE NAME [NAME...]",
	.summary = "Give an image another name",
	.description =
		"Adds names to an image. A name that another image has moves to this one. A NAME "
		"without a registry gets localhost/, one without a tag :latest.",
	.examples = "hoy tag busybox localhost/tools:1\nhoy tag 3f57d9401f8d app:old app:v1",
	.run = tag_run,
	.complete = COMPLETE_IMAGE,
};
