#include "base/base.h"
#include "cli/format.h"
#include "engine/image.h"

struct history_opts {
	bool human, no_trunc, quiet;
	const char *format;
};

#define TO(kind, field) OPT_TO(kind, struct history_opts, field)
static const struct opt history_rows[] = {
	{"format", 0, TO(OPT_STR, format), "TEMPLATE", "Print with a Go template, or json"},
	{"human", 'H', TO(OPT_BOOL, human), NULL,
	 "Sizes and dates for people; --human=false prints bytes and dates"},
	{"no-trunc", 0, TO(OPT_BOOL, no_trunc), NULL, "Show whole ids and commands",
	 .aliases = "notruncate"},
	{"quiet", 'q', TO(OPT_BOOL, quiet), NULL, "Print ids only"},
	{0},
};
#undef TO

static const struct history_opts defaults = {.human = true};

static const char *const headers[] = {
	"ID",	"ID",	"Created",	"CREATED", "CreatedBy", "CREATED BY",
	"Size", "SIZE", "Comment",	"COMMENT", "CreatedAt", "CREATED AT",
	"Tags", "TAGS", "CreatedSince", "CREATED", NULL};
static const char *const docker_headers[] = {
	"ID",	"IMAGE",   "CreatedSince", "CREATED",	"CreatedBy",  "CREATED BY", "Size",
	"SIZE", "Comment", "COMMENT",	   "CreatedAt", "CREATED AT", NULL};

static struct json *sample(struct cli *c)
{
	return image_history_sample(&c->arena);
}

static int history_run(struct cli *c, void *opts, struct err *e)
{
	struct history_opts *o = opts;
	bool docker = c->called == CALLED_DOCKER;
	struct format_list f = {
		.columns =
			docker ? "{{.ID}}\t{{.CreatedSince}}\t{{.CreatedBy}}\t{{.Size}}\t"
				 "{{.Comment}}"
			       : "{{.ID}}\t{{.Created}}\t{{.CreatedBy}}\t{{.Size}}\t{{.Comment}}",
		.headers = docker ? docker_headers : headers,
		.json_fields = "Comment CreatedAt CreatedBy CreatedSince ID Size",
	};
	struct history_query q = {
		.image = c->args[0], .no_trunc = o->no_trunc, .docker = docker, .exact = !o->human};
	scoped(home) h = {.fd = -1};
	struct history_result res;
	int r = home_open(&h, c->root, e);

	if (r == 0)
		r = image_history(&h, &q, &c->arena, &res, e);
	if (r < 0)
		return r;
	if (!o->quiet)
		return format_list(c, &f, o->format, true, sample(c), res.fields, res.objects, e);
	for (size_t i = 0; i < res.ids.n; i++)
		out_printf(&c->out, "%s\n", res.ids.v[i]);
	return 0;
}

const struct command cmd_history = {
	.name = "history",
	.aliases = "image history",
	.group = "Images",
	.args = "IMAGE",
	.summary = "Show the steps that made an image",
	.description =
		"Lists the steps that the image's config tells of, the last one first, with the "
		"size "
		"of the layer that each "
		"has added. Steps that only changed the config have the size 0. The id of the "
		"first line is the image's; images do not keep those of their steps, which are "
		"shown as <missing>.\n\n"
		"--format takes .ID .Created .CreatedAt .CreatedSince .CreatedBy .Size .Comment "
		".Tags.",
	.examples = "hoy history alpine\nhoy history --no-trunc --format '{{.CreatedBy}}' alpine",
	.opts = history_rows,
	.opts_size = sizeof(struct history_opts),
	.defaults = &defaults,
	.run = history_run,
	.sample = sample,
	.complete = COMPLETE_IMAGE,
};
