#include "base/base.h"
#include "cli/progress.h"
#include "cli/skipped.h"
#include "engine/image.h"

struct import_opts {
	struct strs change;
	const char *message, *os, *arch, *variant, *platform;
	uint64_t max_layer;
	bool quiet;
};

#define TO(kind, field) OPT_TO(kind, struct import_opts, field)
static const struct opt import_rows[] = {
	{"arch", 0, TO(OPT_STR, arch), "ARCH",
	 "The architecture of the image, if not this machine's"},
	{"change", 'c', TO(OPT_STRS, change), "INSTRUCTION",
	 "Apply this line of a Dockerfile: CMD, ENTRYPOINT, ENV, EXPOSE, HEALTHCHECK, LABEL, "
	 "ONBUILD, "
	 "SHELL, STOPSIGNAL, USER, VOLUME or WORKDIR"},
	{"max-layer-size", 0, TO(OPT_SIZE, max_layer), "SIZE",
	 "Refuse a tar that unpacks to more (default 1g, or 100 times what was read)"},
	{"message", 'm', TO(OPT_STR, message), "TEXT", "A comment for the history of the image"},
	{"os", 0, TO(OPT_STR, os), "OS", "The operating system of the image, if not linux"},
	{"platform", 0, TO(OPT_STR, platform), "OS/ARCH[/VARIANT]",
	 "The same as --os, --arch and --variant in one word"},
	{"quiet", 'q', TO(OPT_BOOL, quiet), NULL, "Print no more than the id of the image"},
	{"variant", 0, TO(OPT_STR, variant), "VARIANT",
	 "The variant of the architecture of the image"},
	{0},
};
#undef TO

/* "linux/arm64/v8", where the single flags do not say it. */
static int take_platform(struct cli *c, const char *text, struct image_import_opts *i,
			 struct err *e)
{
	const char **to[] = {&i->os, &i->arch, &i->variant};
	scoped(strv) parts = {0};

	strv_split(&parts, text, '/');
	if (parts.n < 2 || parts.n > 3) {
		err_fail(e, ERR_USAGE, "--platform \"%.80s\" is no platform", text);
		return err_hint(e, "as in linux/amd64 or linux/arm/v7");
	}
	for (size_t k = 0; k < parts.n; k++)
		if (!*to[k])
			*to[k] = arena_strdup(&c->arena, parts.v[k]);
	return 0;
}

static int import_run(struct cli *c, void *opts, struct err *e)
{
	struct import_opts *o = opts;
	scoped(home) h = {.fd = -1};
	struct image_import_result done;
	struct image_import_opts i = {
		.from = c->args[0],
		.name = c->nargs > 1 ? c->args[1] : NULL,
		.registry = c->called == CALLED_DOCKER ? "docker.io" : "localhost",
		.changes = o->change,
		.message = o->message,
		.os = o->os,
		.arch = o->arch,
		.variant = o->variant,
		.max_layer = o->max_layer,
	};
	struct progress p;
	progress_init(&p, c, o->quiet);
	i.watch = progress_watch(&p);
	int r = o->platform ? take_platform(c, o->platform, &i, e) : 0;

	if (r == 0)
		r = home_open(&h, c->root, e);
	if (r == 0)
		r = image_import(&h, &i, &done, e);
	if (r < 0)
		return r;
	out_printf(&c->out, "%s\n", done.id);
	if (done.archive)
		cli_warn(
			c,
			"%s is an image archive, not a root file system; hoy load -i FILE adds the "
			"image that is in it (hoy rmi %.12s removes this one)",
			c->args[0], strchr(done.id, ':') ? strchr(done.id, ':') + 1 : done.id);
	if (!o->quiet)
		skipped_note(c, &h, done.id);
	return 0;
}

const struct command cmd_import = {
	.name = "import",
	.aliases = "image import",
	.group = "Images",
	.args = "FILE|DIR|URL|- [NAME]",
	.summary = "Make an image out of a root file system",
	.description =
		"Makes an image of one layer from a tar of a root file system (plain, or "
		"compressed with gzip, "
		"zstd, xz or bzip2), from a URL that gives such a tar, from standard input, or "
		"from a directory. "
		"Entries are checked as those of any layer: nothing can be written outside of it, "
		"device nodes are left "
		"out.\n\n"
		"Files of a directory belong to whom they belong seen from a container: your own "
		"to root, "
		"those of your "
		"subordinate ids to the ids that they stand for. Other file systems below it stay "
		"out.\n\n"
		"The same content and options give the same image, whatever its compression; it "
		"counts as created when its newest file was. For archives of images, see: hoy "
		"load.",
	.examples =
		"hoy import rootfs.tar.gz myroot\n"
		"hoy import -c 'CMD [\"/bin/sh\"]' -c 'ENV LANG=C.UTF-8' rootfs.tar myroot:1.0\n"
		"tar -C tree -c . | hoy import - tree\n"
		"hoy import https://example.com/rootfs.tar.xz web",
	.opts = import_rows,
	.opts_size = sizeof(struct import_opts),
	.run = import_run,
	.complete = COMPLETE_FILE,
};
