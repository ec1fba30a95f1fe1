#include "base/base.h"
#include "cli/progress.h"
#include "engine/image.h"

struct save_opts {
	const char *format, *output;
	bool compress, multi, quiet;
};

#define FORMATS "docker-archive oci-archive oci-dir docker-dir"

#define TO(kind, field) OPT_TO(kind, struct save_opts, field)
static const struct opt save_rows[] = {
	{"compress", 0, TO(OPT_BOOL, compress), NULL,
	 "Compress layers that are not compressed, with gzip (docker-dir and oci-dir only)"},
	{"format", 0, TO(OPT_CHOICE, format), "FORMAT",
	 "What to write: docker-archive (the default), oci-archive, oci-dir or docker-dir",
	 .words = FORMATS},
	{"multi-image-archive", 'm', TO(OPT_BOOL, multi), NULL,
	 "All operands are images; else those behind the first are more names for it"},
	{"output", 'o', TO(OPT_STR, output), "PATH",
	 "Write this file or directory, not standard output", .complete = COMPLETE_FILE},
	{"quiet", 'q', TO(OPT_BOOL, quiet), NULL, "Show no progress"},
	{"uncompressed", 0, OPT_BOOL, .help = "Nothing is compressed unless --compress asks for it",
	 .flags = OPT_IGNORED},
	{0},
};
#undef TO

static enum save_format format_of(const char *name)
{
	static const char *const names[] = {
		[SAVE_DOCKER_ARCHIVE] = "docker-archive",
		[SAVE_OCI_ARCHIVE] = "oci-archive",
		[SAVE_OCI_DIR] = "oci-dir",
		[SAVE_DOCKER_DIR] = "docker-dir",
	};

	for (size_t i = 0; i < countof(names); i++)
		if (str_eq(name, names[i]))
			return (enum save_format)i;
	return SAVE_DOCKER_ARCHIVE;
}

static int save_run(struct cli *c, void *opts, struct err *e)
{
	struct save_opts *o = opts;
	bool docker = c->called == CALLED_DOCKER;
	scoped(home) h = {.fd = -1};
	struct image_save_opts s = {
		.format = format_of(o->format),
		.compress = o->compress,
		.output = str_eq(o->output, "-") ? NULL : o->output,
		.images = c->args,
		.n = c->nargs,
		.multi = o->multi || docker,
		.registry = docker ? "docker.io" : "localhost",
	};

	if (o->compress && s.format != SAVE_OCI_DIR && s.format != SAVE_DOCKER_DIR) {
		err_fail(e, ERR_USAGE, "--compress is for --format docker-dir and oci-dir");
		return err_hint(e, "compress the whole archive: hoy save IMAGE | zstd > FILE");
	}
	struct progress p;
	progress_init(&p, c, o->quiet);
	if (p.terminal)
		s.watch = progress_watch(&p);
	int r = home_open(&h, c->root, e);
	if (r == 0)
		r = image_save(&h, &s, e);
	if (r == 0 && p.terminal)
		progress_end(&p, "Saved", c->nargs == 1 || !s.multi ? c->args[0] : "all images");
	return r;
}

const struct command cmd_save = {
	.name = "save",
	.aliases = "image save",
	.group = "Images",
	.args = "IMAGE [NAME...]",
	.summary = "Write images to an archive or a directory",
	.description =
		"Writes an image, with its name, into an archive that `hoy load`, podman, docker "
		"and skopeo read. With "
		"-m several images go into one archive and share their layers; without it, further "
		"operands are more "
		"names that the image gets when it is loaded.\n\n"
		"Image id, layers and their digests stay what they are, and so does the digest of "
		"the manifest as "
		"long as the format allows the manifest: in oci-archive and oci-dir for images "
		"that came from OCI "
		"archives or registries, in docker-dir for docker's. Blobs are written as they "
		"were kept, nothing is "
		"compressed again; docker-archive holds plain layers. The same images always give "
		"the same bytes.\n\n"
		"A file gets its name when it is complete. Every layer is checked on its way: if a "
		"file of it was changed in the store, the command fails. On a terminal standard "
		"error "
		"shows how far it is.",
	.examples = "hoy save -o alpine.tar alpine\nhoy save alpine | ssh host hoy load\n"
		    "hoy save -m -o both.tar alpine debian\n"
		    "hoy save --format oci-archive -o alpine-oci.tar alpine\n"
		    "# With another name\nhoy save -o app.tar app app:backup",
	.opts = save_rows,
	.opts_size = sizeof(struct save_opts),
	.run = save_run,
	.complete = COMPLETE_IMAGE,
};
