/* create, run and start. */
#include "base/base.h"
#include "cli/oci.h"

struct create_opts {
	struct oci_create_opts o;
	bool detach, keep, no_subreaper;
};

#define TO(kind, field)	    OPT_TO(kind, struct create_opts, o.field)
#define TO_RUN(kind, field) OPT_TO(kind, struct create_opts, field)
static const struct opt bundle_rows[] = {
	{"bundle", 'b', TO(OPT_STR, bundle), "DIR", "The bundle: where config.json is",
	 COMPLETE_DIR},
	{"console-socket", 0, TO(OPT_STR, console_socket), "SOCKET",
	 "Who connects the terminal: its master is sent there", COMPLETE_FILE},
	{"pid-file", 0, TO(OPT_STR, pid_file), "FILE", "Write the process ID there", COMPLETE_FILE},
	{"no-pivot", 0, TO(OPT_BOOL, no_pivot), NULL,
	 "Move the root instead of pivoting, for machines that run from their initramfs"},
	{"no-new-keyring", 0, TO(OPT_BOOL, no_new_keyring), NULL,
	 "Leave the container the caller's session keyring"},
	{"preserve-fds", 0, TO(OPT_UINT, preserve_fds), "N",
	 "Hand descriptors 3 to N + 2 on to the process"},
	{0},
};
static const struct opt run_rows[] = {
	{.kind = OPT_TABLE, .sub = bundle_rows},
	{"detach", 'd', TO_RUN(OPT_BOOL, detach), NULL, "Do not wait for the end"},
	{"keep", 0, TO_RUN(OPT_BOOL, keep), NULL, "Do not delete it at the end"},
	{"no-subreaper", 0, TO_RUN(OPT_BOOL, no_subreaper), NULL,
	 "Taken as by runc: orphans are left to the caller in any case"},
	{0},
};
#undef TO
#undef TO_RUN

static int create_run(struct cli *c, void *opts, struct err *e)
{
	struct create_opts *o = opts;
	struct oci_container ct = {.root = -1, .dir = -1};
	struct strs warnings = {0};
	int r = oci_seal(c, e);

	if (r < 0)
		return r;
	r = oci_create(c->oci, c->args[0], &o->o, &ct, &warnings, e);
	oci_warn(c, &warnings);
	oci_container_free(&ct);
	return r < 0 ? err_context(e, "create failed") : 0;
}

const struct command cmd_oci_create = {
	.name = "oci create",
	.group = "OCI runtime",
	.args = "ID",
	.summary = "Make a container of a bundle, up to its start",
	.description =
		"Reads config.json of the bundle (the current directory unless --bundle says "
		"otherwise), makes the container's namespaces, control groups and file systems, "
		"and leaves "
		"its first process waiting for `start`. What the document says and the "
		"specification does not allow, or this machine cannot give, is refused with line "
		"and column.",
	.examples = "hoy oci create --bundle ./bundle c1",
	.exits = "0 the container is created\n1 it is not",
	.opts = bundle_rows,
	.opts_size = sizeof(struct create_opts),
	.run = create_run,
};

static int run_run(struct cli *c, void *opts, struct err *e)
{
	struct create_opts *o = opts;
	struct strs warnings = {0};
	int r = oci_seal(c, e);

	if (r < 0)
		return r;
	r = oci_run(c->oci, c->args[0], &o->o, o->detach, o->keep, &warnings, e);
	oci_warn(c, &warnings);
	return r < 0 ? err_context(e, "run failed") : r;
}

const struct command cmd_oci_run = {
	.name = "oci run",
	.group = "OCI runtime",
	.args = "ID",
	.summary = "Create a container of a bundle and start it",
	.description =
		"Waits for its end, passes signals on and deletes it then, unless --detach or "
		"--keep say "
		"otherwise. A terminal is connected to this one, if no console socket is named.",
	.examples = "hoy oci run --bundle ./bundle c1",
	.exits = "0 to 255 the code of its process\n1 it could not be started",
	.opts = run_rows,
	.opts_size = sizeof(struct create_opts),
	.run = run_run,
};

static int start_run(struct cli *c, void *opts, struct err *e)
{
	struct oci_container ct;
	struct strs warnings = {0};
	int r = oci_open(c->oci, c->args[0], &ct, e);

	(void)opts;
	if (r == 0)
		r = oci_start(&ct, &warnings, e);
	oci_warn(c, &warnings);
	oci_container_free(&ct);
	return r;
}

const struct command cmd_oci_start = {
	.name = "oci start",
	.group = "OCI runtime",
	.args = "ID",
	.summary = "Start the process of a created container",
	.description = "Its first process runs the hooks startContainer and becomes the command. "
		       "An error of that is "
		       "told here.",
	.examples = "hoy oci start c1",
	.exits = "0 the command runs\n1 it does not",
	.opts = (const struct opt[]){{0}},
	.opts_size = 1,
	.run = start_run,
};
