#include "base/base.h"
#include "base/parse.h"
#include "cli/command.h"
#include "engine/copy.h"

struct cp_opts {
	bool archive, follow, overwrite, quiet;
};

#define TO(kind, field) OPT_TO(kind, struct cp_opts, field)
static const struct opt cp_rows[] = {
	{"archive", 'a', TO(OPT_BOOL, archive), NULL,
	 "In a container, give what is copied to its user (the default; =false: to whom it belongs "
	 "at the source)"},
	{"follow-link", 'L', TO(OPT_BOOL, follow), NULL,
	 "Copy what a source that is a link leads to (the default; =false: the link)"},
	{"overwrite", 0, TO(OPT_BOOL, overwrite), NULL,
	 "Let a file take the place of a directory, and the other way round"},
	{"quiet", 'q', TO(OPT_BOOL, quiet), NULL, "Called docker: do not say how much was copied"},
	{0},
};
#undef TO
static const struct cp_opts cp_defaults = {.archive = true, .follow = true};

/* docker leaves links as they are and gives everything to root unless it is told otherwise. */
static void set_owner_and_links(const struct cli *c, const struct cp_opts *o, struct copy *to)
{
	bool docker = c->called == CALLED_DOCKER;

	to->owner = o->archive ? COPY_OWNER_USER : COPY_OWNER_SOURCE;
	to->follow = o->follow;
	if (docker && !cli_given(c, "follow-link"))
		to->follow = false;
	if (docker)
		to->owner =
			cli_given(c, "archive") && o->archive ? COPY_OWNER_SOURCE : COPY_OWNER_ROOT;
}

static void say_done(const char *to, const struct copy_result *r)
{
	scoped(str) size = {0};

	size_human(&size, r->bytes);
	dprintf(STDERR_FILENO, "Successfully copied %s to %s\n", str_cstr(&size), to);
}

static int cp_run(struct cli *c, void *opts, struct err *e)
{
	const struct cp_opts *o = opts;
	scoped(home) h = {.fd = -1};
	struct copy copy = {.overwrite = o->overwrite};
	struct copy_result result;

	copy_end_parse(c->args[0], &c->arena, &copy.from);
	copy_end_parse(c->args[1], &c->arena, &copy.to);
	set_owner_and_links(c, o, &copy);
	int r = home_open(&h, c->root, e);
	if (r == 0)
		r = copy_run(&h, &copy, &result, e);
	if (r < 0)
		return r;
	if (result.skipped_devices)
		cli_warn(c, "%" PRIu64 " device nodes were left out", result.skipped_devices);
	if (c->called == CALLED_DOCKER && !o->quiet && copy.to.path)
		say_done(c->args[1], &result);
	return 0;
}

const struct command cmd_cp = {
	.name = "cp",
	.aliases = "container cp",
	.group = "Containers",
	.args = "[CONTAINER:]SOURCE [CONTAINER:]TARGET",
	.summary = "Copy files between containers and this machine",
	.description =
		"Copies a file or a whole directory out of a container, into one, or from one to "
		"another. The container may run, be paused, or not run; what is mounted into it is "
		"seen, but a tmpfs only while it runs. Nothing of the container is executed, and "
		"its links lead nowhere outside. Its paths begin at its root directory.\n\n"
		"A file copied to a name that is not there gets that name; to a file, it takes its "
		"place; to a directory, it goes into it. A directory copied to a name that is not "
		"there becomes it; to a directory, it goes into it; with SOURCE/. only what is in "
		"it does. Directories above the target must be there.\n\n"
		"With - as the target a tar goes to standard output, with - as the source one is "
		"unpacked from standard input into a directory. A path here that looks like "
		"CONTAINER:PATH is written ./CONTAINER:PATH.\n\n"
		"What arrives in a container belongs to the user of the container, what arrives "
		"here to you, without setuid and setgid bits and without device nodes. Modes and "
		"times are kept.\n\n"
		"Called docker, a source that is a link is copied as a link unless -L is given, "
		"and what arrives in a container belongs to its root, unless -a is given.",
	.examples = "hoy cp web:/etc/hosts .\nhoy cp site/. web:/srv/www\nhoy cp web:/var/log - | "
		    "tar -t\n"
		    "# From one container to another\nhoy cp web:/etc/passwd db:/tmp/",
	.opts = cp_rows,
	.opts_size = sizeof(struct cp_opts),
	.defaults = &cp_defaults,
	.run = cp_run,
	.complete = COMPLETE_COPY,
	.complete_rest = COMPLETE_COPY,
};
