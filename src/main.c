/*
 * hoy - a container engine without root and without a daemon.
 *
 * Reads the command line, runs the command, prints its error, returns its code. Everything else is below: cli/commands.c
 * lists the commands, src/README.md says how the floors stand on each other.
 */
#include <signal.h>

#include "base/base.h"
#include "base/proc.h"
#include "cli/command.h"
#include "cli/defaults.h"
#include "cli/oci.h"
#include "runtime/launch.h"

/* A closed standard descriptor would be given to the next file that is opened; /dev/null takes its place. */
static void keep_standard_descriptors(void)
{
	for (int fd = 0; fd < 3; fd++)
		if (fcntl(fd, F_GETFD) < 0)
			(void)!open("/dev/null", O_RDWR);
}

int main(int argc, char **argv)
{
	scoped(cli) c = {0};
	struct err e = {.exit = EXIT_ENGINE};

	proc_keep_args(argc, argv);
	if (argc > 1 && !strcmp(argv[1], "__stage"))
		return launch_reentry(argc, argv);
	keep_standard_descriptors();
	signal(SIGXFSZ, SIG_IGN); /* a file size limit is an error that can be told, not an end */
	int r = cli_parse(&c, argc, argv, &e);
	if (r == 0 && c.runtime)
		r = oci_parse(&c, &e);
	else if (r == 0)
		r = defaults_read(&c, &e);
	if (r == 0 && !c.runtime)
		r = defaults_apply(&c, &e);
	if (r == 0) {
		cli_debug(&c, "command %s, store %s", c.cmd->name, c.root ? c.root : "by the rule");
		r = c.cmd->run(&c, c.opts, &e);
	}
	struct err flush = {0};
	if (out_flush(&c.out, &flush) < 0 && r >= 0) {
		e = flush;
		r = -flush.code;
	}
	if (r < 0) {
		if (!e.msg[0] && e.code != EPIPE)
			err_fail(&e, ERR_INTERNAL, "failed without a reason (%d)", r);
		cli_debug(&c, "errno %d, exit status %d", e.code, e.exit);
		cli_explain(&c, &e);
		if (c.oci)
			oci_explain(&c, &e);
		output_error(&e);
		return e.exit;
	}
	return r > c.exit ? r : c.exit;
}
