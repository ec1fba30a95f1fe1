#include "base/base.h"
#include "cli/command.h"
#include "engine/commit.h"
#include "engine/list.h"

struct commit_cmd_opts {
	struct strs change;
	const char *author, *message, *format, *iidfile;
	bool include_volumes, pause, no_pause, quiet, squash;
};

#define TO(kind, field) OPT_TO(kind, struct commit_cmd_opts, field)
static const struct opt commit_rows[] = {
	{"author", 'a', TO(OPT_STR, author), "WHO",
	 "Who made it, as in \"Jane <jane@example.com>\""},
	{"change", 'c', TO(OPT_STRS, change), "INSTRUCTION",
	 "Apply this line of a Dockerfile: CMD, ENTRYPOINT, ENV, EXPOSE, HEALTHCHECK, LABEL, "
	 "ONBUILD, SHELL, STOPSIGNAL, USER, VOLUME or WORKDIR"},
	{"format", 'f', TO(OPT_CHOICE, format), "FORMAT",
	 "The kind of manifest: oci (the default; called docker: docker) or docker",
	 .words = "oci docker"},
	{"iidfile", 0, TO(OPT_STR, iidfile), "FILE", "Write the ID of the image to this file",
	 .complete = COMPLETE_FILE},
	{"include-volumes", 0, TO(OPT_BOOL, include_volumes), NULL,
	 "Name its volumes as volumes of the image (their content stays out)"},
	{"message", 'm', TO(OPT_STR, message), "TEXT", "A comment for the history of the image"},
	{"no-pause", 0, TO(OPT_BOOL, no_pause), NULL,
	 "Let a running container go on (the default, unless called docker)"},
	{"pause", 'p', TO(OPT_BOOL, pause), NULL,
	 "Hold the processes of a running container still meanwhile (SIGSTOP)"},
	{"quiet", 'q', TO(OPT_BOOL, quiet), NULL,
	 "Print nothing but the ID (nothing else is printed)"},
	{"squash", 's', TO(OPT_BOOL, squash), NULL,
	 "Make one layer of all, without those of the image and its history"},
	{0},
};
#undef TO

static int check(const struct commit_cmd_opts *o, struct err *e)
{
	if (o->pause && o->no_pause)
		return err_fail(e, ERR_USAGE, "--pause and --no-pause exclude each other");
	return 0;
}

static int commit_run(struct cli *c, void *opts, struct err *e)
{
	const struct commit_cmd_opts *o = opts;
	bool docker = c->called == CALLED_DOCKER;
	scoped(home) h = {.fd = -1};
	scoped(tree) t = TREE_NONE;
	char id[DIGEST_LEN + 1];
	struct commit_opts co = {
		.name = c->nargs > 1 ? c->args[1] : NULL,
		.registry = docker ? "docker.io" : "localhost",
		.author = o->author,
		.message = o->message,
		.changes = o->change,
		.docker = o->format ? str_eq(o->format, "docker") : docker,
		.volumes = o->include_volumes,
		.squash = o->squash,
		.pause = cli_given(c, "pause") ? o->pause : docker && !o->no_pause,
	};
	int r = check(o, e);

	if (r == 0)
		r = home_open(&h, c->root, e);
	if (r == 0)
		r = tree_find(&h, c->args[0], TREE_CONTAINER, "commit", &t, e);
	if (r == 0)
		r = container_commit(&h, &t, &co, id, e);
	if (r < 0)
		return r;
	const char *shown = docker ? id : digest_hex(id);
	if (o->iidfile) {
		r = fd_write_file_at(AT_FDCWD, o->iidfile, shown, strlen(shown), 0666);
		if (r < 0)
			err_set(e, r, "write the ID of the image, %.12s, to %s", digest_hex(id),
				o->iidfile);
	}
	if (r == 0)
		out_printf(&c->out, "%s\n", shown);
	return r;
}

const struct command cmd_commit = {
	.name = "commit",
	.aliases = "container commit",
	.group = "Containers",
	.args = "CONTAINER [IMAGE]",
	.summary = "Make an image of what a container has changed",
	.description =
		"Adds a layer with all that the container has written to the layers of its image. "
		"What lies on mounts, and the files that hoy makes in each container (such as "
		"/etc/hosts), stay out.\n\n"
		"The image runs by default what the container was told to run, with its "
		"environment, user, directory and labels; --change changes that afterwards. "
		"Variables that come from hoy or from this machine (container, HOSTNAME, TERM, "
		"proxies) stay out.\n\n"
		"A running container goes on, so what it writes meanwhile may be in the image or "
		"not. With --pause it is held still, as docker does by default, by SIGSTOP to each "
		"of "
		"its processes and SIGCONT afterwards, also if hoy is killed; a shell with job "
		"control in it can see that.",
	.examples = "hoy commit web myweb:2\n"
		    "hoy commit -p -m 'new config' -a 'Jane <jane@example.com>' web web:2\n"
		    "hoy commit -c 'CMD [\"/bin/server\"]' -c 'ENV DEBUG=1' web\n"
		    "hoy commit --squash web small",
	.opts = commit_rows,
	.opts_size = sizeof(struct commit_cmd_opts),
	.run = commit_run,
	.complete = COMPLETE_CONTAINER,
	.complete_rest = COMPLETE_IMAGE,
};
