#include "base/base.h"
#include "cli/volume.h"
#include "engine/volume_files.h"

struct export_opts {
	const char *output;
};

static const struct opt export_rows[] = {
	{"output", 'o', OPT_TO(OPT_STR, struct export_opts, output), "FILE",
	 "Write this file, not standard output", .complete = COMPLETE_FILE},
	{0},
};

static int export_run(struct cli *c, void *opts, struct err *e)
{
	const struct export_opts *o = opts;
	const char *to = str_eq(o->output, "-") ? NULL : o->output;
	scoped(home) h = {.fd = -1};
	int r = home_open(&h, c->root, e);

	return r < 0 ? r : volume_export(&h, c->args[0], str_is_empty(to) ? NULL : to, e);
}

const struct command cmd_volume_export = {
	.name = "volume export",
	.group = "Volumes",
	.args = "VOLUME",
	.summary = "Write the files of a volume as a tar",
	.description =
		"Writes all files of a volume, with the owners that containers see, in the "
		"order of their names. Containers may use it meanwhile; what changes while "
		"it is read is seen before or after the change. A file gets its name when it "
		"is complete.",
	.examples = "hoy volume export -o data.tar data\nhoy volume export data | tar -t",
	.opts = export_rows,
	.opts_size = sizeof(struct export_opts),
	.run = export_run,
	.complete = COMPLETE_VOLUME,
};

static int import_run(struct cli *c, void *opts, struct err *e)
{
	const char *from = c->nargs > 1 && strcmp(c->args[1], "-") != 0 ? c->args[1] : NULL;
	scoped(home) h = {.fd = -1};
	int r = home_open(&h, c->root, e);

	return r < 0 ? r : volume_import(&h, c->args[0], from, e);
}

const struct command cmd_volume_import = {
	.name = "volume import",
	.group = "Volumes",
	.args = "VOLUME [FILE]",
	.summary = "Unpack a tar into a volume",
	.description =
		"Unpacks a tar (plain, or compressed by gzip, zstd, xz or bzip2) into a volume "
		"that "
		"exists; without FILE, or with -, from standard input. What is in the volume "
		"stays, "
		"but for what has the same name. No name of the tar leads out of the volume.",
	.examples = "hoy volume export -o data.tar data\nhoy volume import data data.tar",
	.run = import_run,
	.complete = COMPLETE_VOLUME,
	.complete_rest = COMPLETE_FILE,
};

static int mount_run(struct cli *c, void *opts, struct err *e)
{
	scoped(home) h = {.fd = -1};
	const char *path;
	int r = home_open(&h, c->root, e);

	if (r == 0)
		r = volume_mount(&h, c->args[0], &path, &c->arena, e);
	if (r == 0)
		out_printf(&c->out, "%s\n", path);
	return r;
}

const struct command cmd_volume_mount = {
	.name = "volume mount",
	.group = "Volumes",
	.args = "VOLUME",
	.summary = "Show where a volume's files are, inside of hoy unshare",
	.description =
		"Prints the directory with the volume's files. Inside of `hoy unshare` all of them "
		"can be read and written, whoever of a container they belong to. A volume that is "
		"in memory or a directory of the host is mounted there first, for the programs in "
		"that unshare only.",
	.examples = "hoy volume create seen\nhoy unshare sh -c 'ls -l $(hoy volume mount seen)'",
	.run = mount_run,
	.complete = COMPLETE_VOLUME,
};

static int reload_run(struct cli *c, void *opts, struct err *e)
{
	struct strs added = {0}, removed = {0};
	scoped(home) h = {.fd = -1};
	struct err why = {0};
	size_t silent = 0;
	int r = home_open(&h, c->root, e);

	if (r == 0)
		r = volumes_reload(&h, &added, &removed, &silent, &why, &c->arena, e);
	if (r < 0)
		return r;
	for (size_t i = 0; i < added.n; i++)
		out_printf(&c->out, "%s%s\n", i ? "" : "Added:\n", added.v[i]);
	for (size_t i = 0; i < removed.n; i++)
		out_printf(&c->out, "%s%s\n", i ? "" : "Removed:\n", removed.v[i]);
	if (silent)
		cli_warn(c, "%zu plugin%s left as %s, the first: %s", silent,
			 silent == 1 ? " was" : "s were", silent == 1 ? "it is" : "they are",
			 why.msg);
	return 0;
}

const struct command cmd_volume_reload = {
	.name = "volume reload",
	.group = "Volumes",
	.summary = "Ask all volume plugins which volumes they have",
	.description =
		"Makes the records of the volumes of plugins what the plugins say: new ones are "
		"added, and those that are gone are forgotten, if no container uses them. Volumes "
		"of the driver local stay as they are.",
	.examples = "hoy volume reload",
	.run = reload_run,
};

static int unmount_run(struct cli *c, void *opts, struct err *e)
{
	scoped(home) h = {.fd = -1};
	int r = home_open(&h, c->root, e);

	for (size_t i = 0; r == 0 && i < c->nargs; i++) {
		struct err one = {.exit = EXIT_ENGINE};
		if (volume_unmount(&h, c->args[i], &c->arena, &one) < 0)
			cli_report(c, &one);
		else
			out_printf(&c->out, "%s\n", c->args[i]);
	}
	return r;
}

const struct command cmd_volume_unmount = {
	.name = "volume unmount",
	.aliases = "volume umount",
	.group = "Volumes",
	.args = "VOLUME [VOLUME...]",
	.summary = "Take away what hoy volume mount has mounted",
	.description =
		"Takes away what `hoy volume mount` has mounted, in the same `hoy unshare`. Of "
		"a plain volume there is nothing to be taken away.",
	.examples = "hoy volume create shown\nhoy unshare sh -c 'hoy volume mount shown; hoy "
		    "volume unmount shown'",
	.run = unmount_run,
	.complete = COMPLETE_VOLUME,
};
