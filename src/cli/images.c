#include "base/base.h"
#include "cli/format.h"
#include "engine/image.h"

struct images_opts {
	bool all, digests, noheading, no_trunc, quiet;
	const char *format, *sort;
	struct strs filter;
};

#define TO(kind, field) OPT_TO(kind, struct images_opts, field)
static const struct opt images_rows[] = {
	{"all", 'a', TO(OPT_BOOL, all), NULL, "Show images without a name too (they always are)"},
	{"digests", 0, TO(OPT_BOOL, digests), NULL, "Show the digests of the manifests"},
	{"filter", 'f', TO(OPT_STRS, filter), "KEY=VALUE",
	 "Show only what fits: reference, dangling, label, before, since, until, id, digest, "
	 "containers",
	 COMPLETE_WORDS,
	 "reference=<:image> dangling=<true|false> label= label!= before=<:image> since=<:image> "
	 "until= id= digest= containers=<true|false> intermediate=<true|false> "
	 "readonly=<true|false> manifest=<true|false>"},
	{"format", 0, TO(OPT_STR, format), "TEMPLATE", "Print with a Go template, or json"},
	{"no-trunc", 0, TO(OPT_BOOL, no_trunc), NULL, "Show whole ids", .aliases = "notruncate"},
	{"noheading", 'n', TO(OPT_BOOL, noheading), NULL, "Leave out the headline"},
	{"quiet", 'q', TO(OPT_BOOL, quiet), NULL, "Print ids only"},
	{"sort", 0, TO(OPT_CHOICE, sort), "KEY", "Order by this column",
	 .words = "created id repository size tag"},
	{0},
};
#undef TO

static const char *const headers[] = {
	"Repository", "REPOSITORY", "Tag",	    "TAG",     "Digest", "DIGEST",
	"ID",	      "IMAGE ID",   "CreatedSince", "CREATED", "Size",	 "SIZE",
	"CreatedAt",  "CREATED AT", "ReadOnly",	    "R/O",     NULL,
};

static struct json *sample(struct cli *c)
{
	return image_sample(c->called == CALLED_DOCKER, &c->arena);
}

static int images_run(struct cli *c, void *opts, struct err *e)
{
	struct images_opts *o = opts;
	struct format_list f = {.headers = headers,
				.json_fields =
					"ID Repository Tag Digest CreatedSince CreatedAt Size "
					"Containers SharedSize UniqueSize VirtualSize"};
	struct image_query q = {.filters = o->filter,
				.reference = c->nargs ? c->args[0] : NULL,
				.sort = o->sort,
				.no_trunc = o->no_trunc,
				.docker = c->called == CALLED_DOCKER};
	scoped(home) h = {.fd = -1};
	struct image_result res;

	/* {{json .}} is made of the facts too, unless docker's lines are wanted. */
	q.ids_only = o->quiet;
	q.lists = c->called != CALLED_DOCKER;
	q.facts = format_wants_facts(c, o->format);
	q.count = o->format && (q.facts || strstr(o->format, "Containers"));
	f.columns = o->digests
			    ? "{{.Repository}}\t{{.Tag}}\t{{.Digest}}\t{{.ID}}\t{{.CreatedSince}}\t"
			      "{{.Size}}"
			    : "{{.Repository}}\t{{.Tag}}\t{{.ID}}\t{{.CreatedSince}}\t{{.Size}}";
	int r = home_open(&h, c->root, e);
	if (r == 0)
		r = image_query(&h, &q, &c->arena, &res, e);
	if (r < 0)
		return r;
	if (!o->quiet)
		return format_list(c, &f, o->format, !o->noheading, sample(c), res.fields,
				   res.objects, e);
	for (size_t i = 0; i < res.ids.n; i++)
		out_printf(&c->out, "%s\n", res.ids.v[i]);
	return 0;
}

const struct command cmd_images = {
	.name = "images",
	.aliases = "image ls,image list",
	.group = "Images",
	.args = "[NAME]",
	.summary = "List images",
	.description =
		"Lists the images of the store, the newest first, one line for each name. NAME "
		"shows only "
		"images of that name; it may hold wildcards and leave out the registry and the "
		"tag. Manifest lists that were made here (hoy manifest create) are listed, too.\n\n"
		"--format takes the fields of docker and podman: .Repository .Tag .Digest .ID "
		".CreatedSince .CreatedAt .Size .Labels .Names .Containers and others.",
	.examples = "hoy images\nhoy images --filter dangling=true -q\n"
		    "hoy images --format '{{.Repository}}:{{.Tag}} {{.Size}}'",
	.opts = images_rows,
	.opts_size = sizeof(struct images_opts),
	.run = images_run,
	.sample = sample,
	.complete = COMPLETE_IMAGE,
};
