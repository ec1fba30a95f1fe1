#include <signal.h>

#include "base/base.h"
#include "cli/command.h"
#include "engine/unshare.h"

struct unshare_opts {
	bool rootless_netns;
};

static const struct opt unshare_rows[] = {
	{"rootless-netns", 0, OPT_TO(OPT_BOOL, struct unshare_opts, rootless_netns), NULL,
	 "Refused: no network namespace is shared by all containers"},
	{0},
};

/* Comes back only if that fails. */
static int become(char *const *args, struct err *e)
{
	const char *shell = getenv("SHELL");
	char *const own[] = {(char *)(str_is_empty(shell) ? "/bin/sh" : shell), NULL};
	char *const *v = args[0] ? args : own;

	signal(SIGPIPE, SIG_DFL);
	execvp(v[0], v);
	int code = errno;
	err_set(e, code, "run %s", v[0]);
	e->exit = code == ENOENT ? EXIT_NOTFOUND : EXIT_NOEXEC;
	return err_hint(e, "the program is looked for in PATH of this machine, not in an image");
}

static int unshare_run(struct cli *c, void *opts, struct err *e)
{
	const struct unshare_opts *o = opts;
	scoped(home) h = {.fd = -1};

	if (o->rootless_netns) {
		err_fail(e, ERR_USAGE, "--rootless-netns: containers share no network namespace");
		return err_hint(e, "hoy exec and hoy run --network host are the ways to networks");
	}
	int r = home_open(&h, c->root, e);
	if (r == 0)
		r = unshare_enter(&h, e);
	return r < 0 ? r : become(c->args, e);
}

const struct command cmd_unshare = {
	.name = "unshare",
	.group = "System",
	.args = "[COMMAND [ARG...]]",
	.summary = "Run a program of this machine with the IDs of containers",
	.description =
		"Starts a program, or $SHELL, in the user namespace that containers live below: "
		"your "
		"user is root there, and files of your subordinate IDs have the owners that "
		"containers see. So what a container has written with other IDs can be looked at, "
		"given back with chown, or removed. It has mounts of its own, and no more rights "
		"on "
		"this machine than you have.\n\n"
		"hoy can be used in it. $HOY_UNSHARE tells such a shell from others, $HOY_ROOT is "
		"the "
		"store.",
	.examples = "hoy unshare ls -ln tree\nhoy unshare chown -R 0:0 tree\n"
		    "hoy unshare rm -rf data\nhoy unshare cat /proc/self/uid_map",
	.exits = "125 hoy itself failed\n126 the program cannot be executed\n127 there is no such "
		 "program\nelse that of the program",
	.opts = unshare_rows,
	.opts_size = sizeof(struct unshare_opts),
	.stop_at_operand = true,
	.run = unshare_run,
	.complete = COMPLETE_FILE,
};
