#include "base/base.h"
#include "cli/progress.h"
#include "cli/skipped.h"
#include "engine/image.h"

struct load_opts {
	const char *input;
	uint64_t max_layer;
	bool quiet;
};

#define TO(kind, field) OPT_TO(kind, struct load_opts, field)
static const struct opt load_rows[] = {
	{"input", 'i', TO(OPT_STR, input), "PATH",
	 "Read this file or directory, not standard input", .complete = COMPLETE_FILE},
	{"max-layer-size", 0, TO(OPT_SIZE, max_layer), "SIZE",
	 "Refuse layers that unpack to more (default 1g, or 100 times what was read)"},
	{"quiet", 'q', TO(OPT_BOOL, quiet), NULL, "Print no more than the names of the images"},
	{0},
};
#undef TO

/* podman says "Loaded image: NAME", docker too for names, but "Loaded image ID: ID" for an image without one. */
static void print_loaded(struct cli *c, const struct loaded_image *im)
{
	bool docker = c->called == CALLED_DOCKER;

	for (size_t i = 0; i < im->names.n; i++)
		out_printf(&c->out, "Loaded image: %s\n",
			   docker ? ref_familiar(&c->arena, im->names.v[i]) : im->names.v[i]);
	if (!im->names.n)
		out_printf(&c->out, docker ? "Loaded image ID: %s\n" : "Loaded image: %s\n",
			   im->id);
}

static int load_run(struct cli *c, void *opts, struct err *e)
{
	struct load_opts *o = opts;
	scoped(home) h = {.fd = -1};
	scoped(load_result) done = {0};
	const char *path = o->input && strcmp(o->input, "-") ? o->input : NULL;
	struct progress p;
	struct image_load_opts lo = {.max_layer = o->max_layer};
	int r = home_open(&h, c->root, e);

	progress_init(&p, c, o->quiet);
	lo.watch = progress_watch(&p);
	if (r == 0)
		r = image_load(&h, path, &lo, &done, e);
	for (size_t i = 0; i < done.n && r == 0; i++)
		print_loaded(c, &done.v[i]);
	for (size_t i = 0; i < done.n && r == 0 && !o->quiet; i++)
		skipped_note(c, &h, done.v[i].id);
	return r;
}

const struct command cmd_load = {
	.name = "load",
	.aliases = "image load",
	.group = "Images",
	.summary = "Load images from an archive",
	.description =
		"Reads an archive and adds all its images to the store, with their names. "
		"Understood are the "
		"archives of docker save, podman save and skopeo (docker-archive and "
		"oci-archive), and OCI "
		"image layouts, as a tar file or as a directory, and skopeo's dir: (podman's "
		"docker-dir), which has no names. The file may be compressed "
		"with gzip, zstd, "
		"xz or bzip2.\n\n"
		"Every layer is checked against its digests before anything is kept: a "
		"damaged archive "
		"leaves nothing behind. policy.json may refuse archives, as transports "
		"docker-archive, "
		"oci-archive, oci and dir.",
	.examples = "hoy load -i image.tar\npodman save alpine | hoy load\nskopeo copy "
		    "docker://alpine oci-archive:/dev/stdout:alpine | hoy load",
	.opts = load_rows,
	.opts_size = sizeof(struct load_opts),
	.run = load_run,
};
