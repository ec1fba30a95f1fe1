#include "base/base.h"
#include "cli/each.h"
#include "cli/run_opts.h"
#include "engine/exec.h"
#include "engine/list.h"

struct exec_cmd_opts {
	struct preserve_opts preserve;
	bool latest;
	bool detach, interactive, tty, privileged;
	struct strs env, env_files;
	const char *user, *workdir, *detach_keys, *cidfile;
};

#define TO(kind, field) OPT_TO(kind, struct exec_cmd_opts, field)
static const struct opt exec_rows[] = {
	{"cidfile", 0, TO(OPT_STR, cidfile), "FILE",
	 "In the container whose ID is in this file, which is not named", COMPLETE_FILE},
	{"detach", 'd', TO(OPT_BOOL, detach), NULL, "Run in the background"},
	{"detach-keys", 0, TO(OPT_STR, detach_keys), "KEYS",
	 "Keys that detach (default ctrl-p,ctrl-q; empty for none)"},
	{"env", 'e', TO(OPT_STRS, env), "KEY[=VALUE]",
	 "Set a variable; KEY alone takes the caller's"},
	{"env-file", 0, TO(OPT_STRS, env_files), "FILE", "Read variables from a file",
	 COMPLETE_FILE},
	{"interactive", 'i', TO(OPT_BOOL, interactive), NULL, "Keep standard input open"},
	{"latest", 'l', TO(OPT_BOOL, latest), NULL, "In the newest container, which is not named"},
	{"no-session", 0, OPT_BOOL, .help = "Keep no record of it (hoy never does)",
	 .flags = OPT_IGNORED},
	{"privileged", 0, TO(OPT_BOOL, privileged), NULL, "Give it all capabilities"},
	{"tty", 't', TO(OPT_BOOL, tty), NULL, "Give it a terminal"},
	{"user", 'u', TO(OPT_STR, user), "USER[:GROUP]",
	 "User and group, by name or number (default: the container's)"},
	{"workdir", 'w', TO(OPT_STR, workdir), "PATH",
	 "Working directory (default: the container's)"},
	{.kind = OPT_TABLE,
	 .offset = offsetof(struct exec_cmd_opts, preserve),
	 .sub = preserve_rows},
	{0},
};
#undef TO

static int exec_run(struct cli *c, void *opts, struct err *e)
{
	struct exec_cmd_opts *o = opts;
	scoped(home) h = {.fd = -1};
	struct container ct = {.dir = -1};
	struct fd_kept fds;
	bool unnamed = o->latest || o->cidfile;
	const char *name = unnamed ? NULL : c->args[0];
	size_t first = unnamed ? 0 : 1;
	int sock = -1, r = run_preserved(&o->preserve, &fds, e);

	if (r < 0)
		return r;
	if (c->nargs <= first) {
		err_fail(e, ERR_USAGE, "exec needs %s",
			 unnamed ? "a command" : "a container and a command");
		return err_hint(e, "hoy help exec");
	}
	if (o->latest && o->cidfile) {
		err_fail(e, ERR_USAGE, "--latest and --cidfile exclude each other");
		return err_hint(e, "one says which container, and that is enough");
	}
	if (!o->detach)
		run_check_terminal(c, &o->tty, o->interactive);
	struct exec_opts x = {
		.env = o->env,
		.env_files = o->env_files,
		.user = str_is_empty(o->user) ? NULL : o->user,
		.workdir = o->workdir,
		.tty = o->tty,
		.interactive = o->interactive && !o->detach,
		.privileged = o->privileged,
		.detach = o->detach,
		.size = run_terminal_size(),
		.fds = &fds,
	};
	for (size_t i = first; i < c->nargs; i++)
		strs_add(&c->arena, &x.args, c->args[i]);
	r = home_open(&h, c->root, e);
	if (r == 0 && o->latest)
		r = container_newest(&h, &c->arena, &name, e);
	if (r == 0 && o->cidfile)
		r = each_read_cidfile(c, o->cidfile, &name, e);
	if (r == 0)
		r = container_open(&h, name, &ct, e);
	if (r == 0)
		r = container_exec(&h, &ct, &x, &sock, e);
	if (r == 0)
		fd_kept_close(&fds);
	if (r == 0 && o->detach) {
		r = run_await(c, sock, ct.monitor, e);
	} else if (r == 0) {
		const char *keys = o->detach_keys ? o->detach_keys : ct.config.detach_keys;
		struct attach_opts ao = {.sock = sock,
					 .input = o->interactive,
					 .tty = o->tty,
					 .sig_proxy = true,
					 .keys = keys,
					 .monitor = ct.monitor};
		r = run_attached(c, &ao, e);
	}
	fd_close(&sock);
	container_free(&ct);
	return r;
}

const struct command cmd_exec = {
	.name = "exec",
	.aliases = "container exec",
	.group = "Containers",
	.args = "[CONTAINER] COMMAND [ARG...]",
	.summary = "Run another command in a running container",
	.description = "Runs a command beside the container's own, with the same files, user and "
		       "environment unless told otherwise. "
		       "Its exit code becomes that of hoy.",
	.examples = "hoy exec web ls /www\nhoy exec -it web sh\nhoy exec -u 1000 -w /tmp web id",
	.exits = "125 hoy itself failed\n126 the command cannot be executed\n127 there is no such "
		 "command in the container",
	.opts = exec_rows,
	.opts_size = sizeof(struct exec_cmd_opts),
	.stop_at_operand = true,
	.complete = COMPLETE_RUNNING,
	.run = exec_run,
};
