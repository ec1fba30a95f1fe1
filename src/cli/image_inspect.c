#include "base/base.h"
#include "cli/format.h"
#include "engine/image.h"

struct inspect_opts {
	const char *format;
};

#define TO(kind, field) OPT_TO(kind, struct inspect_opts, field)
static const struct opt inspect_rows[] = {
	{"format", 'f', TO(OPT_STR, format), "TEMPLATE", "Print with a Go template, or json"},
	{0},
};
#undef TO

static int inspect_run(struct cli *c, void *opts, struct err *e)
{
	struct inspect_opts *o = opts;
	scoped(home) h = {.fd = -1};
	struct json *list = json_new(&c->arena, JSON_ARR);
	int r = home_open(&h, c->root, e);

	if (r < 0)
		return r;
	for (size_t i = 0; i < c->nargs; i++) {
		scoped(image) im = {0};
		struct err one = {0};
		r = image_find(&h, c->args[i], &im, &one);
		if (r == 0)
			r = image_more(&h, &im, &one);
		if (r < 0)
			cli_report(c, &one);
		else
			json_add(&c->arena, list,
				 image_inspect(&h, &im, c->called == CALLED_DOCKER, &c->arena));
	}
	/* Both engines print an empty list beside the error. */
	return format_objects(c, o->format, list, e);
}

const struct command cmd_image_inspect = {
	.name = "image inspect",
	.group = "Images",
	.args = "IMAGE [IMAGE...]",
	.summary = "Show all that is known of images",
	.description = "Prints one JSON list with an object for each image, under the names that "
		       "podman and "
		       "docker use, or whatever --format asks for.",
	.examples = "hoy image inspect busybox\nhoy image inspect -f '{{.Config.Cmd}}' busybox",
	.opts = inspect_rows,
	.opts_size = sizeof(struct inspect_opts),
	.run = inspect_run,
	.complete = COMPLETE_IMAGE,
};
