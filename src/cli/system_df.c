#include "base/base.h"
#include "cli/format.h"
#include "engine/disk_usage.h"

struct df_opts {
	const char *format;
	bool verbose;
};

#define TO(kind, field) OPT_TO(kind, struct df_opts, field)
static const struct opt df_rows[] = {
	{"format", 0, TO(OPT_STR, format), "TEMPLATE", "Print with a Go template, or json"},
	{"verbose", 'v', TO(OPT_BOOL, verbose), NULL, "Show each image and each container"},
	{0},
};
#undef TO

static const char *const headers[] = {
	"Type",		"TYPE",		 "TotalCount", "TOTAL",	      "Active",
	"ACTIVE",	"Size",		 "SIZE",       "Reclaimable", "RECLAIMABLE",
	"Repository",	"REPOSITORY",	 "Tag",	       "TAG",	      "ImageID",
	"IMAGE ID",	"CreatedSince",	 "CREATED",    "SharedSize",  "SHARED SIZE",
	"UniqueSize",	"UNIQUE SIZE",	 "Containers", "CONTAINERS",  "ID",
	"CONTAINER ID", "Image",	 "IMAGE",      "Command",     "COMMAND",
	"LocalVolumes", "LOCAL VOLUMES", "RunningFor", "CREATED",     "Status",
	"STATUS",	"Names",	 "NAMES",      "Name",	      "VOLUME NAME",
	"Links",	"LINKS",	 "CacheID",    "CACHE ID",    "CacheType",
	"CACHE TYPE",	"LastUsedSince", "LAST USED",  "Shared",      "SHARED",
	"Description",	"DESCRIPTION",	 NULL,
};

static struct json *sample(struct cli *c)
{
	return disk_usage_sample(c->called == CALLED_DOCKER, &c->arena);
}

static int print_part(struct cli *c, const char *headline, const char *columns,
		      const struct json *list, struct err *e)
{
	struct format_list f = {.columns = columns, .headers = headers};
	struct json *one = json_new(&c->arena, JSON_OBJ);

	for (size_t i = 0; headers[i]; i += 2)
		json_set_str(&c->arena, one, headers[i], "");
	out_printf(&c->out, "%s%s\n\n", c->out.buf.len ? "\n" : "", headline);
	return format_list(c, &f, NULL, true, one, list, list, e);
}

static int print_details(struct cli *c, const struct disk_usage *u, struct err *e)
{
	int r = print_part(c, "Images space usage:",
			   "{{.Repository}}\t{{.Tag}}\t{{.ImageID}}\t{{.CreatedSince}}\t{{.Size}}\t"
			   "{{.SharedSize}}\t{{.UniqueSize}}\t{{.Containers}}",
			   u->images, e);

	if (r == 0)
		r = print_part(c, "Containers space usage:",
			       "{{.ID}}\t{{.Image}}\t{{.Command}}\t{{.LocalVolumes}}\t{{.Size}}\t"
			       "{{.RunningFor}}\t{{.Status}}\t{{.Names}}",
			       u->containers, e);
	if (r == 0)
		r = print_part(c, "Local Volumes space usage:", "{{.Name}}\t{{.Links}}\t{{.Size}}",
			       u->volumes, e);
	if (r == 0 && (c->called == CALLED_DOCKER || u->builds->arr.n)) {
		const struct json *kind = u->kinds->arr.v[u->kinds->arr.n - 1];
		const char *headline =
			arena_printf(&c->arena, "Build cache usage: %s", json_str(kind, "Size"));
		r = print_part(c, headline,
			       "{{.CacheID}}\t{{.CacheType}}\t{{.Size}}\t{{.CreatedSince}}\t"
			       "{{.LastUsedSince}}\t{{.Shared}}\t{{.Description}}",
			       u->builds, e);
	}
	return r;
}

/* docker makes one object of the four lists. */
static int print_object(struct cli *c, const struct disk_usage *u, const char *format,
			struct err *e)
{
	struct json *o = json_new(&c->arena, JSON_OBJ);

	json_put(&c->arena, o, "Images", u->images);
	json_put(&c->arena, o, "Containers", u->containers);
	json_put(&c->arena, o, "Volumes", u->volumes);
	json_put(&c->arena, o, "BuildCache", u->builds);
	return format_objects(c, strcmp(format, "json") ? format : "{{json .}}", o, e);
}

static int df_run(struct cli *c, void *opts, struct err *e)
{
	const struct df_opts *o = opts;
	bool docker = c->called == CALLED_DOCKER, plain = str_is_empty(o->format);
	const struct format_list f = {
		.columns = "{{.Type}}\t{{.TotalCount}}\t{{.Active}}\t{{.Size}}\t{{.Reclaimable}}",
		.headers = headers};
	scoped(home) h = {.fd = -1};
	struct disk_usage u;

	if (o->verbose && !plain && !docker) {
		err_fail(e, ERR_USAGE, "--verbose prints tables and takes no --format");
		return err_hint(e, "leave one of the two out");
	}
	int r = home_open(&h, c->root, e);
	if (r == 0)
		r = disk_usage_find(&h, docker, o->verbose, &c->arena, &u, e);
	if (r < 0)
		return r;
	if (o->verbose)
		return plain ? print_details(c, &u, e) : print_object(c, &u, o->format, e);
	return format_list(c, &f, o->format, true, sample(c), u.kinds, u.kinds, e);
}

const struct command cmd_system_df = {
	.name = "system df",
	.group = "System",
	.summary = "Show how much room images, containers and volumes take",
	.description =
		"Shows the size of what lies in the store: of images the unpacked layers and the "
		"kept blobs, each once however many images share it, and of containers what they "
		"have written, of volumes what is in them, and of the build cache the layers that "
		"no image has and what cache mounts of builds keep. Reclaimable is what removing "
		"all "
		"images without a container (hoy image prune -a), all containers that do not run "
		"(hoy container prune) and all volumes that no container uses (hoy volume prune) "
		"would free; of the build cache, what hoy builder prune would.\n\n"
		"With -v, each image shows what it shares with others and what it has alone; an "
		"image with several names has a line for each.",
	.examples = "hoy system df\nhoy system df -v\n"
		    "hoy system df --format '{{.Type}}: {{.Size}}'",
	.opts = df_rows,
	.opts_size = sizeof(struct df_opts),
	.run = df_run,
	.sample = sample,
};
