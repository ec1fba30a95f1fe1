#include "base/base.h"
#include "cli/oci.h"

#define TO(kind, field) OPT_TO(kind, struct oci_exec_opts, field)
static const struct opt exec_rows[] = {
	{"process", 'p', TO(OPT_STR, process), "FILE",
	 "All about the process: an object like process of config.json", COMPLETE_FILE},
	{"cwd", 0, TO(OPT_STR, cwd), "DIR", "Its working directory"},
	{"env", 'e', TO(OPT_STRS, env), "KEY=VALUE", "Add to its environment"},
	{"tty", 't', TO(OPT_BOOL, tty), NULL, "Give it a terminal"},
	{"user", 'u', TO(OPT_STR, user), "UID[:GID]", "Who it is"},
	{"additional-gids", 'g', TO(OPT_STRS, groups), "GID", "Supplementary groups"},
	{"detach", 'd', TO(OPT_BOOL, detach), NULL, "Do not wait for its end"},
	{"pid-file", 0, TO(OPT_STR, pid_file), "FILE", "Write the process ID there", COMPLETE_FILE},
	{"console-socket", 0, TO(OPT_STR, console_socket), "SOCKET",
	 "Who connects the terminal: its master is sent there", COMPLETE_FILE},
	{"process-label", 0, TO(OPT_STR, selinux), "LABEL", "Its SELinux label"},
	{"apparmor", 0, TO(OPT_STR, apparmor), "PROFILE", "Its AppArmor profile"},
	{"no-new-privs", 0, TO(OPT_BOOL, no_new_privs), NULL,
	 "No program gives it more rights than it begins with"},
	{"cap", 'c', TO(OPT_STRS, caps), "CAP", "Add a capability: CAP_NET_ADMIN"},
	{"preserve-fds", 0, TO(OPT_UINT, preserve_fds), "N",
	 "Hand descriptors 3 to N + 2 on to the process"},
	{"cgroup", 0, TO(OPT_STR, cgroup), "PATH", "A group below that of the container"},
	{"ignore-paused", 0, TO(OPT_BOOL, ignore_paused), NULL,
	 "Also in a paused container, where it waits"},
	{0},
};
#undef TO

static int exec_run(struct cli *c, void *opts, struct err *e)
{
	struct oci_exec_opts *o = opts;
	struct oci_container ct;
	struct strs warnings = {0};
	int r = oci_seal(c, e);

	if (r < 0)
		return r;
	for (size_t i = 1; i < c->nargs; i++)
		strs_add(&c->arena, &o->args, c->args[i]);
	o->no_new_privs_given = cli_given(c, "no-new-privs");
	r = oci_open(c->oci, c->args[0], &ct, e);
	if (r == 0)
		r = oci_exec(&ct, o, &warnings, e);
	oci_warn(c, &warnings);
	oci_container_free(&ct);
	return r < 0 ? err_context(e, "exec failed") : r;
}

const struct command cmd_oci_exec = {
	.name = "oci exec",
	.group = "OCI runtime",
	.args = "ID [COMMAND [ARG...]]",
	.summary = "Run one more process in a container",
	.description = "The process is like the container's own where the flags do not say "
		       "otherwise; with "
		       "--process all about it stands in a file.",
	.examples = "hoy oci exec --user 0:0 c1 id",
	.exits = "0 to 254 the code of the process; 0 with --detach\n255 it could not be started",
	.opts = exec_rows,
	.opts_size = sizeof(struct oci_exec_opts),
	.stop_at_operand = true,
	.run = exec_run,
};
