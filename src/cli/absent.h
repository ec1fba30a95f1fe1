/*
 * absent.h - flags and commands that podman and docker have and this build has not.
 *
 * Who types one of them means something definite, so the answer is why it is not there and what to do instead, never the nearest name, which
 * does another thing ("login" is not a mistyped "logs"). A row goes when its flag or command comes: absent_test.c fails for rows of what exists.
 */
#ifndef CLI_ABSENT_H
#define CLI_ABSENT_H

#include "base/base.h"

struct absent {
	const char *names;  /* separated by blanks; a single letter is a short flag */
	const char *reason; /* goes on after "--name: " */
	const char *hint;
	const char *
		group; /* of a command: the group that it is missing in; NULL: a word of its own, or in container or image. Of a flag: the only
			* command that it is missing in; NULL: any */
};

/* Of run and create; of other commands; ended by a row without names. */
extern const struct absent absent_run_flags[], absent_other_flags[], absent_commands[];

/* Fills the error (ERR_ABSENT) and returns true if the flag (its name without dashes, n bytes) is known elsewhere. command may be NULL. */
bool absent_flag(const char *command, const char *name, size_t n, struct err *e);

/* The same for a command: "build", "network ls". */
bool absent_command(const char *name, struct err *e);

#endif
