/*
 * moment.h - the values of --since and --until.
 */
#ifndef CLI_MOMENT_H
#define CLI_MOMENT_H

#include "cli/command.h"

/* Reads a moment as base/parse.h has it; NULL or "": none. A duration is before now; --until of one that is called podman is after now, as there. ERR_USAGE
 * names the flag. */
int moment_opt(const struct cli *c, const char *flag, const char *text, bool *ret_has,
	       struct timespec *ret, struct err *e);

#endif
